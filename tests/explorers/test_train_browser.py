"TrainExplorer in a browser: its trainings equal those of Python, and it stays small and quick."

import random
import re
import time

import numpy as np
import pytest
from browser import values, wait_for_drawing
from explorer_examples import random_state_counts
from explorer_page import drag, line_numbers, panel_code, press_tool
from playwright.sync_api import expect
from scipy import stats

from lesson7.data.examples import small_digits
from lesson7.explorers.train import TrainExplorer, side_settings
from lesson7.training.small import train_small

TABLE = ".l7-train > .l7-scroll td"
PAD = ".l7-train-pad canvas"
# Means over five seeds, 64 hidden units, 60 epochs: accuracy (%) and loss, with random splits; the
# tolerance is two standard deviations of the mean and what another split may change.
KNOWN = {  # (wrong, alpha, eps) -> accuracy, loss
    (0, 0, 0): (96.8, 0.130),
    (0, 0, 0.3): (97.5, 0.463),
    (0, 1, 0): (96.2, 0.179),
    (0.25, 0, 0): (74.4, 1.281),
    (0.25, 1, 0): (80.8, 0.664),
    (0.25, 0, 0.3): (76.2, 0.975),
    (0.25, 1, 0.1): (82.6, 0.660),
}
ALL_KNOWN = list(KNOWN)
FEW_KNOWN = [(0, 0, 0), (0.25, 1, 0.1)]  # nothing, and all
ACCURACY_TOLERANCE = 3  # points
LOSS_TOLERANCE = 0.15
WORKERS = "globalThis.workers"
COUNT_WORKERS = """
globalThis.workers = [];
globalThis.finished = 0;
const Original = Worker;
globalThis.Worker = class extends Original {
  constructor(...options) {
    super(...options);
    globalThis.workers.push(this);
    this.addEventListener("message", ({ data }) => {
      if (data.weights) globalThis.finished += 1;
    });
  }
  terminate() {
    this.isEnded = true;
    super.terminate();
  }
};"""
# Opens the view of the page's model once more, and closes it while it trains.
CLOSE = """async () => {
  const kind = "application/vnd.jupyter.widget-state+json";
  const saved = document.querySelector(`script[type="${kind}"]`);
  const models = Object.values(JSON.parse(saved.textContent).state);
  const { state, buffers } = models.find((model) => model.model_name === "AnyModel");
  for (const { path, data } of buffers) {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    state[path[0]] = new DataView(bytes.buffer);
  }
  const [set, save_changes, on, off] = Array(4).fill(() => {});
  const model = { get: (name) => state[name], set, save_changes, on, off };
  const script = document.createElement("script"); // the page's policy allows no `import` of blobs
  const body = state._esm.replace(/^export default /m, "return ");
  script.textContent = `globalThis.second = (() => { ${body} })();`;
  document.head.append(script);
  const view = globalThis.second;
  const el = document.createElement("div");
  document.body.prepend(el);
  const close = await view.render({ model, el });
  await new Promise((done) => setTimeout(done, 100));
  close();
  return globalThis.workers.map((worker) => worker.isEnded === true);
}"""
# A hidden page gets no display frames.
HIDE = """() => {
  const show = globalThis.requestAnimationFrame;
  const state = { value: "hidden" };
  Object.defineProperty(document, "visibilityState", { get: () => state.value });
  globalThis.waiting = [];
  globalThis.requestAnimationFrame = (callback) => globalThis.waiting.push(callback);
  document.dispatchEvent(new Event("visibilitychange"));
  globalThis.showPage = () => {
    state.value = "visible";
    globalThis.requestAnimationFrame = show;
    document.dispatchEvent(new Event("visibilitychange"));
    for (const callback of globalThis.waiting) callback(performance.now());
  };
}"""
SET_EPOCHS = """(slider) => {
  slider.value = 2;
  slider.dispatchEvent(new Event("input"));
}"""
SETTING_CHANGES = """async () => {
  const slider = document.querySelector("[data-trait='wrong.0']");
  for (let i = 0; i < 200; i += 1) {
    slider.value = (i % 60) / 100;
    slider.dispatchEvent(new Event("input"));
    if (i % 4 === 0) await new Promise(requestAnimationFrame);
  }
}"""


