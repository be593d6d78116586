"The guess of each explorer: a question, the learner's number, the answer and the score."

import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from browser import static, wait_for_drawing
from explorer_examples import EXAMPLES, NAMES, normalize_predictions
from explorer_page import (
    FEW_EPOCHS,
    FOCUSED_INDEX,
    combine_pages,
    control_values,
    open_more,
    type_guess,
    wait_for_explorers,
)
from PIL import Image
from playwright.sync_api import expect

import lesson7
from lesson7.explorers.mixup import MixupExplorer
from lesson7.explorers.normalize import CHANNELS, NormalizeExplorer
from lesson7.explorers.tta import TTAExplorer
from lesson7.mixup import mix, one_hot
from lesson7.normalize import normalize
from lesson7.resize import Stage, relative_cost
from lesson7.smoothing import smooth_labels
from lesson7.training.small import train_small
from lesson7.tta import combine

GUESSES = {  # the example that each guess is tested on
    "normalize": "NormalizeExplorer",
    "normalize-model": "NormalizeExplorer-own",
    "resize": "ResizeExplorer-model",
    "tta": "TTAExplorer",
    "mixup": "MixupExplorer",
    "smoothing": "SmoothingExplorer",
    "model": "TTAExplorer-model",
    "train": "TrainExplorer",
}
TTA_SECRETS = [
    ".l7-tta-term strong",
    ".l7-tta-answer [data-name]",
    ".l7-bars i",
    ".l7-bars > :nth-child(3n)",
    ".l7-headline .l7-number",
    "math .l7-number",
    "role=img[name=/^window 1: /]",
]
NORMALIZE_SECRETS = [
    "[data-name='after.0.mean']",
    "[data-name='after.0.sd']",
    "[aria-label^='red after']",
    ".l7-headline [data-name]",
    ".l7-formula [data-name]",
    "text=/within .* of mean 0|Exactly mean 0/",
]
SECRETS = {  # what shows the answer, to the eye or to a screen reader
    "normalize": NORMALIZE_SECRETS,
    "normalize-model": [*NORMALIZE_SECRETS, ".l7-normalize-low p:has-text('The model')"],
    "resize": [
        "td:nth-child(4)",
        "td:nth-child(5)",
        "[aria-label*=' of the work']",
        "text=/do the work of|nothing is saved/",
        ".l7-headline .l7-number",
        "math .l7-number",
        ".l7-resize-labels .l7-number",
        ".l7-bars i",
        ".l7-bars > :nth-child(3n)",
    ],
    "tta": TTA_SECRETS,
    "model": TTA_SECRETS,
    "mixup": [
        "figcaption:has-text('coffee')",
        ".l7-mixup-sum > :last-child code",
        ".l7-mixup-low .l7-bars i",
        ".l7-mixup-low .l7-bars > :nth-child(3n)",
        ".l7-headline .l7-number",
        "math .l7-number",
        "text=/says 0|ordinary|one-hot/",
        "role=img[name=/^blend: /]",
    ],
    "smoothing": [
        ".l7-bars i",
        ".l7-bars > :nth-child(3n)",
        ".l7-headline .l7-number",
        "math .l7-number",
        "p.l7-note:has-text('smoothed label')",
        "svg[role=img]",
        "tr:has-text('smoothed') td",
    ],
    "train": [
        ".l7-headline .l7-number",
        "math .l7-number",
        ".l7-train > .l7-note",
        ".l7-train > .l7-scroll td",
        "svg[role=img]",
        "canvas",
        "text=/B is better in|A is better in|Both sides are equal/",
    ],
}
GUESS = ".l7-tools button:text-is('Guess')"
QUESTION, INPUT, VERDICT = ".l7-guess label", ".l7-guess input", ".l7-guess p[aria-live]"
SCORE = ".l7-score"
REDUCTIONS = {  # words of a question -> how the views are combined
    "is their mean, ": "mean",
    "fastai's weights": "lerp",
    "their maximum": "max",
}
MAX_TAB_STOPS = 120
WRONG_BY = 4  # more than any tolerance
# Of questions that each explorer asks before one comes again; those of the other explorers differ
# in words, too, where only a name or a number is another.
KINDS = {
    "normalize": 4,
    "normalize-model": 5,
    "resize": 5,
    "tta": 5,
    "model": 5,
    "mixup": 3,
    "smoothing": 4,
    "train": 3,
}
NUMBER_OR_NAME = re.compile("−?\\d+(\\.\\d+)?|“.*?”|red|green|blue|Red|Green|Blue")
N_EPOCHS = 2  # of a training in the page: FEW_EPOCHS
MAX_QUESTIONS = 50  # until one is about the true class
LONGEST_NAME = 31  # characters of a class name in a question
DIRECTION = re.compile("[\u2068\u2069]")  # characters that isolate a name's writing direction

