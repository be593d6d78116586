"Questions to a network: one at a time, the newest answer last, the first source that is ready."

import pytest

from lesson7.explorers.scripts import joined_script

# Sources that answer when the test says so: `finish(name)`, or `fail(name)`.
START = """async (script) => {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const { createAnswers } = await import(url);
  const ready = { kernel: true, page: true, grid: true };
  const asked = [];
  const waiting = {};
  const source = (name) => ({
    name,
    isReady: () => ready[name],
    answer(question) {
      asked.push([name, question.key]);
      return new Promise((resolve, reject) => {
        waiting[name] = { question, resolve, reject };
      });
    },
  });
  const answers = createAnswers(["kernel", "page", "grid"].map(source));
  const got = [];
  const settle = () => new Promise((done) => setTimeout(done));
  globalThis.tried = {
    ...{ ready, asked, got, answers },
    ask(key) {
      const tensors = [new Float32Array([asked.length])];
      const question = { key, size: 1, tensors };
      answers.ask(question).then((answer) => got.push([key, answer?.key ?? null]));
    },
    async finish(name) {
      const { question, resolve } = waiting[name];
      resolve([[question.tensors[0][0]]]);
      await settle();
    },
    async fail(name) {
      waiting[name].reject(new Error("kernel died\\nTraceback"));
      await settle();
    },
  };
}"""


@pytest.fixture
def run(new_page):
    "`run(script)` evaluates a script that has `tried`, the answers with sources of the test."
    page = new_page()
    page.evaluate(START, joined_script("answers") + "\nexport { createAnswers };")
    return page.evaluate


def test_newest_question_follows_the_one_in_flight(run):
    run("() => ['a', 'b', 'c', 'd'].forEach(tried.ask)")
    assert run("tried.asked") == [["kernel", "a"]]
    run("tried.finish('kernel')")
    assert run("tried.asked") == [["kernel", "a"], ["kernel", "d"]]
    run("tried.finish('kernel')")
    assert run("tried.got") == [["b", None], ["c", None], ["a", "a"], ["d", "d"]]


def test_first_ready_source_answers(run):
    run("() => { tried.ready.kernel = false; tried.ask('a'); }")
    assert run("tried.asked") == [["page", "a"]]
    run("tried.finish('page')")
    assert run("tried.answers.describe()") == "page"
    run("() => { tried.ready.page = false; tried.ask('b'); }")
    run("tried.finish('grid')")
    assert run("tried.answers.describe()") == "grid"


def test_failed_source_is_followed_by_the_next(run):
    run("() => tried.ask('a')")
    run("tried.fail('kernel')")
    assert run("tried.asked") == [["kernel", "a"], ["page", "a"]]
    run("tried.finish('page')")
    assert run("tried.got") == [["a", "a"]]
    assert run("tried.answers.describe()") == "page"
    assert run("tried.answers.getMessage()") == "kernel died"
    run("() => tried.ask('b')")
    run("tried.finish('kernel')")
    assert run("tried.answers.getMessage()") == ""


def test_no_source_gives_no_answer(run):
    run("() => { Object.assign(tried.ready, { kernel: false, page: false, grid: false }); }")
    run("async () => { tried.ask('a'); await new Promise((done) => setTimeout(done)); }")
    assert run("tried.got") == [["a", None]]
    assert run("tried.answers.describe()") == ""


def test_closed_answers_stay_silent(run):
    run("() => { tried.ask('a'); tried.ask('b'); tried.answers.close(); }")
    run("tried.finish('kernel')")
    assert run("tried.got") == [["b", None], ["a", None]]
    assert run("tried.asked") == [["kernel", "a"]]