def trained(explorer, epochs=None):
    "Return the trainings of both sides by torch, a list for each side."
    start = max(explorer.train, *explorer.images)
    found = []
    for side in (0, 1):
        settings = side_settings(explorer, side)
        settings["epochs"] = min(settings["epochs"], epochs or settings["epochs"])
        seeds = range(1, explorer.seeds + 1)
        found.append([train_small(seed=seed, start=start, **settings) for seed in seeds])
    return found


def expected_lines(sides):
    "Return the numbers of the formula of the difference, by scipy."
    a, b = ([100 * run.accuracy for run in runs] for runs in sides)
    differences = np.subtract(b, a)
    n = len(differences)
    found = dict(meanA=np.mean(a), meanB=np.mean(b), difference=differences.mean())
    if n == 1:
        return found
    sd, quantile = differences.std(ddof=1), stats.t.ppf(0.975, n - 1)
    half = quantile * sd / n**0.5
    return found | dict(sd=sd, t=quantile, n=n, half=half)


def random_explorer(rng):
    "Return an explorer with settings at which a training does not amplify rounding."
    images = [rng.choice([100, 300, 700]) for _ in range(2)]
    return TrainExplorer(
        alpha=[rng.choice([0.0, 0.4, 1.0]), rng.choice([0.05, 0.4, 4.0])],
        eps=[rng.choice([0.0, 0.1, 0.5]) for _ in range(2)],
        wrong=[rng.choice([0.0, 0.25, 0.6]) for _ in range(2)],
        fold=[rng.random() < 0.5 for _ in range(2)],
        inputs=[rng.choice(["normalized", "0-1", "wrong at test time"]) for _ in range(2)],
        images=images,
        hidden=[rng.choice([8, 32]) for _ in range(2)],
        epochs=[rng.choice([2, 3]) for _ in range(2)],
        seeds=rng.randrange(1, 4),
    )


@random_state_counts
def test_random_states_equal_python(open_explorer, count):
    rng = random.Random(3)
    for _ in range(count):
        explorer = random_explorer(rng)
        page = open_explorer(explorer, long=True)
        wait_for_drawing(page)
        sides = trained(explorer)
        found = values(page, TABLE).reshape(2, 3)
        for row, runs in zip(found, sides):
            scores = [[100 * run.accuracy, run.loss, run.calibration_error] for run in runs]
            assert row == pytest.approx(np.mean(scores, 0), abs=1e-6), explorer
        lines = line_numbers(page)
        expected = expected_lines(sides)
        assert {name: lines[name] for name in expected} == pytest.approx(expected, abs=1e-6)
        assert lines["share"] == explorer.eps[1]
        assert panel_code(page) == explorer.code()
        page.close()


@pytest.mark.parametrize("settings", [FEW_KNOWN, pytest.param(ALL_KNOWN, marks=pytest.mark.long)])
def test_page_reproduces_the_known_numbers(open_explorer, settings):
    rows = [(setting, KNOWN[setting]) for setting in settings]
    for (first, expected), (second, others) in zip(rows[::2], [*rows[1::2], rows[-1]]):
        wrong, alpha, eps = ([one, two] for one, two in zip(first, second))
        options = dict(hidden=[64, 64], epochs=[60, 60], seeds=2)
        explorer = TrainExplorer(wrong=wrong, alpha=alpha, eps=eps, **options)
        page = open_explorer(explorer, long=True)
        found = values(page, TABLE).reshape(2, 3)
        for row, (accuracy, loss) in zip(found, (expected, others)):
            assert row[0] == pytest.approx(accuracy, abs=ACCURACY_TOLERANCE), first
            assert row[1] == pytest.approx(loss, abs=LOSS_TOLERANCE), first
        page.close()