# The same questions in each run; their randomness is that of `random.js`.
SEED = """
let seed = %d;
globalThis.l7random = () => {
  seed = (seed * 16807) %% 2147483647;
  return seed / 2147483647;
};"""
PRESSED = "(buttons) => buttons.map((button) => button.ariaExpanded)"


@pytest.fixture
def open_guess(new_page, saved_example):
    "`open_guess(name or file, seed, **context options)`: a page whose questions are not random."

    def open_page(explorer, seed=1, **options):
        file = saved_example(GUESSES[explorer]) if explorer in GUESSES else explorer
        page = new_page(**options)
        page.add_init_script(SEED % seed)
        page.add_init_script(FEW_EPOCHS)
        page.goto(file.as_uri())
        page.locator(GUESS).last.wait_for()
        wait_for_explorers(page)
        open_more(page)
        return page

    return open_page


def start(page, n=0):
    "Reach the button of the `n`th guess by Tab alone, and press it."
    buttons = page.locator(GUESS)
    button = buttons.nth(n)
    for _ in range(MAX_TAB_STOPS):
        if buttons.evaluate_all(FOCUSED_INDEX) == n:
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(page.locator(INPUT).nth(n)).to_be_focused()
    expect(page.locator(QUESTION).nth(n)).to_contain_text("?")


def press_guess(page, value):
    "Type a number into the field that has the focus, and press Enter."
    page.keyboard.type(str(value))
    page.keyboard.press("Enter")


def visible_secrets(page, name):
    "Return for each selector of SECRETS whether the eye or a screen reader finds anything."
    wait_for_drawing(page)
    explorer = page.locator(".l7")
    found = []
    for selector in SECRETS[name]:
        nodes = explorer.locator(selector).all()
        found.append(any(node.is_visible() for node in nodes))
    return found


# The answers, by torch, to the question about the state that the page shows.


def control_value(page, label):
    return page.get_by_label(label, exact=True).input_value()


def quoted_names(question):
    return re.findall("“(.*?)”", question)


def numbers_in(text):
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text.replace("−", "-"))]


def normalize_answer(page, question):
    explorer = NormalizeExplorer(
        draw=int(control_value(page, "Batch")),
        bs=int(control_value(page, "Batch size")),
        kind=control_value(page, "Normalize with"),
    )
    if "the model get right" in question:
        predicted = normalize_predictions()[explorer.kind]
        return sum(predicted[i][0] == i % 4 for i in explorer.draws[explorer.draw][: explorer.bs])
    channel = CHANNELS.index(re.search("red|green|blue", question.lower())[0])
    mean, sd = (values[channel] for values in (explorer.stats.mean, explorer.stats.std))
    first = numbers_in(question)[0]
    if "does the model see" in question:
        return (first - mean) / sd
    if "in the file" in question:
        return first * sd + mean
    x = normalize(torch.from_numpy(explorer.batch), explorer.stats)[:, channel]
    return (x.mean() if "its mean" in question else x.std()).item()


