"Faults of disks, folders, processes and clocks, which a forked process can be given (Linux)."

import ctypes
import json
import os
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

CAPABILITIES = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
NEW_MOUNTS = 0x00020000  # CLONE_NEWNS
PRIVATE = 0x44000  # MS_REC | MS_PRIVATE
DISK = 4_000_000  # bytes
YEAR = 31_536_000  # seconds


def in_child(function, *arguments):
    "Return what a function returns in a forked process; a negative signal where one ended it."
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            with open(write, "w") as stream:
                json.dump(function(*arguments), stream)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    os.close(write)
    with open(read) as stream:
        text = stream.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status <= 0, "the process raised an error"
    return json.loads(text) if status == 0 else status


def _call(name, *arguments):
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _folders(folder):
    return [folder, *(path for path in folder.rglob("*") if path.is_dir())]


def read_only(folder):
    "Make folders read-only, also for a superuser."
    for path in _folders(folder):
        path.chmod(0o555)
    header = (ctypes.c_uint32 * 2)(CAPABILITIES, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())


def mount_disk(folder):
    "Put a small disk in the place of a folder, for this process."
    _call("unshare", NEW_MOUNTS)
    _call("mount", b"none", b"/", None, PRIVATE, None)
    _call("mount", b"none", os.fsencode(folder), b"tmpfs", 0, f"size={DISK}".encode())


def can_mount(folder):
    "Return whether a process may have a disk of its own: most containers do not allow it."
    try:
        mount_disk(folder)
    except OSError:
        return False
    return True


def fill_disk(folder, room):
    "Leave a disk with so many bytes."
    with open(folder / "filler", "wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    os.truncate(folder / "filler", (folder / "filler").stat().st_size - room)


def set_clock_back(folder):
    "Give all that is there a time that is yet to come, as if the clock had been set back since."
    for path in folder.rglob("*"):
        os.utime(path, (time.time() + YEAR,) * 2)


def lose_home(folder):
    "Take the home folder away: no variable names it, and the user has no entry."
    import pwd

    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        os.environ.pop(name, None)

    def no_entry(uid):
        raise KeyError(uid)

    pwd.getpwuid = no_entry
    os.chdir(folder)


def on_change(folder, act):
    "Call a function before this process changes a folder, with the number of the change, from 0."
    changes = ("os.mkdir", "os.rename", "os.remove", "os.rmdir")
    count = 0

    def hook(event, arguments):
        nonlocal count
        is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_ACCMODE
        if (is_write or event in changes) and _is_inside(arguments[0], folder):
            act(count)
            count += 1

    sys.addaudithook(hook)


def _is_inside(path, folder):
    is_path = isinstance(path, (str, bytes, os.PathLike))
    return is_path and os.path.abspath(os.fsdecode(path)).startswith(f"{folder}{os.sep}")


def leftovers(folder):
    "Return the names of temporary files and folders."
    names = [str(path.relative_to(folder)) for path in Path(folder).rglob(".*")]
    return sorted(name for name in names if not name.endswith(".lesson7.json"))


def age(folder):
    "Make all that is in a folder an hour older."
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - 3600,) * 2)
