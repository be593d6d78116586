"""What works with the lesson's learner works with other models, or is rejected in one line.

Each kind of learner is tried in each use. The right numbers are those of the model's own forward
pass on the plain view of the validation images, which are 32 px as the model sees them.
"""

import time
from copy import deepcopy

import numpy as np
import pytest
import torch
from fastai.vision import all as v
from PIL import Image
from torch import nn

from lesson7.data.loaders import get_dls
from lesson7.explorers.normalize import NormalizeExplorer
from lesson7.explorers.resize import ResizeExplorer
from lesson7.explorers.tta import TTAExplorer
from lesson7.inference import predict
from lesson7.models import architecture
from lesson7.share import check_saveable, load_model, save_model
from lesson7.tta import tta

SIDE = 32  # of the files and of what a model sees, pixels
NAMES = ["ant", "bee", "cat"]
INF = float("inf")
SECONDS = 20  # more than any rejection takes, on a busy machine


class PILImageRGBA(v.PILImage):
    _open_args = dict(mode="RGBA")  # noqa: RUF012  fastai reads it


@pytest.fixture(scope="module")
def folder(tmp_path_factory, cache):
    "A folder of classes with four images in each, in `train` and `valid`."
    root = tmp_path_factory.mktemp("models")
    rng = np.random.default_rng(0)
    for split in ("train", "valid"):
        for name in NAMES:
            (root / split / name).mkdir(parents=True)
            for i in range(4):
                pixels = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / split / name / f"{name}_{i}.png")
    return root


def loaders(folder, blocks=None, get_y=v.parent_label, **options):
    block = v.DataBlock(
        blocks or (v.ImageBlock, v.CategoryBlock),
        n_inp=1,
        get_items=v.get_image_files,
        get_y=get_y,
        splitter=v.GrandparentSplitter(),
        item_tfms=v.Resize(SIDE),
        **options,
    )
    return block.dataloaders(folder, bs=4, num_workers=0, device="cpu")


def two_labels(file):
    return [v.parent_label(file), NAMES[int(file.stem[-1]) % 3]]


