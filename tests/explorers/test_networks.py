"Networks in pages: they answer as torch, from disk, from a server and in a saved file."

import functools
import html
import json
import re
import threading
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from browser import DATA_VALUES, values, wait_for_drawing
from conftest import LocalPages
from explorer_examples import HOSTILE_NAMES
from explorer_page import (
    ELEMENT_COUNT,
    FOLLOW_LINK,
    PAGE_WIDTH,
    accessibility_faults,
    load_explorer,
    open_more,
    unnamed_controls,
    wait_for_explorers,
)
from playwright.sync_api import expect
from shared_explorers import adapt

from lesson7 import (
    MixupExplorer,
    NormalizeExplorer,
    ResizeExplorer,
    SmoothingExplorer,
    TTAExplorer,
)
from lesson7.data.images import crop_resized
from lesson7.data.samples import photos
from lesson7.explorers import base, networks
from lesson7.explorers.networks import (
    LITE0_SIZE,
    fold_batch_norm,
    lite0_model,
    lite0_network,
    network_offer,
    round_weights,
)
from lesson7.explorers.scripts import joined_script
from lesson7.explorers.tta import FINE_STEPS, plain_box
from lesson7.models import architecture
from lesson7.outputs import probabilities
from lesson7.tta import square_at, window_side

pytestmark = pytest.mark.skipif(not networks.has_runtime(), reason=networks.NO_RUNTIME)

MOST_GROWTH = 8e6  # bytes: the answers that are kept have 3.2 million
TOLERANCE = 1e-4  # of a probability, as of an output
SMALL_SIDE = 48  # pixels
LONGEST_LOAD = 90_000  # ms, on a busy machine
VALUES = ".l7-tta-term > strong"
BEST = ".l7-tta-term > span:nth-of-type(2)"
CONTENT = re.compile(r"<img.*</script>(?=\n<script>)", re.DOTALL)  # of a saved page
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
# Moves the first window many times while the network answers; it ends at place `last`, or near it.
MOVE_WINDOW = """async (last) => {
  const slider = document.querySelector("input[data-trait='at.x']");
  for (let move = 0; move <= last; move += 1) {
    slider.value = move % 121;
    slider.dispatchEvent(new Event("input"));
    if (move % 20 === 0) await new Promise(requestAnimationFrame);
  }
}"""


def small_model():
    "The narrow xresnet18 with random weights whose predictions differ between images."
    torch.manual_seed(0)
    model = architecture("xresnet18-narrow")(n_out=len(HOSTILE_NAMES)).eval()
    with torch.no_grad():
        model[-1].weight.mul_(30)
        model[-1].bias[:2] += 3  # the names that look like markup are among the first five
    return model


def other_model():
    "Another network of the same classes."
    model = small_model()
    with torch.no_grad():
        model[-1].weight.mul_(0.1)
    return model


@functools.cache
def two_learners():
    "Two networks of the same classes, as explorers take them."
    return [networks.open_learner(model, HOSTILE_NAMES) for model in (small_model(), other_model())]


def mixup_of_two():
    options = dict(learn=two_learners(), side=SMALL_SIDE, t=0.25)
    return MixupExplorer(photos("coffee", "chelsea"), [0, 1], HOSTILE_NAMES, **options)


def smoothing_of_two():
    learn = dict(zip(["<b>hard</b>", "smoothed"], two_learners()))
    pictures = photos("coffee", "chelsea", "china")
    return SmoothingExplorer(None, learn, pictures, [0, 1, 2], SMALL_SIDE)


@pytest.fixture(scope="module")
def small_file(tmp_path_factory):
    "A saved explorer that carries a small network; its class names look like markup."
    options = dict(vocab=HOSTILE_NAMES, side=SMALL_SIDE)
    explorer = TTAExplorer(photos("coffee"), small_model(), **options)
    return explorer.save(tmp_path_factory.mktemp("live") / "small.html", live=True)


def site_page_text(explorers, folder, network):
    "Return a page with several explorers as the site has it, which offers a network."
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "joined_script", lambda view, networks=True: joined_script(view))
        texts = [explorer.save(folder / "saved.html").read_text() for explorer in explorers]
    contents = [CONTENT.search(text)[0] for text in texts]
    offers = html.escape(json.dumps(network_offer(network)))
    host = f'<script defer src="host.js" data-networks="{offers}"></script>'
    start = POLICY.sub("", texts[0].partition("<img")[0])
    return "\n".join([start, *contents, host, "</html>"])