def test_mixup_wins_under_wrong_labels(open_explorer):
    page = open_explorer("TrainExplorer", long=True)
    lines = line_numbers(page)
    scores = {}
    exec(explorer_code := page.locator(".l7-code").text_content(), scores)
    assert "alpha=1.0" in explorer_code
    found = np.mean(scores["differences"])
    assert 100 * found == pytest.approx(lines["difference"], abs=1e-6)
    assert lines["low"] > 3 and lines["gain"] == pytest.approx(lines["difference"])
    assert "gains" in page.locator(".l7-headline").inner_text()
    assert "5 of 5 seeds" in page.locator(".l7-train > .l7-note").inner_text()
    assert page.get_by_text("A memorizes", exact=True).is_visible()


def test_temperature_changes_loss_and_calibration_but_no_accuracy(open_explorer):
    explorer = TrainExplorer(temperature=[2.0, 0.5], seeds=1, epochs=[3, 3])
    page = open_explorer(explorer, long=True)
    found = values(page, TABLE).reshape(2, 3)
    for row, runs, temperature in zip(found, trained(explorer), explorer.temperature):
        run = runs[0]
        logits = run.logits.numpy() / temperature
        probs = np.exp(logits - logits.max(1, keepdims=True))
        probs /= probs.sum(1, keepdims=True)
        loss = -np.log(probs[range(len(probs)), run.labels.numpy()]).mean()
        assert row[:2] == pytest.approx([100 * run.accuracy, loss], abs=1e-5)
    before = found[:, 1]
    page.get_by_role("button", name="Fit temperatures").click()
    wait_for_drawing(page)
    after = values(page, TABLE).reshape(2, 3)[:, 1]
    assert after[0] < before[0] - 0.1  # it was twice the temperature that it needs
    assert (after < before + 0.001).all()  # fitted on half of the images


def test_change_of_a_changes_b_where_both_are_equal(open_explorer):
    page = open_explorer("TrainExplorer")
    page.locator("[data-trait='epochs.0']").fill("12")
    expect(page.locator("[data-trait='epochs.1']")).to_have_value("12")
    page.locator("[data-trait='epochs.1']").fill("9")
    page.locator("[data-trait='epochs.0']").fill("30")
    wait_for_drawing(page)
    expect(page.locator("[data-trait='epochs.1']")).to_have_value("9")
    expect(page.locator(".l7-train > .l7-note")).to_contain_text("2 settings differ")
    page.get_by_role("button", name="Make B equal to A").click()
    expect(page.locator(".l7-headline")).to_contain_text("A and B are the same")


def test_dragging_the_line_chooses_the_epoch(open_explorer):
    page = open_explorer("TrainExplorer")
    wait_for_drawing(page)
    grip = page.locator("[data-handle=epoch]").first
    drag(page, grip, -120, 0)
    epoch = int(page.locator("[data-trait=epoch]").input_value())
    assert 5 < epoch < 38


def test_pointer_reads_the_curves(open_explorer):
    explorer = TrainExplorer(seeds=2, epochs=[4, 4])
    page = open_explorer(explorer, long=True)
    wait_for_drawing(page)
    plot = page.locator(".l7-train-top svg").first
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 0.43 * box["width"], box["y"] + 0.5 * box["height"])
    means = [np.mean([run.accuracies[1] for run in runs]) for runs in trained(explorer)]
    expected = "epoch 2: " + ", ".join(f"{s} {100 * m:.0f} %" for s, m in zip("AB", means))
    expect(plot).to_contain_text(expected)
    page.mouse.move(0, 0)
    expect(plot).not_to_contain_text("epoch 2:")