class OwnModel(nn.Module):
    "A model of a reader, whose head shares its weights with a second name."

    def __init__(self, channels=3, n_out=3):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(channels, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Linear(8, n_out)
        self.tied = self.head

    def forward(self, x):
        return self.tied(self.body(x).mean((2, 3)))


class DictModel(OwnModel):
    def forward(self, x):
        return dict(logits=super().forward(x))


class TupleModel(OwnModel):
    def forward(self, x):
        return super().forward(x), x


class NanModel(OwnModel):
    "A model whose weights are finite, and whose outputs overflow."

    def forward(self, x):
        return super().forward(x) * INF - INF


class DoubleModel(OwnModel):
    "A model whose head has another type of weights than its input."

    def forward(self, x):
        return self.tied(self.body(x).mean((2, 3)).double())


class LogModel(OwnModel):
    def forward(self, x):
        return super().forward(x).log_softmax(1)


class SoftmaxModel(OwnModel):
    def forward(self, x):
        return super().forward(x).softmax(1)


def torchvision_resnet():
    from torchvision.models import resnet18

    torch.manual_seed(0)
    return resnet18(num_classes=3)


def timm_resnet():
    import timm

    torch.manual_seed(0)
    return timm.create_model("test_resnet", num_classes=3)


def narrow_xresnet(n_out=3):
    torch.manual_seed(0)
    return architecture("xresnet18-narrow")(n_out=n_out)


def learner(dls, model, loss=None):
    return v.Learner(dls, model, loss_func=loss or v.CrossEntropyLossFlat())


def with_type(dtype):
    def make(folder):
        return learner(loaders(folder), OwnModel().to(dtype))

    return make


def fastai_learner(folder):
    torch.manual_seed(0)
    return v.vision_learner(loaders(folder), v.resnet18, pretrained=False)


def multi_label(folder):
    dls = loaders(folder, (v.ImageBlock, v.MultiCategoryBlock), two_labels)
    return learner(dls, OwnModel(), v.BCEWithLogitsLossFlat())


def normalized(folder):
    normalize = v.Normalize.from_stats(*v.imagenet_stats)
    return learner(loaders(folder, batch_tfms=normalize), OwnModel())


def from_folder(folder):
    dls = v.ImageDataLoaders.from_folder(folder, item_tfms=v.Resize(SIDE), bs=4, num_workers=0)
    return learner(dls, OwnModel())


def from_name_re(folder):
    files = v.get_image_files(folder)
    options = dict(item_tfms=v.Resize(SIDE), bs=4, num_workers=0, seed=0)
    dls = v.ImageDataLoaders.from_name_re(folder, files, r"([a-z]+)_\d+.png$", **options)
    return learner(dls, OwnModel())


def channels(image_class, n):
    def make(folder):
        blocks = (v.ImageBlock(image_class), v.CategoryBlock)
        return learner(loaders(folder, blocks), OwnModel(n))

    return make


def rgba_with_normalize(folder):
    blocks = (v.ImageBlock(PILImageRGBA), v.CategoryBlock)
    normalize = v.Normalize.from_stats([0.5] * 4, [0.5] * 4)
    return learner(loaders(folder, blocks, batch_tfms=normalize), OwnModel(4))


def segmentation(folder):
    def mask(file):
        return np.zeros((SIDE, SIDE), np.uint8)

    blocks = (v.ImageBlock, v.MaskBlock(codes=NAMES))
    return learner(loaders(folder, blocks, mask), nn.Conv2d(3, 3, 1))


def points(folder):
    dls = loaders(folder, (v.ImageBlock, v.PointBlock), lambda file: [[3.0, 4.0]])
    return learner(dls, OwnModel(n_out=2), v.MSELossFlat())


def regression(folder):
    dls = loaders(folder, (v.ImageBlock, v.RegressionBlock), lambda file: 1.5)
    return learner(dls, OwnModel(n_out=1), v.MSELossFlat())


KINDS = {
    "the lesson's": lambda folder: learner(get_dls(4, SIDE, folder), narrow_xresnet()),
    "vision_learner": fastai_learner,
    "torchvision": lambda folder: learner(loaders(folder), torchvision_resnet()),
    "timm": lambda folder: learner(loaders(folder), timm_resnet()),
    "own module": lambda folder: learner(loaders(folder), OwnModel()),
    "own module, lesson's loaders": lambda folder: learner(get_dls(4, SIDE, folder), OwnModel()),
    "from_folder": from_folder,
    "from_name_re": from_name_re,
    "imagenet statistics": normalized,
    "bfloat16": with_type(torch.bfloat16),
    "float16": with_type(torch.float16),
    "multi-label": multi_label,
    "one channel": channels(v.PILImageBW, 1),
    "four channels": channels(PILImageRGBA, 4),
    "four channels, normalized": rgba_with_normalize,
    "1000 outputs": lambda folder: learner(loaders(folder), OwnModel(n_out=1000)),
    "outputs in a dict": lambda folder: learner(loaders(folder), DictModel()),
    "outputs in a tuple": lambda folder: learner(loaders(folder), TupleModel()),
    "NaN": lambda folder: learner(loaders(folder), NanModel()),
    "two types of weights": lambda folder: learner(loaders(folder), DoubleModel()),
    "log-probabilities": lambda folder: learner(loaders(folder), LogModel(), nn.NLLLoss()),
    "segmentation": segmentation,
    "points": points,
    "regression": regression,
}


def expected_probabilities(learn, kind):
    "Return what the model predicts for the plain view of the validation images, [N,C]."
    weight = next(learn.model.parameters())
    model = deepcopy(learn.model).eval()
    images = torch.cat([batch[0] for batch in learn.dls.valid]).as_subclass(torch.Tensor)
    with torch.no_grad():
        outputs = model(images.to(weight.dtype)).float()
    if kind == "regression":
        return outputs
    return outputs.sigmoid() if kind == "multi-label" else outputs.softmax(1)


def use_tta(learn, files, folder):
    return tta(learn, n=2, reduce=None)[0][0]


def use_predict(learn, files, folder):
    return [list(one.probabilities.values()) for one in predict(learn, files)]


def use_tta_explorer(learn, files, folder):
    explorer = TTAExplorer(files, learn, side=SIDE)
    explorer.still()
    explorer.complete()
    in_order = [dict(zip(one["classes"], one["preds"][0])) for one in explorer.asked]
    return [[one[name] for name in NAMES] for one in in_order]


def use_resize_explorer(learn, files, folder):
    explorer = ResizeExplorer(files[0], learn, stages=[[SIDE, 1], [64, 1]])
    explorer.still()
    return [[p for _, p in sorted(explorer.guesses["at"][str(SIDE)][str(SIDE)])]]


def use_normalize_explorer(learn, files, folder):
    explorer = NormalizeExplorer(files, side=SIDE, learn=learn)
    explorer.still()
    explorer.complete()
    has_stats = any(type(t).__name__ == "Normalize" for t in learn.dls.after_batch.fs)
    return explorer.says["imagenet" if has_stats else "none"]


def use_saved(learn, files, folder):
    fresh = deepcopy(learn.model).float()
    with torch.no_grad():
        for parameter in fresh.parameters():
            parameter.zero_()
    saved = save_model(learn, folder / "saved")
    is_known = hasattr(learn.model, "architecture")
    loaded = load_model(saved) if is_known else load_model(saved, model=fresh)
    return use_predict(loaded, files, folder)


USES = {
    "tta": use_tta,
    "predict": use_predict,
    "TTAExplorer": use_tta_explorer,
    "ResizeExplorer": use_resize_explorer,
    "NormalizeExplorer": use_normalize_explorer,
    "save_model": use_saved,
}
EXPLORERS = ["TTAExplorer", "ResizeExplorer", "NormalizeExplorer"]
RGB = r"learn must .*RGB images|learn must be .*three channels"
SINGLE = r"learn must be a classifier with one class an image"
CLASSIFIER = r"learn must be a classifier"
ONE_FOR_EACH = r"model must be one with outputs \[B,3\], one for each class, got \[\d+, 1000\]"
REJECTED = {  # (kind, use): what the message says
    ("multi-label", "NormalizeExplorer"): SINGLE,
    ("1000 outputs", "predict"): ONE_FOR_EACH,
    ("1000 outputs", "tta"): ONE_FOR_EACH,
    ("1000 outputs", "save_model"): r"outputs \[N,3\].*1000",
}
REJECTED |= {("1000 outputs", name): r"outputs \[N,3\], got .* \[\d+, 1000\]" for name in EXPLORERS}
REJECTED |= {("outputs in a dict", use): "one with a single output|got dict" for use in USES}
REJECTED |= {("outputs in a tuple", use): "one with a single output|got tuple" for use in USES}
REJECTED |= {("NaN", use): "outputs of the model must be numbers, got NaN for .*" for use in USES}
REJECTED |= {("two types of weights", use): "model of learn must .*dtype" for use in USES}
for kind in ("one channel", "four channels", "four channels, normalized"):
    REJECTED |= {(kind, use): RGB for use in (*EXPLORERS, "save_model")}
for kind in ("segmentation", "points", "regression"):
    REJECTED |= {(kind, use): CLASSIFIER for use in USES}
# Kinds that are like another one, and the slowest uses of the largest model.
LONG_KINDS = ("torchvision", "own module, lesson's loaders", "from_name_re", "float16")
LONG_CELLS = [(kind, use) for kind in LONG_KINDS for use in USES]
LONG_CELLS += [("vision_learner", use) for use in EXPLORERS]
CELLS = [
    pytest.param(kind, use, marks=pytest.mark.long if (kind, use) in LONG_CELLS else ())
    for kind in KINDS
    for use in USES
]


@pytest.fixture(scope="module")
def get_learner(folder):
    learners = {}

    def get(kind):
        if kind not in learners:
            learners[kind] = KINDS[kind](folder)
            learners[kind].remove_cb(v.ProgressCallback)
        return learners[kind]

    return get


@pytest.mark.parametrize(("kind", "use"), CELLS)
def test_each_use_of_each_model(get_learner, tmp_path, kind, use):
    learn = get_learner(kind)
    files = list(learn.dls.valid_ds.items)[: 2 if use in EXPLORERS else None]
    if (kind, use) not in REJECTED:
        check_numbers(learn, files, tmp_path, kind, use)
        return
    start = time.monotonic()
    with pytest.raises((ValueError, TypeError), match=REJECTED[kind, use]) as e:
        USES[use](learn, files, tmp_path)
    assert "\n" not in str(e.value)
    assert time.monotonic() - start < SECONDS


@pytest.mark.parametrize("use", [*EXPLORERS, "tta", "predict"])
def test_probabilities_in_the_place_of_their_logarithms(folder, tmp_path, use):
    learn = learner(loaders(folder), SoftmaxModel(), nn.NLLLoss())
    files = list(learn.dls.valid_ds.items)[:2]
    with torch.no_grad():
        probs = learn.model.eval()(next(iter(learn.dls.valid))[0])
    total = str(probs.exp().sum(1)[0].item())[:3]
    message = rf"sum of the probabilities of an image must be 1, got {total}.*; .*log_softmax"
    with pytest.raises(ValueError, match=message):
        USES[use](learn, files, tmp_path)


def check_numbers(learn, files, folder, kind, use):
    found = USES[use](learn, files, folder)
    expected = expected_probabilities(learn, kind).numpy()
    is_half = next(learn.model.parameters()).dtype != torch.float32
    tolerance = 1e-2 if is_half else 1e-5
    if use == "NormalizeExplorer":
        for (c, p), row in zip(found, expected[: len(found)], strict=True):
            assert row[c] == pytest.approx(row.max(), abs=tolerance)
            assert p == pytest.approx(row.max(), abs=tolerance)
        return
    assert np.asarray(found) == pytest.approx(expected[: len(found)], abs=tolerance)
    if not is_half and use == "tta" and kind != "log-probabilities":  # fastai leaves those
        preds = learn.get_preds()[0].numpy()
        assert np.asarray(found) == pytest.approx(preds, abs=1e-5)


def test_the_views_of_a_multi_label_model_claim_no_sum(get_learner):
    learn = get_learner("multi-label")
    explorer = TTAExplorer(list(learn.dls.valid_ds.items)[:1], learn, side=SIDE)
    assert abs(explorer.answer.sum() - 1) > 0.1
    explorer.complete()
    assert explorer.threshold == explorer.asked[0]["threshold"] == 0.5
    titles = [axes.get_title() for axes in explorer.figure().axes]
    assert "each class by itself: no sum of 1, threshold 0.5" in titles
    other = get_learner("own module")
    explorer = TTAExplorer(list(other.dls.valid_ds.items)[:1], other, side=SIDE)
    assert not any("no sum" in axes.get_title() for axes in explorer.figure().axes)


# ---- A torch module without a learner

MODULE_EXPLORERS = {
    "TTAExplorer": lambda files, **given: TTAExplorer(files, side=SIDE, **given),
    "ResizeExplorer": lambda files, **given: ResizeExplorer(files[0], **given),
    "NormalizeExplorer": lambda files, **given: NormalizeExplorer(files, side=SIDE, **given),
}
SHOWN = dict(TTAExplorer="asked", ResizeExplorer="guesses", NormalizeExplorer="says")


VOCABS = {
    "list": NAMES,
    "class_to_idx": dict(cat=2, ant=0, bee=1),
    "id2label": {2: "cat", 0: "ant", 1: "bee"},
    "array": np.array(NAMES),
}


@pytest.mark.parametrize("vocab", VOCABS.values(), ids=VOCABS)
@pytest.mark.parametrize("name", MODULE_EXPLORERS)
def test_an_explorer_takes_a_module_and_its_classes(get_learner, name, vocab):
    learn = get_learner("own module")
    files = list(learn.dls.valid_ds.items)[:2]
    make = MODULE_EXPLORERS[name]
    of_module = make(files, learn=learn.model, vocab=vocab)
    assert getattr(of_module, SHOWN[name]) == getattr(make(files, learn=learn), SHOWN[name])


@pytest.mark.parametrize("name", MODULE_EXPLORERS)
@pytest.mark.parametrize(
    ("vocab", "message"),
    [
        (None, "learn must be a classifier .*, got a OwnModel; a torch module needs .* vocab="),
        ([], r"vocab must be class names, each once, got \[\]"),
        (["a", "a", "b"], "vocab must be class names, each once"),
        (["a", "b"], r"outputs \[N,2\], got Tensor \[\d+, 3\]"),
        ("abc", "vocab must be a list of class names, got a str"),
        (4, "vocab must be a list of class names, got a int"),
        ({"a", "b", "c"}, "vocab must be a list of class names, got a set"),
        (dict(a=0, b=1, c=1), "vocab must be a dict of class names and their indices, 0 to 2"),
    ],
)
def test_a_module_without_its_classes_is_rejected(get_learner, name, vocab, message):
    learn = get_learner("own module")
    files = list(learn.dls.valid_ds.items)[:2]
    with pytest.raises((ValueError, TypeError), match=message):
        MODULE_EXPLORERS[name](files, learn=learn.model, vocab=vocab)


def test_a_learner_has_its_own_vocab(get_learner):
    with pytest.raises(ValueError, match="learn must be a torch module with vocab, got a Learner"):
        TTAExplorer(learn=get_learner("own module"), vocab=NAMES)


@pytest.mark.parametrize("use", ["tta", "predict", "save_model"])
def test_a_module_where_a_learner_is_needed_is_rejected(get_learner, tmp_path, use):
    learn = get_learner("own module")
    files = list(learn.dls.valid_ds.items)
    calls = dict(
        tta=lambda model: tta(model),
        predict=lambda model: predict(model, files),
        save_model=lambda model: save_model(model, tmp_path / "saved"),
    )
    message = "learn must be .*, got a OwnModel; a torch module needs a Learner"
    with pytest.raises(TypeError, match=message):
        calls[use](learn.model)
    assert not (tmp_path / "saved").exists()


# ---- Saved models whose architecture has no name


class OtherForward(OwnModel):
    def forward(self, x):
        return super().forward(x) * 2


@pytest.fixture(scope="module")
def saved(get_learner, tmp_path_factory):
    return save_model(get_learner("own module"), tmp_path_factory.mktemp("saved") / "model")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (None, r"model must be the OwnModel that was saved, .*; give it: load_model\(path, model="),
        (OwnModel(n_out=4), r"got head\.bias: \[4\] in the model and \[3\] in the file"),
        (nn.Sequential(), r"got body\.0\.bias: none in the model and \[8\] in the file"),
        (OtherForward(), "model must be .*, got one with other outputs for the same weights"),
        (OwnModel, "model must be a torch module, got a type"),
    ],
)
def test_load_model_rejects_another_model(saved, model, message):
    before = deepcopy(model.state_dict()) if isinstance(model, nn.Module) else {}
    with pytest.raises((ValueError, TypeError), match=message) as e:
        load_model(saved, model=model)
    assert "\n" not in str(e.value)
    if before and not isinstance(model, OtherForward):
        assert all(torch.equal(before[name], w) for name, w in model.state_dict().items())