def predicted_share(page, stages, question):
    "Return what the model gives a class: the one that is named, or the first at another size."
    guesses = EXAMPLES[GUESSES["resize"]]().guesses
    given, size = map(int, re.findall(r"at (\d+) px", question, re.I))
    assert {given, size} == {stage.size for stage in stages[:2]}
    by_size = guesses["at"][control_value(page, "Image size in file")]
    first, probability = by_size[str(given)][0]
    assert f"{probability:.2f}" in question
    found = dict(by_size[str(size)])
    assert (first in found) == ("this class" in question)
    return found.get(first, by_size[str(size)][0][1])


def resize_answer(page, question):
    stages = []
    for i in range(1, int(control_value(page, "Stages")) + 1):
        size, epochs = (int(control_value(page, f"{what} {i}")) for what in ("Size", "Epochs"))
        stages.append(Stage(size, 8, epochs, 1e-3))
    if "the model gives" in question:
        return predicted_share(page, stages, question)
    each, total = relative_cost(stages)
    epochs = sum(stage.epochs for stage in stages) + len(stages) - 1
    if "share of the work" in question:
        return total.item()
    if "As much work" in question:
        return total.item() * epochs
    if "How many epochs at" in question:
        size = int(re.search(r"at (\d+) px", question)[1])
        return 1 / each[[stage.size for stage in stages].index(size)].item()
    size = int(re.search(r"one at (\d+) px", question)[1])
    return each[[stage.size for stage in stages].index(size)].item()


def place_of(page, i, steps):
    "Return the place of a window, or past the last one of the object."
    prefix = "object " if i == 4 else ""
    if not prefix:
        page.get_by_label("Move", exact=True).select_option(str(i))
    wait_for_drawing(page)
    labels = f"{prefix}across", f"{prefix}down"
    return [int(control_value(page, label)) / steps for label in labels]


def together(question):
    "Return the answer of a question about the views together; None: it is about something else."
    reduce = next((r for words, r in REDUCTIONS.items() if words in question), None)
    if "How much does window" in question:
        count = int(numbers_in(question)[0])
        alone = torch.eye(count)[:, None]  # each view predicts a class of its own
        return combine(alone, "lerp")[0, -1].item()
    if reduce is None:
        return None
    listed = re.search(r"with (.*?)\. What", question)[1]
    predicted = torch.tensor([float(p) for p in re.findall(r"([\d.]+) \(", listed)])
    return combine(predicted[:, None, None], reduce).item()


def set_tta_state(explorer, page):
    explorer.photo = int(control_value(page, "Photo"))
    explorer.plain = control_value(page, "Plain view")
    explorer.scale = float(control_value(page, "Window size"))
    explorer.reduce = control_value(page, "Combine")
    boxes = page.locator(".l7-tta-term input[type=checkbox]")
    explorer.on = boxes.evaluate_all("(boxes) => boxes.map((box) => box.checked)")
    explorer.at = [place_of(page, i, explorer.grid) for i in range(4)]


def tta_answer(page, question):
    if (answer := together(question)) is not None:
        return answer
    explorer = TTAExplorer()
    set_tta_state(explorer, page)
    explorer.target = place_of(page, 4, explorer.grid)
    return int((explorer.preds[explorer.on, 0] >= 0.5).sum())


def model_answer(page, question):
    if (answer := together(question)) is not None:
        return answer
    explorer = EXAMPLES[GUESSES["model"]]()
    set_tta_state(explorer, page)
    best = explorer.answer.argmax()
    assert f"“{explorer.classes[best][:LONGEST_NAME]}" in question
    return int((explorer.preds[explorer.on].argmax(1) == best).sum())


def mixup_answer(page, question):
    explorer = MixupExplorer(
        first=int(control_value(page, "First picture")),
        second=int(control_value(page, "Second picture")),
    )
    t = float(control_value(page, "Weight λ"))
    if "red is" in question:
        pair = torch.tensor(numbers_in(question)[:2])
        return mix(*pair, t).item()
    if "Beta draws" in question:
        (drawn,) = numbers_in(question)
        return max(drawn, 1 - drawn)
    labels = torch.tensor([explorer.labels[explorer.first], explorer.labels[explorer.second]])
    a, b = one_hot(labels, len(explorer.vocab)).double()
    name = quoted_names(question)[-1]
    return mix(a, b, t)[explorer.vocab.index(name)].item()