@pytest.fixture(scope="module")
def site(cache, tmp_path_factory):
    "A folder with a page of explorers, and the files of EfficientNet-Lite0."
    folder = tmp_path_factory.mktemp("site")
    networks.write_network(lite0_network(), folder / "networks")
    (folder / "host.js").write_text(joined_script("host"))
    explorers = [TTAExplorer(), NormalizeExplorer(bs=2), ResizeExplorer(), MixupExplorer()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(base.NETWORKS_FOLDER, str(folder / "networks"))
        explorers += [mixup_of_two(), smoothing_of_two()]
        for explorer in explorers:
            explorer._offer_networks()
    network = lite0_network()
    (folder / "page.html").write_text(site_page_text(explorers, folder, network))
    (folder / "one.html").write_text(site_page_text(explorers[:1], folder, network))
    return folder


@pytest.fixture(scope="module")
def address(site):
    "The address of the site on a server."

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def pages(chromium):
    pages = LocalPages(chromium)
    yield pages
    pages.close()


def run_network(page, label):
    "Press the button, and wait until the network answers."
    page.get_by_role("button", name=re.compile(f"^Run {label} here")).first.click()
    page.locator(".l7-network[data-answers=page]").wait_for(timeout=LONGEST_LOAD)
    wait_for_drawing(page)


@pytest.fixture(scope="module")
def small_page(pages, small_file):
    "The saved explorer from disk, with its network running."
    page = pages.open()
    load_explorer(page, small_file.as_uri())
    run_network(page, "your network")
    return page


@pytest.fixture(scope="module")
def site_page(pages, address):
    "The site's page from a server, with EfficientNet-Lite0 running; and what it had requested."
    page = pages.open()
    requests = []

    def keep(request):
        if request.url.startswith("http"):
            requests.append(request.url.rpartition("/")[2])

    page.on("request", keep)
    page.goto(f"{address}/page.html")
    wait_for_explorers(page, 4)
    open_more(page)
    before = list(requests)
    run_network(page, "EfficientNet-Lite0")
    return page, before, requests[len(before) :]


def random_state(rng):
    "A plain view, a scale and places of four windows, as a link has them."
    places = rng.integers(0, FINE_STEPS + 1, (4, 2)) / FINE_STEPS
    plain = str(rng.choice(["crop", "squish", "pad"]))
    return plain, float(rng.choice([0.6, 0.85, 1.0])), places.tolist()


def set_state(page, plain, scale, places):
    at = "-".join(f"{x:.4f}_{y:.4f}" for x, y in places)
    scale = f"{scale:g}"
    page.evaluate(FOLLOW_LINK, f"#plain={plain}&scale={scale}&at={at}")


def predictions(model, image, state, side, half=0.0):
    "Return what torch predicts for the views of a state, [views,classes]."
    plain, scale, places = state
    h, w = image.shape[1:]
    boxes = [square_at(h, w, window_side(h, w, scale), *place) for place in places]
    views = np.stack([crop_resized(image, box, side) for box in [plain_box(h, w, plain), *boxes]])
    images = torch.from_numpy(views)
    normalized = (images - half) / half if half else images
    with torch.inference_mode():
        return model(normalized).softmax(1).double().numpy()


def check_answers(page, expected):
    "Assert that a page shows the predictions of all views."
    top = expected.mean(0).argmax()
    assert values(page, VALUES) == pytest.approx(expected[:, top], abs=TOLERANCE)
    assert values(page, BEST) == pytest.approx(expected.max(1), abs=TOLERANCE)


def first_photo(explorer):
    return explorer.images[0].astype(np.float32)


# ---- In a saved file


def test_a_saved_network_answers_as_torch(small_page):
    image = first_photo(TTAExplorer(photos("coffee")))
    model, rng = small_model(), np.random.default_rng(0)
    for _ in range(3):
        state = random_state(rng)
        set_state(small_page, *state)
        check_answers(small_page, predictions(model, image, state, SMALL_SIDE))


def test_class_names_stay_text(small_page, pages):
    set_state(small_page, *random_state(np.random.default_rng(1)))
    wait_for_drawing(small_page)
    names = small_page.locator(".l7-tta-bars .l7-bars > :nth-child(3n + 1)").all_inner_texts()
    assert {name for name in HOSTILE_NAMES if "<" in name} & set(names)
    assert small_page.locator(".l7 :is(img, b, script)").count() == 0
    assert pages.faults == []


def test_the_newest_answer_stays_after_a_drag(small_page):
    image = first_photo(TTAExplorer(photos("coffee")))
    state = "crop", 0.6, [[0, 0], [1, 1], [1, 0], [0, 1]]
    set_state(small_page, *state)
    wait_for_drawing(small_page)
    small_page.evaluate(MOVE_WINDOW, 100)
    moved = "crop", 0.6, [[100 / FINE_STEPS, 0], *state[2][1:]]
    check_answers(small_page, predictions(small_model(), image, moved, SMALL_SIDE))


def test_stopping_shows_the_grid_again(small_page):
    set_state(small_page, "crop", 0.85, [[0, 0], [1, 1], [1, 0], [0, 1]])
    shown = values(small_page, VALUES)
    small_page.get_by_role("button", name="Stop your network").click()
    run = small_page.get_by_role("button", name=re.compile("^Run your network here$"))
    expect(run).to_be_focused()
    assert values(small_page, VALUES) == pytest.approx(shown, abs=TOLERANCE)
    run.press("Enter")
    small_page.locator(".l7-network[data-answers=page]").wait_for()


def test_the_readers_own_photo_is_answered(new_page, small_file, tmp_path):
    page = new_page()
    load_explorer(page, small_file.as_uri())
    run_network(page, "your network")
    photo = photos("chelsea")["chelsea"].crop((0, 0, 240, 160))
    photo.save(tmp_path / "own.png")
    page.locator(".l7-photo input[type=file]").set_input_files(tmp_path / "own.png")
    expect(page.locator(".l7-headline")).to_contain_text("predicts")
    expect(page.locator(".l7").get_by_text("own.png").first).to_be_visible()
    state = "crop", 0.85, [[0, 0], [1, 1], [1, 0], [0, 1]]
    set_state(page, *state)
    image = np.asarray(photo).transpose(2, 0, 1).astype(np.float32) / 255
    check_answers(page, predictions(small_model(), image, state, SMALL_SIDE))


def test_the_grid_answers_after_a_failure(new_page, small_file):
    page = new_page()
    load_explorer(page, small_file.as_uri())
    shown = values(page, VALUES)
    run_network(page, "your network")
    page.workers[0].evaluate("() => { setTimeout(() => { throw new Error('no memory'); }); }")
    expect(page.locator(".l7-network .l7-note")).to_contain_text("The network ended: ")
    assert values(page, VALUES) == pytest.approx(shown)
    run_network(page, "your network")


def test_a_page_that_forbids_the_network_says_so(new_page, small_file, tmp_path):
    file = tmp_path / "strict.html"
    file.write_text(small_file.read_text().replace(" &#x27;wasm-unsafe-eval&#x27;", "", 1))
    file.write_text(file.read_text().replace(" 'wasm-unsafe-eval'", "", 1))
    page = new_page(allowed_errors="WebAssembly|Content Security Policy|wasm")
    load_explorer(page, file.as_uri())
    shown = values(page, VALUES)
    page.get_by_role("button", name=re.compile("^Run your network")).click()
    message = page.locator(".l7-network .l7-note")
    expect(message).to_contain_text("cannot run in this browser", timeout=LONGEST_LOAD)
    assert values(page, VALUES) == pytest.approx(shown)


# ---- On a site


def test_the_site_loads_the_network_on_request_only(site_page):
    _, before, after = site_page
    assert before == ["page.html", "host.js"]
    names = ["runtime.js", "runtime.wasm", "lite0.json", "lite0.onnx"]
    assert sorted(after) == sorted(f"{name}.gz" for name in names)


def test_the_sites_network_answers_as_torch(site_page):
    page, *_ = site_page
    image = first_photo(TTAExplorer())
    model, rng = round_weights(fold_batch_norm(lite0_model())), np.random.default_rng(2)
    for _ in range(2):
        state = random_state(rng)
        set_state(page, *state)
        check_answers(page, predictions(model, image, state, 224, half=0.5))


@pytest.fixture(scope="module")
def lite0(cache):
    "What torch predicts with the weights that the page has: normalized images to probabilities."
    model = round_weights(fold_batch_norm(lite0_model()))

    def predict(images, mean=0.5, std=0.5):
        mean, std = (np.reshape(x, (-1, 1, 1)) for x in (mean, std))
        batch = torch.from_numpy((images - mean) / std).float()
        with torch.inference_mode():
            return model(batch).softmax(1).double().numpy()

    return predict


def enlarged(image):
    "Return an image as the network sees it."
    side = image.shape[-1]
    return crop_resized(image.astype(np.float32), (0, 0, side, side), LITE0_SIZE)


def show_explorer(page, index, link=""):
    "Run the network in an explorer of the page, which has loaded it, and set a state."
    explorer = page.locator(".l7").nth(index)
    run = explorer.get_by_role("button", name=re.compile("^Run .* here"))
    if run.count():
        run.click()
        explorer.locator(".l7-network[data-answers=page]").wait_for(timeout=LONGEST_LOAD)
    page.evaluate(FOLLOW_LINK, f"#explorer={index + 1}{link}")
    wait_for_drawing(page)
    return explorer


def bars(explorer, index):
    "Return the numbers of one of an explorer's charts of classes."
    chart = explorer.locator(".l7-network-bars").nth(index)
    return chart.locator("[data-value]").evaluate_all(DATA_VALUES)


def highest(row, count=5):
    return np.sort(row)[::-1][:count]


def test_statistics_change_the_answer_as_in_torch(site_page, lite0):
    page, *_ = site_page
    explorer = show_explorer(page, 1, "&kind=own&own_mean.0=0.1&own_std.2=0.9")
    python = NormalizeExplorer(bs=2, kind="own", own_mean=[0.1, 0.5, 0.5], own_std=[0.5, 0.5, 0.9])
    image = enlarged(python.batch[0])[None]
    used = lite0(image, python.own_mean, python.own_std)[0]
    assert bars(explorer, 0) == pytest.approx(highest(used), abs=TOLERANCE)
    assert bars(explorer, 1) == pytest.approx(highest(lite0(image)[0]), abs=TOLERANCE)
    changes = explorer.locator(".l7-normalize-answers > .l7-note[data-value]")
    expect(changes).to_contain_text("of 2 pictures.")
    images = np.stack([enlarged(image) for image in python.batch])
    pairs = lite0(images, python.own_mean, python.own_std), lite0(images)
    now, before = (rows.argmax(1) for rows in pairs)
    assert values(page, ".l7-normalize-answers > [data-value]") == [(now != before).sum()]


def test_sizes_change_the_answer_as_in_torch(site_page, lite0):
    page, *_ = site_page
    explorer = show_explorer(page, 2, "&size0=96&file=128")
    python = ResizeExplorer(stages=[[96, 4], [224, 5]], file=128)
    for index, (size, _) in enumerate(python.stages):
        row = lite0(python.seen(size)[None])[0]
        assert bars(explorer, index) == pytest.approx(highest(row), abs=TOLERANCE)
    dots = explorer.locator(".l7-network-plot circle")
    expect(dots.last).to_have_attribute("visibility", "visible", timeout=LONGEST_LOAD)
    expect(explorer.locator(".l7-resize-network")).to_contain_text("Of these sizes")
    shown = dots.evaluate_all(DATA_VALUES)
    trained = lite0(python.seen(LITE0_SIZE)[None])[0].argmax()
    sizes = [64, 320]
    wanted = [lite0(python.seen(size)[None])[0, trained] for size in sizes]
    assert [shown[0], shown[-1]] == pytest.approx(wanted, abs=TOLERANCE)


def test_blends_are_answered_as_in_torch(site_page, lite0):
    page, *_ = site_page
    explorer = show_explorer(page, 3, "&t=0.62&first=1&second=2")
    python = MixupExplorer(t=0.62, first=1, second=2)
    row = lite0(enlarged(python.blend)[None])[0]
    assert bars(explorer, 0) == pytest.approx(highest(row), abs=TOLERANCE)


def torch_rows(images):
    "Return what the two networks predict for images, [N,3,side,side] in [0,1]."
    x = torch.from_numpy(np.stack(images))
    return [probabilities(one, x).double().numpy() for one in two_learners()]


def test_blends_are_answered_by_two_networks(site_page):
    page, *_ = site_page
    explorer = show_explorer(page, 4, "&t=0.62&first=0&second=1")
    python = mixup_of_two()
    weights = [0.62, *(i / 10 for i in range(11))]
    a, b = python.images[:2]
    blends = [t * a + (1 - t) * b for t in weights]
    distances = explorer.locator(".l7-mixup-network > .l7-note[data-value]")
    expect(distances).to_have_count(2, timeout=LONGEST_LOAD)
    straight = np.stack([weights[1:], 1 - np.array(weights[1:])], 1)
    for index, rows in enumerate(torch_rows(blends)):
        assert bars(explorer, index) == pytest.approx(highest(rows[0]), abs=TOLERANCE)
        distance = float(distances.nth(index).get_attribute("data-value"))
        assert distance == pytest.approx(abs(rows[1:, :2] - straight).mean(), abs=TOLERANCE)
    assert not np.allclose(bars(explorer, 0), bars(explorer, 1), atol=0.01)


def test_a_picture_is_answered_by_two_networks(site_page, pages):
    page, *_ = site_page
    python = smoothing_of_two()
    before = page.locator(".l7").nth(5).locator(".l7-smoothing-found [data-value]")
    found = before.evaluate_all(DATA_VALUES)
    explorer = show_explorer(page, 5, "&picture=2")
    rows = [row[2] for row in torch_rows(python.images)]
    columns = explorer.locator(".l7-smoothing-found > figure")
    for index, row in enumerate(rows):
        logits = np.log(row)
        margin = logits.max() - np.delete(logits, logits.argmax()).mean()
        shown = columns.nth(index).locator("[data-value]").evaluate_all(DATA_VALUES)
        assert shown[:5] == pytest.approx(highest(row), abs=TOLERANCE)
        assert shown[5] == pytest.approx(margin, abs=1e-2)
    assert found[:5] == pytest.approx(highest(python.predicted["<b>hard</b>"]), abs=TOLERANCE)
    assert explorer.locator(".l7-smoothing-pictures :is(b, script)").count() == 0
    assert pages.faults == []


def test_explorers_share_what_was_loaded(site_page):
    page, _, loaded = site_page
    assert page.evaluate("performance.getEntriesByType('resource').length") >= len(loaded)
    names = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert sum(name.endswith("lite0.onnx.gz") for name in names) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_answers_fit_a_phone_and_are_accessible(site_page, scheme):
    page, *_ = site_page
    for index in range(6):
        show_explorer(page, index)
    adapt(page, viewport=dict(width=360, height=640), color_scheme=scheme)
    wait_for_drawing(page)
    assert page.evaluate(PAGE_WIDTH) <= 360
    assert accessibility_faults(page) == []
    assert unnamed_controls(page) == []
    adapt(page)


def used_memory(page):
    "Return the bytes that a page's objects use, without those that nothing refers to."
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    usage = session.send("Runtime.getHeapUsage")
    session.detach()
    return usage["usedSize"] + usage.get("backingStorageSize", 0)


def test_many_moves_leave_one_worker(site_page):
    page, *_ = site_page
    workers = len(page.workers)
    elements = page.evaluate(ELEMENT_COUNT)
    memory = used_memory(page)
    page.evaluate(MOVE_WINDOW, 500)
    wait_for_drawing(page)
    assert len(page.workers) == workers == 1
    assert page.evaluate(ELEMENT_COUNT) == elements
    assert used_memory(page) < memory + MOST_GROWTH


def test_a_network_runs_from_disk(new_page, tmp_path):
    learn = networks.open_learner(small_model(), HOSTILE_NAMES)
    network = replace(networks.as_network(learn, SMALL_SIDE), name=networks.LITE0)
    networks.write_network(network, tmp_path / "networks")
    (tmp_path / "host.js").write_text(joined_script("host"))
    explorer = TTAExplorer(photos("coffee"))
    (tmp_path / "page.html").write_text(site_page_text([explorer], tmp_path, network))
    page = new_page()
    load_explorer(page, (tmp_path / "page.html").as_uri())
    scripts = sum(file.stat().st_size for file in (tmp_path / "networks").glob("*.js"))
    expect(page.locator(".l7-network button").first).to_contain_text(f"{scripts / 1e6:.0f} MB")
    run_network(page, "your network")
    state = "crop", 0.85, [[0, 0], [1, 1], [1, 0], [0, 1]]
    check_answers(page, predictions(small_model(), first_photo(explorer), state, SMALL_SIDE))


def test_loading_can_be_cancelled(new_page, address):
    page = new_page()
    page.route("**/lite0.onnx.gz", lambda route: None)  # it never arrives
    load_explorer(page, f"{address}/one.html")
    run = page.get_by_role("button", name=re.compile(r"^Run EfficientNet-Lite0 here · 1\d MB"))
    run.click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(run).to_be_visible()
    expect(page.locator(".l7-network .l7-note")).to_be_empty()


# ---- Models in the forms that explorers take


def test_stored_weights_are_those_that_torch_rounds():
    model, images = small_model(), torch.rand(2, 3, SMALL_SIDE, SMALL_SIDE)
    with torch.inference_mode():
        expected = model(images)
    exact = networks._to_onnx(fold_batch_norm(model), images)
    with torch.inference_mode():
        assert (model(images) - expected).abs().max() < TOLERANCE
    half = networks.half_weights(exact)
    assert len(half) < 0.6 * len(exact)
    assert networks._largest_difference(half, round_weights(model), images) < TOLERANCE
    assert networks._largest_difference(exact, model, images) > TOLERANCE


def test_a_network_is_compared_with_torch(monkeypatch):
    learn = networks.open_learner(small_model(), HOSTILE_NAMES)
    assert networks.as_network(learn, SMALL_SIDE).classes == tuple(HOSTILE_NAMES)
    other = round_weights(small_model())
    export = networks._to_onnx
    monkeypatch.setattr(networks, "_to_onnx", lambda model, images: export(other, images))
    with pytest.raises(ValueError, match="outputs of the ONNX file must be within 0.0001 of"):
        networks.as_network(learn, SMALL_SIDE)


def test_a_layer_that_allows_one_size_only_is_exported():
    layers = torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(48, 3)
    learn = networks.open_learner(torch.nn.Sequential(*layers).eval(), ["a", "b", "c"])
    assert networks.as_network(learn, SMALL_SIDE).size == SMALL_SIDE
    with pytest.raises(ValueError, match="learn must be a model that torch.onnx can export, got"):
        networks.as_network(learn, SMALL_SIDE + 1)  # 49 pixels are not 4 parts


def test_an_onnx_file_predicts_as_its_model(tmp_path):
    model, images = small_model(), torch.rand(2, 3, SMALL_SIDE, SMALL_SIDE)
    file = tmp_path / "model.onnx"
    file.write_bytes(networks._to_onnx(model, images))
    learn = networks.open_learner(file, HOSTILE_NAMES)
    with torch.inference_mode():
        expected = model(images).softmax(1)
    assert probabilities(learn, images).numpy() == pytest.approx(expected.numpy(), abs=TOLERANCE)
    assert networks.as_network(learn, SMALL_SIDE).data == file.read_bytes()


def test_the_name_lite0_is_the_network_of_the_site(cache):
    learn = networks.open_learner("lite0")
    assert networks.model_side(learn, 96) == networks.LITE0_SIZE
    assert networks.as_network(learn, 96) == lite0_network()
    images = torch.rand(2, 3, 96, 96)
    with torch.inference_mode():
        expected = lite0_model()((images - 0.5) / 0.5).softmax(1)
    assert probabilities(learn, images).numpy() == pytest.approx(expected.numpy(), abs=1e-6)
    assert "float16, which changes its logits by up to 0.0" in lite0_network().note


def test_the_size_is_that_of_the_models_images_not_of_the_photo():
    explorer = ResizeExplorer(photos("coffee"), small_model(), HOSTILE_NAMES)
    [network] = explorer._page_networks()
    assert network.size == LITE0_SIZE != explorer.side


@pytest.mark.parametrize("given", ["lite1", "missing.onnx", "missing/folder"])
def test_other_names_are_refused(given):
    with pytest.raises(ValueError, match=f"learn must be a model, .* or 'lite0', got '{given}'"):
        networks.open_learner(given)


# ---- Without a network


def test_a_page_without_a_network_has_no_button(open_explorer):
    page = open_explorer("TTAExplorer")
    assert page.locator(".l7-network").count() == 0
    assert "serveNetworks" not in page.content()  # it has no script of networks either


def test_an_explorer_that_asks_no_network_is_saved_without_one(tmp_path):
    with pytest.warns(UserWarning, match="live must be False, got True; a SmoothingExplorer asks"):
        file = SmoothingExplorer().save(tmp_path / "page.html", live=True)
    assert file.stat().st_size < 1_000_000


def test_a_page_is_written_without_a_runtime(tmp_path, monkeypatch):
    explorer = TTAExplorer()
    networks.runtime_files.cache_clear()
    monkeypatch.setattr(networks, "_VENDOR", tmp_path)
    with pytest.warns(UserWarning, match="without a network: lesson7 was installed without"):
        file = explorer.save(tmp_path / "page.html", live=True)
    assert file.read_text() == explorer.save(tmp_path / "small.html").read_text()
    assert "wasm" not in POLICY.search(file.read_text())[0]