@pytest.mark.parametrize("check", [save_model, lambda learn, path: check_saveable(learn)])
def test_weights_that_have_no_shape_yet_are_not_saved(folder, tmp_path, check):
    learn = learner(loaders(folder), nn.Sequential(nn.Flatten(), nn.LazyLinear(3)))
    message = r"1.weight of the model must be initialized, got a .*; run the model on a batch first"
    with pytest.raises(ValueError, match=message):
        check(learn, tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_a_model_by_name_can_be_given_too(get_learner, tmp_path):
    learn = get_learner("the lesson's")
    saved = save_model(learn, tmp_path / "model")
    loaded = load_model(saved, model=narrow_xresnet())
    for name, weight in learn.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], weight)
    other = architecture("xresnet18-narrow")(n_out=3, act_cls=nn.GELU)
    with pytest.raises(ValueError, match="got one with other outputs for the same weights"):
        load_model(saved, model=other)


def test_tied_weights_are_saved_once(saved):
    from safetensors.torch import load_file

    (file,) = saved.glob("weights-*.safetensors")
    names = set(load_file(file))
    assert {"head.weight", "head.bias"} <= names
    assert not {"tied.weight", "tied.bias"} & names
    model = OwnModel()
    assert load_model(saved, model=model).model is model
    assert model.tied.weight is model.head.weight