def smoothing_answer(page, question):
    n = int(control_value(page, "Classes, N"))
    label = torch.tensor([int(control_value(page, "True class"))])
    target = smooth_labels(label, n, float(control_value(page, "eps")))[0]
    if "hard label" in question:
        p = torch.tensor(float(control_value(page, "Confidence p")))
        return -p.log().item()
    if "lowest" in question:
        return round(target[label].item(), 5)
    if "is mixed with" in question:
        return 1 - float(page.locator("[data-trait=t]").input_value())
    named = int(re.findall(r"“class (\d+)”", question)[-1])
    return round(target[named].item(), 5)


def train_answer(page, question):
    "Return by torch by how many points B is more accurate, how accurate A is, or its ECE."
    wait_for_drawing(page)
    accuracies, eces = [], []
    for side in (0, 1):
        settings = {
            name: float(page.locator(f"[data-trait='{name}.{side}']").input_value())
            for name in ("wrong", "alpha", "eps")
        }
        seeds = range(1, int(control_value(page, "Seeds")) + 1)
        runs = [train_small(epochs=N_EPOCHS, seed=seed, **settings) for seed in seeds]
        accuracies.append(100 * np.mean([run.accuracy for run in runs]))
        eces.append(np.mean([run.calibration_error for run in runs]))
    if "ECE" in question:
        return eces[0]
    return accuracies[0] if "is A right" in question else accuracies[1] - accuracies[0]


ANSWERS = {
    "normalize": normalize_answer,
    "normalize-model": normalize_answer,
    "resize": resize_answer,
    "tta": tta_answer,
    "model": model_answer,
    "mixup": mixup_answer,
    "smoothing": smoothing_answer,
    "train": train_answer,
}


def answer(page, name):
    "Return the answer to the open question of an explorer."
    question = DIRECTION.sub("", page.locator(QUESTION).inner_text())
    return ANSWERS[name](page, question)


def test_every_guess_is_tested():
    views = {getattr(lesson7, name)._view for name in NAMES}
    assert {view for view in views if "createTask" in static(f"{view}.js")} <= set(GUESSES)


def check_wrong_number(page, name):
    "Answer with a wrong number: the verdict has the right one and the reason."
    expected = answer(page, name)
    typed = f"{expected + WRONG_BY:.4f}"
    page.locator(INPUT).focus()
    press_guess(page, typed)
    verdict = page.locator(VERDICT)
    sentence = rf"^Not {typed}: the answer is (−?[\d.]+), because \S"
    expect(verdict).to_contain_text(re.compile(sentence))
    shown = re.search(sentence, verdict.inner_text())[1].replace("−", "-")
    assert float(shown) == pytest.approx(expected, rel=0.005, abs=1e-6)
    expect(page.locator(SCORE)).to_have_text("0 of 1 on this page")
    assert all(visible_secrets(page, name))


def check_right_number(page, name, k):
    "Go to the next question, which hides its answer, and answer it with the right number."
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Check")).to_be_visible()
    expect(page.locator(VERDICT)).to_have_text("")
    assert not any(visible_secrets(page, name)) and page.locator(INPUT).input_value() == ""
    decimal_mark = "," if k % 2 else "."
    typed = f"{answer(page, name):.4f}".replace(".", decimal_mark)
    page.locator(INPUT).focus()
    press_guess(page, typed)
    expect(page.locator(VERDICT)).to_contain_text(re.compile(r"^Correct: \S+, because \S"))
    expect(page.locator(SCORE)).to_have_text(f"{k} of {k + 1} on this page")


# The questions without a model are among those with one.
EACH_GUESS = [
    pytest.param(name, marks=[pytest.mark.long] * (f"{name}-model" in GUESSES)) for name in GUESSES
]


