"The progress file: what is done, what is next, and damaged files."

import json

import pytest
from right_answers import RIGHT_ANSWERS

from lesson7.course import check
from lesson7.course.tasks import exercises

pytest_plugins = ["core_fixtures"]
pytestmark = pytest.mark.usefixtures("data_home")


def solve(name):
    "Check a right answer to an exercise, and return the verdict."
    return getattr(check, name)(RIGHT_ANSWERS[name][0])


def unfinished(x, mean, std): ...


@pytest.fixture
def progress_file(data_home):
    "The path of the progress file, in a folder that exists."
    data_home.mkdir(parents=True)
    return data_home / "progress.json"


def test_progress_starts_at_zero_and_writes_nothing(data_home):
    assert "0 of 16 done. Next: check.batch_stats" in repr(check.progress())
    assert not data_home.exists()


def test_progress_counts_right_answers(data_home):
    solve("batch_stats")
    check.normalize(unfinished)
    progress = check.progress()
    assert "[x] batch_stats   [ ] normalize" in repr(progress)
    assert "1 of 16 done. Next: check.normalize, chapter normalize." in repr(progress)
    assert progress._repr_html_().count("<b>(done)</b>") == 1
    assert [file.name for file in data_home.iterdir()] == ["progress.json"]
    stored = json.loads((data_home / "progress.json").read_text())
    assert stored["done"].keys() == {"batch_stats"}


def test_the_next_exercise_is_in_the_same_chapter():
    assert "Next: check.best_logit." in solve("smoothed_cross_entropy").message
    # Those of the same chapter come first, before and after it.
    assert "Next: check.smooth_labels." in solve("best_logit").message
    message = solve("smooth_labels").message
    assert "of this chapter are done. Next: batch_stats, in the chapter normalize." in message


def test_all_exercises_done():
    for name in exercises():
        last = solve(name)
    assert "All exercises are done." in last.message
    assert "16 of 16 done. All exercises are done." in repr(check.progress())


@pytest.mark.parametrize(
    "content", [b"{not json", b"[]", b'{"done": 3}', b'{"done": {"mix": 1}}', b"", b"\xff\xfe\x00"]
)
def test_a_damaged_progress_file_is_renamed(progress_file, content):
    progress_file.write_bytes(content)
    progress = check.progress()
    assert progress.done == {}
    assert "the old file is kept as progress-damaged-1.json" in progress.problem
    assert "0 of 16" in repr(progress)
    assert progress_file.with_name("progress-damaged-1.json").read_bytes() == content
    progress_file.write_text("damaged again")
    verdict = solve("mix")
    assert verdict and "progress-damaged-2.json" in verdict.message
    assert set(check.progress().done) == {"mix"}


def test_progress_of_a_chapter(data_home):
    solve("mix")
    progress = check.progress("mixup")
    assert repr(progress).startswith(
        "mixup     [x] mix   [ ] mix_batch   [ ] sample_lambda\n1 of 3"
    )
    assert "normalize" not in progress._repr_html_()
    with pytest.raises(ValueError, match="chapter must be one of 'normalize', .*, got 'mix'"):
        check.progress("mix")


def test_reset_starts_again(progress_file):
    for name in ("mix", "combine"):
        solve(name)
    check.mix.hint()
    assert set(check.reset("mix").done) == {"combine"} == set(check.progress().done)
    assert "Hint 1 of 3" in repr(check.mix.hint())
    solve("mix")
    assert "0 of 16 done" in repr(check.reset())
    assert check.progress().done == {}
    assert "Hint 1 of 3" in repr(check.mix.hint())
    assert json.loads(progress_file.read_text()) == dict(format=1, done={})
    with pytest.raises(ValueError, match="exercise must be one of"):
        check.reset("smooth")


def test_reset_of_a_damaged_file(progress_file):
    progress_file.write_text("damaged")
    assert "progress-damaged-1.json" in check.reset("mix").problem
    progress_file.write_text("damaged")
    assert check.reset().problem == "" and check.progress().done == {}


def test_a_right_answer_passes_where_progress_cannot_be_written(data_home):
    data_home.parent.mkdir()
    data_home.write_text("a file in the place of the folder")
    verdict = solve("mix")
    assert verdict and "could not be saved" in verdict.message


def test_html_in_a_problem_is_escaped():
    assert "<b>x" not in check.Progress({}, "<b>x")._repr_html_()


def test_exercises_of_another_version_are_kept(progress_file):
    done = {"exercise_of_a_later_version": "2030-01-01"}
    progress_file.write_text(json.dumps(dict(format=1, done=done)))
    solve("mix")
    progress = check.progress()
    assert set(progress.done) == {*done, "mix"}
    assert "1 of 16 done" in repr(progress)
