"What the view of an explorer does while a kernel answers, is busy, fails, or is gone."

import io
import json

import numpy as np
import pytest
from browser import wait_for_drawing
from explorer_examples import random_learner
from explorer_page import drawing, load_explorer, open_more, press_tool
from playwright.sync_api import expect

from lesson7.data.samples import photos
from lesson7.explorers.normalize import NormalizeExplorer
from lesson7.explorers.scripts import joined_script
from lesson7.explorers.tta import TTAExplorer

ANSWERS = "The model in the kernel answers."
BEFORE = "computed before"
NEVER = 1e9  # milliseconds
SHOWN = "(all) => all.map((node) => Number(node.dataset.value))"
# The explorer of the page again, with a kernel that the test plays.
SHOW_WITH_KERNEL = """async ([esm, changes]) => {
  const [{ textContent }] = document.querySelectorAll('script[type$="widget-state+json"]');
  const [{ state, buffers }] = Object.values(JSON.parse(textContent).state).filter(
    ({ model_name }) => model_name === "AnyModel",
  );
  for (const { path, data } of buffers) {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    state[path[0]] = new DataView(bytes.buffer);
  }
  Object.assign(state, changes);
  const listeners = {};
  const fire = (name, ...values) => (listeners[name] ?? []).forEach((call) => call(...values));
  globalThis.asked = [];
  globalThis.stateInPython = () => JSON.stringify([state.at, state.photo, state.moving]);
  globalThis.answer = (content, rows = []) => {
    const length = rows[0]?.length ?? 0;
    const shape = [rows.length, length];
    const bytes = new DataView(Float32Array.from(rows.flat()).buffer);
    fire("msg:custom", { kind: "answer", shape, ...content }, [bytes]);
  };
  const model = {
    get: (name) => (name === "kernel" ? true : state[name]),
    set(name, value) {
      state[name] = value;
      fire(`change:${name}`);
    },
    save_changes() {},
    send: (content) => asked.push(content),
    on(name, call) {
      listeners[name] = [...(listeners[name] ?? []), call];
    },
    off(name, call) {
      listeners[name] = (listeners[name] ?? []).filter((other) => other !== call);
    },
  };
  const el = document.querySelector(".l7").parentElement;
  el.querySelector(".l7").remove();
  const script = new Blob([esm], { type: "text/javascript" });
  const { default: view } = await import(URL.createObjectURL(script));
  globalThis.receive = (name, value) => model.set(name, value);
  globalThis.close = await view.render({ model, el });
  globalThis.listenerCount = () => Object.values(listeners).flat().length;
}"""


class Kernel:
    "The kernel of a page: it answers when the test says so."

    def __init__(self, page, explorer):
        self.page = page
        self.explorer = explorer

    def next_question(self):
        "Wait for a question, and take it."
        self.page.wait_for_function("asked.length > 0")
        return self.page.evaluate("asked.shift()")

    def has_questions(self):
        wait_for_drawing_now(self.page)
        return self.page.evaluate("asked.length > 0")

    def answer(self, question):
        content = question["question"]
        rows = np.asarray(self.explorer.predict(content)).tolist() if content else []
        self.page.evaluate("([id, rows]) => answer({ id }, rows)", [question["id"], rows])

    def answer_next(self):
        self.answer(self.next_question())


def wait_for_drawing_now(page):
    "Wait for a display frame; an answer may be on its way."
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


@pytest.fixture(scope="module")
def explorer():
    return TTAExplorer(photos("china"), learn=random_learner(["a", "b", "c"]), side=48)


@pytest.fixture
def show_with_kernel(new_page, tmp_path):
    """`show_with_kernel(explorer)` returns its page's kernel, which has answered the greeting.

    Traits can be given as Python has them before the explorer is saved.
    """

    def show(explorer, **traits):
        page = new_page(bypass_csp=True)  # for `wait_for_function`
        load_explorer(page, explorer.save(tmp_path / "page.html").as_uri())
        page.evaluate(f"globalThis.l7late = {NEVER}")
        page.evaluate(SHOW_WITH_KERNEL, [joined_script(explorer._view), traits])
        open_more(page)
        kernel = Kernel(page, explorer)
        kernel.answer_next()
        return kernel

    return show


@pytest.fixture
def kernel(show_with_kernel, explorer):
    return show_with_kernel(explorer)


def slide(page, *keys):
    for key in keys:
        page.get_by_label("across", exact=True).press(key)


def test_a_value_that_comes_back_late_changes_nothing(kernel):
    page = kernel.page
    slide(page, *["ArrowRight"] * 4)
    earlier = json.loads(page.evaluate("stateInPython()"))[0]
    slide(page, "ArrowRight")
    page.evaluate("(at) => receive('at', at)", earlier)
    assert place(page) == 5
    page.evaluate("(at) => receive('at', at)", earlier)  # Python itself goes back
    wait_for_drawing(page)
    assert place(page) == 4


def values(page):
    return page.locator(".l7-tta-term strong").evaluate_all(SHOWN)


def place(page):
    return json.loads(page.get_by_label("across", exact=True).input_value())


def expected(explorer, step):
    "Return what Python shows of the first window's place, in steps of 1/120."
    explorer.at = [[step / 120, 0], *explorer.at[1:]]
    return explorer.preds[:, int(explorer.answer.argmax())]


def test_newest_of_many_questions_is_answered_last(kernel):
    page = kernel.page
    kernel.answer_next()
    expect(page.get_by_text(ANSWERS)).to_be_visible()
    slide(page, "ArrowRight", "ArrowRight")
    first = kernel.next_question()
    slide(page, *["ArrowRight"] * 20)
    assert not kernel.has_questions()
    kernel.answer(first)
    kernel.answer_next()
    wait_for_drawing(page)
    assert not kernel.has_questions() and place(page) == 22
    assert values(page) == pytest.approx(expected(kernel.explorer, 22), abs=1e-6)