def test_pad_is_classified_by_pointer_and_keyboard(open_explorer):
    page = open_explorer("TrainExplorer")
    answers = page.locator(".l7-train-pad + .l7-note")
    expect(answers).to_have_text("Nothing is drawn.")
    drag(page, page.locator(PAD), 0, 60)
    expect(answers).to_contain_text("A says")
    page.locator(PAD).press("Delete")
    expect(answers).to_have_text("Nothing is drawn.")
    for key in ("ArrowRight", "ArrowDown", "Space"):
        page.locator(PAD).press(key)
    expect(answers).to_contain_text("B says")


def test_run_of_this_visit_is_set_up_again(open_explorer):
    page = open_explorer("TrainExplorer", fresh=True)
    wait_for_drawing(page)
    page.locator("[data-trait='eps.1']").fill("0.3")
    wait_for_drawing(page)
    press_tool(page, "Runs")
    rows = page.locator(".l7-train-runs tbody tr:visible")
    assert rows.count() == 2
    texts = rows.nth(0).locator("td").all_inner_texts()
    numbers = [float(text.replace("−", "-")) for text in texts]
    assert numbers[2] == pytest.approx(numbers[1] - numbers[0], abs=0.11)
    rows.nth(1).get_by_role("button").click()
    wait_for_drawing(page)
    expect(page.locator("[data-trait='eps.1']")).to_have_value("0")


def test_own_table_and_names(open_explorer):
    rng = np.random.default_rng(0)
    names = np.array(["<b>one</b>", "two"])
    x = np.concatenate([rng.normal(0, 1, (60, 3)), rng.normal(2, 1, (60, 3))]) * [1, 100, 0.01]
    explorer = TrainExplorer(x, names.repeat(60), epochs=[5, 5], seeds=2)
    page = open_explorer(explorer, long=True)
    accuracies = values(page, TABLE).reshape(2, 3)[:, 0]
    settings = [side_settings(explorer, side) for side in (0, 1)]
    expected = [
        np.mean([train_small(explorer.examples, seed=seed, **s).accuracy for seed in (1, 2)])
        for s in settings
    ]
    assert accuracies == pytest.approx(100 * np.array(expected), abs=1e-6)
    assert page.locator(".l7 b b").count() == 0
    assert page.locator(".l7-train-images canvas:visible").count() == 0


def test_two_hundred_changes_and_dead_workers_leave_two_workers(open_explorer, new_page, tmp_path):
    page = new_page()
    page.add_init_script(COUNT_WORKERS)
    page.add_init_script("globalThis.l7epochs = 2")
    page.goto(TrainExplorer(seeds=2).save(tmp_path / "train.html").as_uri())
    page.locator("img[hidden]").wait_for(state="attached")
    page.evaluate(SETTING_CHANGES)
    wait_for_drawing(page)
    assert page.evaluate(f"{WORKERS}.length") == 2
    expected = TrainExplorer(wrong=[0.19, 0.19], seeds=2)
    lines = line_numbers(page)
    reference = expected_lines(trained(expected, epochs=2))
    assert lines["difference"] == pytest.approx(reference["difference"], abs=1e-6)
    page.evaluate(f"{WORKERS}.forEach((worker) => worker.terminate())")
    page.locator("[data-trait='wrong.0']").fill("0.2")
    wait_for_drawing(page)
    assert page.evaluate(f"{WORKERS}.length") == 4
    assert "training" not in page.locator(".l7-headline").inner_text()


def start_trainings(page, tmp_path, **state):
    "Open an explorer that keeps count of its workers, once it has trained."
    page.add_init_script(COUNT_WORKERS)
    page.goto(TrainExplorer(**state).save(tmp_path / "train.html").as_uri())
    page.locator("img[hidden]").wait_for(state="attached")
    wait_for_drawing(page)


