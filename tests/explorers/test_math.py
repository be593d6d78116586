"The arithmetic of the explorers' scripts equals torch; it needs no element of a page."

import re

import numpy as np
import pytest
import torch
from browser import STATIC

from lesson7.data.images import crop_resized
from lesson7.explorers.scripts import joined_script, script_files
from lesson7.mixup import mix, one_hot
from lesson7.normalize import batch_stats
from lesson7.resize import Stage, downsize, relative_cost
from lesson7.smoothing import smooth_labels, smoothed_cross_entropy
from lesson7.tta import CORNERS, combine, windows

VIEWS = sorted(path.name.removesuffix(".math.js") for path in STATIC.glob("*.math.js"))
NAME = re.compile(r"^export (?:function|const) (\w+)", re.MULTILINE)
EXACT = 1e-12
# Calls a function of a script's text; typed arrays become lists.
CALL = """async ([script, name, values]) => {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const math = await import(url);
  const plain = (key, value) => ArrayBuffer.isView(value) ? [...value] : value;
  return JSON.parse(JSON.stringify(math[name](...values), plain));
}"""


@pytest.fixture
def call(new_page):
    "`call(view, function, *values)` returns what a function of `<view>.math.js` returns."
    page = new_page()

    def run(view, name, *values):
        script = joined_script(f"{view}.math")
        texts = [path.read_text(encoding="utf-8") for path in script_files(f"{view}.math")]
        names = [name for text in texts for name in NAME.findall(text)]
        exports = f"export {{ {', '.join(names)} }};"
        return page.evaluate(CALL, [script + exports, name, values])

    return run


def random_pixels(height, width, seed=0):
    "An image [height,width,4] of bytes, opaque."
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4))
    pixels[..., 3] = 255
    return pixels


def as_pixels(image):
    height, width = image.shape[:2]
    return dict(data=image.flatten().tolist(), width=width, height=height)


def channels(image):
    "A tensor [3,H,W] in [0,1], float64."
    return torch.from_numpy(image[..., :3]).permute(2, 0, 1).double() / 255


@pytest.mark.parametrize("view", VIEWS)
def test_arithmetic_imports_no_elements(view):
    names = {path.name for path in script_files(f"{view}.math")}
    assert names <= {f"{view}.math.js", "crop.js", "format.js", "threshold.js"}


def test_moments(call):
    values = np.random.default_rng(1).integers(0, 256, 500)
    found = call("normalize", "moments", np.bincount(values, minlength=256).tolist())
    stats = batch_stats(torch.from_numpy(values / 255).reshape(1, 1, 20, 25))
    assert found == pytest.approx(dict(mean=stats.mean[0], sd=stats.std[0]), abs=EXACT)


def test_schedule_cost(call):
    stages = [[64, 4], [128, 2], [224, 3]]
    found = call("resize", "scheduleCost", stages)
    each, total = relative_cost([Stage(size, 8, epochs, 1e-3) for size, epochs in stages])
    assert [row["each"] for row in found["rows"]] == pytest.approx(each.tolist(), abs=EXACT)
    assert found["total"] == pytest.approx(float(total), abs=EXACT)


@pytest.mark.parametrize("side, size", [(64, 16), (50, 33), (20, 20), (7, 30)])
def test_resized_pixels(call, side, size):
    image = random_pixels(side, side)
    data = call("resize", "resizeImage", as_pixels(image), size)["data"]
    found = np.reshape(data, (size, size, 4))
    wanted = downsize(channels(image), size).permute(1, 2, 0).numpy() * 255
    assert abs(found[..., :3] - wanted).max() <= 0.5 + 1e-9
    assert (found[..., 3] == 255).all()


@pytest.mark.parametrize("box", [[0, 0, 30, 30], [5, 2, 25, 22], [-10, 0, 40, 50], [0, 0, 40, 30]])
def test_cropped_pixels(call, box):
    image = random_pixels(30, 40)
    data = call("tta", "cropResized", as_pixels(image), box, 16)["data"]
    wanted = crop_resized(channels(image).numpy(), box, 16).transpose(1, 2, 0) * 255
    assert abs(np.reshape(data, (16, 16, 4))[..., :3] - wanted).max() <= 1


@pytest.mark.parametrize("scale", [0.6, 0.85, 1])
@pytest.mark.parametrize("height, width", [(160, 240), (161, 97), (50, 50)])
def test_windows(call, scale, height, width):
    found = [call("tta", "windowBox", width, height, scale, corner) for corner in CORNERS]
    wanted = windows(height, width, size=48, scale=scale)
    assert [tuple(box) for box in found] == [tuple(box) for box in wanted]


