"""Faults of disks, folders, processes and clocks, for everything that writes files.

`nbs/results/faults.json` says what happens in each case, and the page *Faults* shows it. Each case
runs in a process of its own.
"""

import json
import os
import re
import shutil
import signal
import sys

import pytest
from PIL import Image

from lesson7.course import notebooks
from lesson7.course.check import _record
from lesson7.data.files import Presized, results_folder
from lesson7.data.samples import sample_dataset

if sys.platform != "linux":
    pytest.skip("the faults are made as Linux allows it", allow_module_level=True)

from faults import (
    age,
    can_mount,
    fill_disk,
    in_child,
    leftovers,
    lose_home,
    mount_disk,
    on_change,
    read_only,
    set_clock_back,
)
from writers import WRITERS

TABLE = json.loads((results_folder() / "faults.json").read_text())
ROWS = [row for row in TABLE if row["writer"] in WRITERS]
ROOM = 40_000  # bytes: a few images of a dataset are written
KILLS = 3  # of a writer, spread over its changes


@pytest.fixture(scope="module", autouse=True)
def imports(tmp_path_factory):
    "Write all once, so that no forked process imports modules."
    folder = tmp_path_factory.mktemp("writers") / "folder"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder))
        patch.setattr(notebooks, "_editions", notebooks._editions)
        for writer in WRITERS.values():
            for version in (0, 1):
                assert written(writer, folder, version) == ""
            assert writer.read(folder) == 1


def written(writer, folder, version):
    "Write a version, and return the message; empty where all went well."
    try:
        return writer.write(folder, version) or ""
    except (OSError, ValueError) as e:
        return str(e)


def state(writer, folder):
    "Return the version that is there, and the temporary files."
    return writer.read(folder), leftovers(folder)


def with_full_disk(writer, folder):
    mount_disk(folder)
    assert written(writer, folder, 0) == ""
    fill_disk(folder, room=ROOM if writer is WRITERS["a sample dataset"] else 0)
    message = written(writer, folder, 1)
    return [message, *state(writer, folder)]


def with_fault(fault, writer, folder):
    fault(folder)
    return written(writer, folder, 1)


def after_fault(fault, writer, folder):
    assert in_child(written, writer, folder, 0) == ""
    message = in_child(with_fault, fault, writer, folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    return [message, *in_child(state, writer, folder)]


CASES = {
    "full disk": lambda *arguments: in_child(with_full_disk, *arguments),
    "read-only folder": lambda *arguments: after_fault(read_only, *arguments),
    "clock set back": lambda *arguments: after_fault(set_clock_back, *arguments),
}
VERSIONS = {"refused": 0, "done": 1, "done without it": 0}


def named(row):
    return f"{row['fault']}, {row['writer']}"


@pytest.mark.parametrize("row", [row for row in ROWS if row["fault"] in CASES], ids=named)
def test_a_fault_of_a_disk_or_folder_is_a_line_and_keeps_what_is_there(row, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    if row["fault"] == "full disk" and not in_child(can_mount, folder):
        pytest.skip("a process may not have a disk of its own here")
    message, version, left = CASES[row["fault"]](WRITERS[row["writer"]], folder)
    message = re.sub(r"weights-[0-9a-f]{16}", "weights-…", message.replace(f"{folder}/", ""))
    assert message == row["message"]
    assert (version, left) == (VERSIONS[row["result"]], [])


HOME = {  # what has its place in the user's folders
    "a sample dataset": lambda photo: str(sample_dataset(n_train=10, n_val=10)),
    "decoded pixels": lambda photo: "" if Presized(100)(photo).size else None,
    "the progress file": lambda photo: _record("mix")[1],
}


def without_home(writer, folder, photo):
    lose_home(folder)
    try:
        message = HOME[writer](photo)
    except ValueError as e:
        message = str(e)
    return [message, os.listdir(folder)]


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["fault"] == "no home folder"], ids=named
)
def test_without_a_home_folder_nothing_is_written_elsewhere(row, tmp_path):
    folder, photo = tmp_path / "folder", tmp_path / "photo.png"
    folder.mkdir()
    Image.linear_gradient("L").save(photo)
    assert in_child(without_home, row["writer"], folder, photo) == [row["message"], []]


def count_changes(writer, folder):
    "Write the second version, and return how often that changes the folder."
    numbers = []
    on_change(folder, numbers.append)
    assert written(writer, folder, 1) == ""
    return len(numbers)


def killed(number, writer, folder):
    "Write the second version, and end before the change of this number is made."
    on_change(folder, lambda n: n == number and os.kill(os.getpid(), signal.SIGKILL))
    return written(writer, folder, 1)


@pytest.mark.parametrize("row", [row for row in ROWS if row["fault"] == "kill -9"], ids=named)
def test_a_killed_writer_leaves_the_old_file_or_the_new_one(row, tmp_path):
    writer = WRITERS[row["writer"]]
    first, trial = tmp_path / "first" / "folder", tmp_path / "trial" / "folder"
    first.mkdir(parents=True)
    assert in_child(written, writer, first, 0) == ""
    shutil.copytree(first.parent, trial.parent)
    count = in_child(count_changes, writer, trial)
    for number in sorted({round(share * (count - 1) / (KILLS - 1)) for share in range(KILLS)}):
        shutil.rmtree(trial.parent)
        shutil.copytree(first.parent, trial.parent)
        assert in_child(killed, number, writer, trial) == -signal.SIGKILL
        assert in_child(writer.read, trial) in (0, 1)
        age(trial)
        assert in_child(written, writer, trial, 1) == ""
        assert in_child(state, writer, trial) == [1, []]