@pytest.mark.parametrize("count", [6, pytest.param(12, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", EACH_GUESS)
def test_questions_are_answered_and_scored_by_keyboard(open_guess, name, count):
    page = open_guess(name)
    before = control_values(page)
    assert all(visible_secrets(page, name)) and page.locator(SCORE).inner_text() == ""
    start(page)
    assert not any(visible_secrets(page, name))
    check_wrong_number(page, name)
    questions = [page.locator(QUESTION).inner_text()]
    for k in range(1, count):
        check_right_number(page, name, k)
        questions.append(page.locator(QUESTION).inner_text())
    assert all(question != following for question, following in pairwise(questions))
    kinds = {NUMBER_OR_NAME.sub("", question) for question in questions}
    assert len(kinds) >= KINDS[name]
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator(GUESS)).to_have_attribute("aria-expanded", "false")
    expect(page.locator(GUESS)).to_be_focused()
    assert control_values(page) == before
    assert all(visible_secrets(page, name)) and not page.locator(INPUT).is_visible()


COMPOSED_ENTER = """(input) => {
    const composed = { key: "Enter", isComposing: true, keyCode: 229, bubbles: true };
    input.dispatchEvent(new KeyboardEvent("keydown", composed));
}"""


def test_input_method(open_guess):
    "Enter that ends a composition is no answer, and full-width digits are digits."
    page = open_guess("smoothing")
    start(page)
    field = page.locator(INPUT)
    typed = f"{answer(page, 'smoothing'):.4f}"
    wide = "".join(chr(ord(c) + 0xFEE0) for c in typed)  # full-width forms
    field.fill(wide)
    field.evaluate(COMPOSED_ENTER)
    assert page.locator(VERDICT).inner_text() == ""
    field.press("Enter")
    expect(page.locator(VERDICT)).to_contain_text("Correct")


OTHER_TEXTS = {  # what is typed, and the message
    "": "Enter a number, such as 0.25.",
    "  ": "Enter a number, such as 0.25.",
    "abc": "not “\u2068abc\u2069”",
    "1.2.3": "Enter a number such as 0.25, not “\u20681.2.3",
    "1/4": "Enter a number such as 0.25, not “\u20681/4",
    "Infinity": "Enter a number such as 0.25, not “\u2068Infinity",
}


def test_other_text_has_a_message_and_no_score(open_guess):
    page = open_guess("smoothing")
    start(page)
    for typed, message in OTHER_TEXTS.items():
        type_guess(page, typed)
        expect(page.locator(VERDICT)).to_contain_text(message)
        expect(page.locator(INPUT)).to_have_attribute("aria-invalid", "true")
        assert not any(visible_secrets(page, "smoothing"))
        assert page.locator(SCORE).inner_text() == ""
    type_guess(page, str(answer(page, "smoothing")))
    expect(page.locator(SCORE)).to_have_text("1 of 1 on this page")
    expect(page.locator(INPUT)).to_have_attribute("aria-invalid", "false")


def is_about_the_true_class(page):
    question = page.locator(QUESTION).inner_text()
    classes = re.findall(r"class (\d+)", question)
    return "smoothed target" in question and classes[0] == classes[-1]


def test_a_model_that_has_not_answered_has_a_message_and_no_score(open_guess):
    page = open_guess("normalize-model")
    start(page)
    for _ in range(KINDS["normalize-model"]):
        if "the model get right" in page.locator(QUESTION).inner_text():
            break
        press_guess(page, 9)
        page.keyboard.press("Enter")
    score = page.locator(SCORE).inner_text()
    page.get_by_label("Normalize with").select_option("own")
    page.locator(INPUT).focus()
    press_guess(page, 9)
    expect(page.locator(VERDICT)).to_have_text("The model has not answered for this state.")
    assert page.locator(SCORE).inner_text() == score
    page.get_by_label("Normalize with").select_option("none")
    page.locator(INPUT).focus()
    page.keyboard.press("Enter")
    expect(page.locator(VERDICT)).to_contain_text("right, on average")


def test_forgetting_eps_over_n_is_wrong(open_guess):
    page = open_guess("smoothing")
    start(page)
    for _ in range(MAX_QUESTIONS):
        if is_about_the_true_class(page):
            break
        press_guess(page, 9)
        page.keyboard.press("Enter")
    press_guess(page, f"{1 - float(control_value(page, 'eps')):.2f}")
    verdict = page.locator(VERDICT)
    expect(verdict).to_contain_text("for the true class")
    assert verdict.get_attribute("data-right") == "false"


def test_two_images_of_one_class(open_guess, tmp_path):
    images = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    page = open_guess(MixupExplorer(images, ["cat", "cat"]).save(tmp_path / "same.html"))
    start(page)
    press_guess(page, 1)
    expected = "Correct: 1, because both pictures are of this class"
    expect(page.locator(VERDICT)).to_contain_text(expected)


def test_a_target_is_asked_of_two_classes_while_there_are_two(open_guess, tmp_path):
    page = open_guess(MixupExplorer(second=0).save(tmp_path / "same.html"))
    start(page)
    while "target" not in page.locator(QUESTION).inner_text():
        press_guess(page, 9)
        page.keyboard.press("Enter")
    first, second, _ = quoted_names(page.locator(QUESTION).inner_text())
    assert first != second
    page.keyboard.press("Escape")
    assert control_value(page, "Second picture") == "0"


def test_question_about_the_lessons_example(open_guess):
    page = open_guess("mixup", seed=3)
    page.get_by_role("button", name="The lesson's example").press("Enter")
    wait_for_drawing(page)
    start(page)
    for _ in range(MAX_QUESTIONS):
        question = page.locator(QUESTION).inner_text()
        if "target" in question:
            break
        press_guess(page, 9)
        page.keyboard.press("Enter")
    named = int(re.findall(r"class (\d)", question)[-1])
    weight = float(control_value(page, "Weight λ"))
    target = mix(*one_hot(torch.tensor([2, 7]), 10), weight)
    press_guess(page, round(target[named].item(), 4))
    expect(page.locator(VERDICT)).to_contain_text("Correct")
    page.keyboard.press("Escape")  # the state before the guess, which is the lesson's example
    expect(page.get_by_label("Classes")).to_have_value("lesson")
    expect(page.get_by_label("Weight λ", exact=True)).to_have_value("0.3")


def test_open_question_follows_the_controls(open_guess):
    page = open_guess("mixup", seed=5)
    start(page)
    weight, question = page.get_by_label("Weight λ", exact=True), page.locator(QUESTION)
    weight.fill("0.85")
    expect(question).to_contain_text("weighs 0.85")
    assert not any(visible_secrets(page, "mixup"))
    type_guess(page, str(answer(page, "mixup")))
    expect(page.locator(VERDICT)).to_contain_text("Correct")
    weight.fill("0.1")
    wait_for_drawing(page)
    assert "weighs 0.85" in question.inner_text()  # it has been answered


@pytest.fixture
def two_guesses(open_guess, saved_example, tmp_path):
    "A page with two explorers."
    files = saved_example("MixupExplorer"), saved_example("SmoothingExplorer")
    page = open_guess(combine_pages(*files, tmp_path / "both.html"))
    wait_for_explorers(page, 2)
    return page


def test_explorers_of_a_page_have_one_score(two_guesses):
    page = two_guesses
    score = page.locator(SCORE)
    start(page)
    press_guess(page, 9)
    expect(score.first).to_have_text("0 of 1 on this page")
    expect(score.last).to_have_text("")  # its guess has not been started
    start(page, 1)
    expect(score.last).to_have_text("0 of 1 on this page")
    press_guess(page, 8)
    for line in score.all():
        expect(line).to_have_text("0 of 2 on this page")
    page.keyboard.press("Escape")
    assert page.locator(GUESS).evaluate_all(PRESSED) == ["true", "false"]


def test_score_is_not_stored(two_guesses):
    page = two_guesses
    start(page)
    press_guess(page, 9)
    page.reload()
    page.locator(GUESS).last.wait_for()
    start(page)
    expect(page.locator(SCORE).first).to_have_text("")