@pytest.mark.parametrize("reduce", ["mean", "max", "lerp"])
def test_combined_predictions(call, reduce):
    preds = np.random.default_rng(2).dirichlet([1] * 4, 5)
    for n_views in (1, 2, 5):
        found = call("tta", "combine", preds[:n_views].tolist(), [True] * n_views, reduce)
        wanted = combine(torch.from_numpy(preds[:n_views, None]), reduce)[0]
        assert found == pytest.approx(wanted.tolist(), abs=EXACT)


@pytest.mark.parametrize("a, b, t", [(2, 7, 0.3), (0, 9, 1), (4, 4, 0.65)])
def test_mixed_targets_and_pixels(call, a, b, t):
    found = call("mixup", "mixTargets", 10, dict(a=a, b=b, t=t))
    wanted = mix(*one_hot(torch.tensor([a, b]), 10).double(), t)
    assert found == pytest.approx(wanted.tolist(), abs=EXACT)
    images = [random_pixels(9, 9, seed).flatten() for seed in (a, b + 10)]
    blend = call("mixup", "blendPixels", *(image.tolist() for image in images), t)
    assert abs(np.array(blend) - (t * images[0] + (1 - t) * images[1])).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("n, eps, p", [(10, 0.1, 0.95), (2, 0, 0.5), (1000, 0.4, 0.001)])
def test_smoothed_targets_and_loss(call, n, eps, p):
    label = torch.tensor([1])
    state = dict(n=n, eps=eps, t=0.7, label=1, other=0)
    target = smooth_labels(label, n, eps).double()[0]
    found = [call("smoothing", "targetAt", "smoothed", state, i) for i in (0, 1)]
    assert found == pytest.approx(target[:2].tolist(), abs=1e-6)

    prediction = torch.full((1, n), (1 - p) / (n - 1), dtype=torch.float64)
    prediction[0, 1] = p
    wanted = smoothed_cross_entropy(prediction.log(), label, eps)
    q = call("smoothing", "trueClassTargets", state)["smoothed"]
    loss = call("smoothing", "crossEntropy", q, p, n)
    assert loss == pytest.approx(float(wanted), abs=1e-6)
    z = call("smoothing", "logit", p, n)
    assert call("smoothing", "confidence", z, n) == pytest.approx([p, 1 - p], abs=EXACT)


@pytest.mark.parametrize("reduce", ["mean", "max"])
def test_the_values_of_a_multi_label_model_have_no_sum(call, reduce):
    for threshold, names in [(0.5, "a, b"), (0.7, "b"), (0.95, "none")]:
        options = dict(classes=["a", "b"], reduce=reduce, threshold=threshold)
        assert call("tta", "describeTogether", [0.7, 0.9], options) == (
            f"Above the threshold of {threshold}: {names}. The values need not sum to 1."
        )


def test_places_and_switches_of_a_link(call):
    rng = np.random.default_rng(3)
    for steps in (8, 120):
        places = (rng.integers(0, steps + 1, (8, 2)) / steps).tolist()
        text = call("tta", "formatPlaces", places)
        assert call("tta", "parsePlaces", text, 8, steps) == places
    for enabled in ([True], [False, True, True]):
        text = call("tta", "formatSwitches", enabled)
        assert call("tta", "parseSwitches", text, len(enabled)) == enabled


@pytest.mark.parametrize(
    "enabled, reduce, before, divisor",
    [
        ([1, 1, 1], "mean", ["(", "+", "+"], 3),
        ([0, 1, 1], "mean", ["", "(", "+"], 2),
        ([1, 0, 1, 1], "lerp", ["0.25 ×", "", "+ 0.75 × (", "+"], 2),
        ([0, 1, 1], "lerp", ["", "(", "+"], 2),
        ([1, 0, 0], "lerp", ["(", "", ""], 1),
        ([1, 1, 0], "max", ["max (", ",", ""], 2),
    ],
)
def test_signs_of_the_sum(call, enabled, reduce, before, divisor):
    found = call("tta", "sumSigns", [bool(value) for value in enabled], reduce)
    assert found == dict(before=before, divisor=divisor)


@pytest.mark.parametrize(
    "enabled, count, expected",
    [([1, 1, 1], 2, [1, 1, 0]), ([0, 1, 0], 2, [1, 1, 0]), ([0, 1, 1], 1, [0, 1, 0])],
)
def test_switching_a_number_of_views(call, enabled, count, expected):
    assert call("tta", "switchViews", [bool(value) for value in enabled], count) == [
        bool(value) for value in expected
    ]