def check_difference(page, explorer):
    "Check that the page shows the last epoch of the explorer's trainings."
    found = line_numbers(page)["difference"]
    expected = expected_lines(trained(explorer))["difference"]
    assert found == pytest.approx(expected, abs=1e-6)


def test_hidden_page_trains_and_shows_the_last_state_when_it_returns(new_page, tmp_path):
    page = new_page()
    start_trainings(page, tmp_path, seeds=2, epochs=[4, 4])
    before = page.evaluate("finished")
    page.evaluate(HIDE)
    page.locator("[data-trait='wrong.0']").fill("0.3")
    page.wait_for_function("(before) => finished === before + 4", arg=before, polling=50)
    assert page.evaluate("[waiting.length < 4, workers.length]") == [True, 2]
    assert "training" in page.locator(".l7-headline").inner_text()  # drawn when it was hidden
    page.evaluate("showPage()")
    wait_for_drawing(page)
    check_difference(page, TrainExplorer(seeds=2, epochs=[4, 4], wrong=[0.3, 0.3]))


def test_frozen_page_continues(new_page, tmp_path):
    page = new_page()
    start_trainings(page, tmp_path, seeds=2, epochs=[10, 10])
    session = page.context.new_cdp_session(page)
    page.locator("[data-trait='wrong.0']").fill("0.3")
    session.send("Page.setWebLifecycleState", dict(state="frozen"))
    time.sleep(1)
    session.send("Page.setWebLifecycleState", dict(state="active"))
    wait_for_drawing(page)
    check_difference(page, TrainExplorer(seeds=2, epochs=[10, 10], wrong=[0.3, 0.3]))


def test_stopped_trainings_keep_what_is_drawn_and_continue(new_page, tmp_path):
    page = new_page()
    explorer = dict(seeds=2, epochs=[100, 100], hidden=[128, 128])
    page.add_init_script(COUNT_WORKERS)
    page.goto(TrainExplorer(**explorer).save(tmp_path / "train.html").as_uri())
    curve = page.locator("[data-source=accuracyA]")
    expect(curve).to_have_attribute("d", re.compile("M.*L"))
    page.get_by_role("button", name="Stop", exact=True).click()
    wait_for_drawing(page)
    expect(page.locator(".l7-headline")).to_contain_text("stopped, 0 of 2 seeds done")
    before = curve.get_attribute("d")
    time.sleep(0.5)  # several reports
    assert curve.get_attribute("d") == before
    assert page.evaluate("[finished, workers.length]") == [0, 2]
    page.get_by_role("button", name="Continue", exact=True).click()
    expect(page.locator(".l7-headline")).to_contain_text("training, 0 of 2 seeds done")
    page.locator("[data-trait='epochs.0']").evaluate(SET_EPOCHS)
    wait_for_drawing(page)
    check_difference(page, TrainExplorer(seeds=2, epochs=[2, 2], hidden=[128, 128]))


def test_closing_the_view_ends_its_workers(new_page, tmp_path):
    page = new_page()
    page.add_init_script(COUNT_WORKERS)
    page.goto(TrainExplorer(seeds=2).save(tmp_path / "train.html").as_uri())
    page.locator("img[hidden]").wait_for(state="attached")
    assert page.evaluate(CLOSE) == [False, False, True, True]


def test_page_without_workers_trains_too(new_page, tmp_path):
    page = new_page()
    page.add_init_script("globalThis.Worker = class { constructor() { throw new Error('no'); } };")
    page.goto(TrainExplorer(seeds=1, epochs=[2, 2]).save(tmp_path / "train.html").as_uri())
    page.locator("img[hidden]").wait_for(state="attached")
    wait_for_drawing(page)
    assert len(values(page, TABLE)) == 6


def test_table_is_of_scikit_learn():
    from sklearn.datasets import load_digits

    digits = small_digits()
    rows = {tuple(row) for row in load_digits().data.astype(int)}
    assert {tuple(row) for row in digits.values.tolist()} == rows