def test_an_old_answer_changes_nothing(kernel):
    page = kernel.page
    kernel.answer_next()
    wait_for_drawing(page)
    before = drawing(page)
    page.evaluate("answer({ id: 'another view 1' }, [[9, 9, 9]])")
    wait_for_drawing(page)
    assert drawing(page) == before


def test_an_error_is_one_line_and_the_next_question_is_asked(kernel):
    page = kernel.page
    kernel.answer_next()
    slide(page, "PageUp")
    question = kernel.next_question()
    page.evaluate("(id) => answer({ id, error: 'TypeError: <b>no</b>' })", question["id"])
    expect(page.get_by_text("TypeError: <b>no</b>", exact=True)).to_be_visible()
    assert len(values(page)) == 5 and not kernel.has_questions()
    slide(page, "PageUp")
    kernel.answer_next()
    expect(page.get_by_text(ANSWERS)).to_be_visible()
    assert values(page) == pytest.approx(expected(kernel.explorer, place(page)), abs=1e-6)


def test_grid_answers_while_the_kernel_is_busy(kernel):
    page = kernel.page
    kernel.answer_next()
    page.evaluate("globalThis.l7late = 1")
    slide(page, "PageUp")
    question = kernel.next_question()
    expect(page.get_by_text(BEFORE)).to_be_visible()
    slide(page, "PageUp")
    assert page.get_by_label("across", exact=True).get_attribute("max") == "8"
    assert values(page) == pytest.approx(expected(kernel.explorer, 15 * place(page)), abs=1e-5)
    assert not kernel.has_questions()
    page.evaluate(f"globalThis.l7late = {NEVER}")
    kernel.answer(question)
    kernel.answer_next()
    expect(page.get_by_text(ANSWERS)).to_be_visible()
    assert values(page) == pytest.approx(expected(kernel.explorer, place(page)), abs=1e-6)


def test_the_grid_is_asked_for_while_nothing_else_is(show_with_kernel, explorer):
    explorer.at = [[0, 0], *explorer.at[1:]]
    kernel = show_with_kernel(explorer, asked=[], first=explorer.first)
    page = kernel.page
    assert values(page) == pytest.approx(expected(explorer, 0), abs=1e-6)
    kernel.answer_next()
    first = kernel.next_question()
    assert first["question"] == dict(grid=0)
    slide(page, "ArrowRight")
    assert not kernel.has_questions()
    page.evaluate("globalThis.l7late = 1")
    kernel.answer(first)
    explorer.at = [[1 / 120, 0], *explorer.at[1:]]
    assert kernel.next_question()["question"]["views"] == [[0, *explorer.boxes[1]]]
    expect(page.get_by_text("are those of an earlier state.")).to_be_visible()
    assert values(page) == pytest.approx(expected(explorer, 0), abs=1e-6)


def test_model_in_the_kernel_predicts_with_your_own_statistics(show_with_kernel):
    labels = [i % 3 for i in range(9)]
    explorer = NormalizeExplorer(
        list(photos().values()),
        learn=random_learner(["a", "b", "c"]),
        labels=labels,
        kind="own",
        bs=5,
    )
    kernel = show_with_kernel(explorer)
    kernel.answer_next()
    page = kernel.page
    expect(page.get_by_text(ANSWERS)).to_be_visible()
    page.get_by_label("green mean", exact=True).fill("0.2")
    question = kernel.next_question()
    kernel.answer(question)
    wait_for_drawing(page)
    pictures = explorer.predict(question["question"])
    assert question["question"]["pictures"][0][1:] == [0.5, 0.2, 0.5, 0.5, 0.5, 0.5]
    used = explorer.draws[0][:5]
    right = sum(best == labels[i] for (best, _), i in zip(pictures, used))
    expect(page.get_by_text(f"The model: {right} of 5 right")).to_be_visible()
    check_guess(kernel)


def answer_all(kernel):
    while kernel.has_questions():
        kernel.answer_next()


def check_guess(kernel):
    "Check that Guess asks for the model's predictions, and waits for the kernel's answer."
    page = kernel.page
    press_tool(page, "Guess")
    question = page.locator(".l7-guess label")
    while "does the model get right" not in question.inner_text():
        answer_all(kernel)
        page.locator(".l7-guess input").fill("1")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
    page.locator(".l7-guess input").fill("9")
    page.keyboard.press("Enter")
    verdict = page.locator(".l7-guess p")
    expect(verdict).to_have_text("The model has not answered for this state.")
    kernel.answer_next()
    answer_all(kernel)
    page.locator(".l7-guess input").press("Enter")
    expect(verdict).to_contain_text("of 5 right, on average")


def test_own_photo_is_in_the_view_only(kernel):
    page = kernel.page
    kernel.answer_next()
    before = page.evaluate("stateInPython()")
    file = io.BytesIO()
    photos()["coffee"].save(file, "PNG")
    photo = dict(name="mine.png", mimeType="", buffer=file.getvalue())
    page.locator(".l7-photo input").set_input_files(photo)
    expect(page.get_by_text("“\u2068mine.png\u2069”. It stays in this page.")).to_be_visible()
    open_more(page)
    slide(page, "End")
    assert not kernel.has_questions()
    assert page.evaluate("stateInPython()") == before
    press_tool(page, "Reset")
    kernel.answer_next()  # a greeting
    kernel.answer_next()
    expect(page.get_by_text(ANSWERS)).to_be_visible()


def test_closing_takes_all_listeners_away(kernel):
    kernel.page.evaluate("close()")
    assert kernel.page.evaluate("listenerCount()") == 0
