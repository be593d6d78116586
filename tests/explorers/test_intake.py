"""What an explorer takes: images as tensors of any float type, and classifiers of RGB images.

The right values are those for the same images as float32 without gradients.
"""

import numpy as np
import pytest
import torch
from learners import tiny_network
from PIL import Image

from lesson7.explorers.mixup import MixupExplorer
from lesson7.explorers.normalize import NormalizeExplorer
from lesson7.explorers.resize import ResizeExplorer
from lesson7.explorers.tta import TTAExplorer
from lesson7.outputs import probabilities

SIDE = 16


def batch(n=2):
    "Return images [n,3,H,W] whose values bfloat16 and float16 hold exactly."
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 9, (n, 3, 20, 24), generator=generator) / 8


def requires_grad(x):
    return x.clone().requires_grad_()


def result_of_a_computation(x):
    return requires_grad(x) * 1


def fastais(x):
    from fastai.vision.all import TensorImage

    return TensorImage(x)


FORMS = {
    "bfloat16": torch.Tensor.bfloat16,
    "float16": torch.Tensor.half,
    "float64": torch.Tensor.double,
    "requires grad": requires_grad,
    "result of a computation": result_of_a_computation,
    "bfloat16 that requires grad": lambda x: requires_grad(x.bfloat16()),
    "float16 that requires grad": lambda x: requires_grad(x.half()),
    "fastai's": fastais,
    "fastai's bfloat16": lambda x: fastais(x.bfloat16()),
    "fastai's that requires grad": lambda x: fastais(x).requires_grad_(),
    "channels last": lambda x: x.to(memory_format=torch.channels_last),
    "an array": lambda x: x.numpy(),
    "half an array": lambda x: x.numpy().astype(np.float16),
}

EXPLORERS = {
    "NormalizeExplorer": lambda x, learn: NormalizeExplorer(x, side=SIDE, learn=learn),
    "ResizeExplorer": lambda x, learn: ResizeExplorer(x[0], learn),
    "TTAExplorer": lambda x, learn: TTAExplorer(x, learn, side=SIDE),
    "MixupExplorer": lambda x, learn: MixupExplorer(
        x, [0, 1], learn=learn and (learn, learn), side=SIDE
    ),
}
PIXELS = dict(
    NormalizeExplorer="pixels", ResizeExplorer="photo", TTAExplorer="pixels", MixupExplorer="pixels"
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", EXPLORERS)
def test_images_of_any_float_type(name, form):
    given, plain = FORMS[form](batch()), batch()
    explorer, expected = EXPLORERS[name](given, None), EXPLORERS[name](plain, None)
    assert getattr(explorer, PIXELS[name]) == getattr(expected, PIXELS[name])
    sequence = EXPLORERS[name](list(given), None)
    assert getattr(sequence, PIXELS[name]) == getattr(expected, PIXELS[name])
    if isinstance(given, torch.Tensor):
        assert given.requires_grad == ("grad" in form or "computation" in form)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("intake")
    for i in range(4):
        Image.effect_noise((30, 24), 60).convert("RGB").save(root / f"{'ab'[i % 2]}{i}.png")
    return root


def make_learner(folder, blocks, get_y, loss=None, model=None):
    from fastai.vision import all as v

    block = v.DataBlock(
        blocks,
        n_inp=1,
        get_items=v.get_image_files,
        get_y=get_y,
        splitter=lambda files: (list(range(len(files))), [0, 1]),
        item_tfms=v.Resize(SIDE),
    )
    dls = block.dataloaders(folder, bs=2, num_workers=0, device="cpu")
    return v.Learner(dls, model or tiny_network(2), loss_func=loss)


@pytest.fixture(scope="module")
def learn(folder):
    from fastai.vision.all import CategoryBlock, ImageBlock

    return make_learner(folder, (ImageBlock, CategoryBlock), lambda file: file.name[0])


@pytest.mark.parametrize("form", [form for form in FORMS if "array" not in form])
def test_probabilities_of_images_of_any_float_type(learn, form):
    x = batch()
    ours = probabilities(learn, FORMS[form](x))
    with torch.no_grad():
        expected = learn.model.eval()(x).softmax(1)
    assert ours.dtype == torch.float32 and not ours.requires_grad
    assert type(ours) is torch.Tensor and torch.allclose(ours, expected, atol=1e-6)


def first_letter(file):
    return file.name[0]


def of_other_targets():
    "Return kind -> blocks, labels, loss and what the message says, of targets other than a class."
    from fastai.vision import all as v

    image, category = v.ImageBlock, v.CategoryBlock
    no_vocab = "no dls.vocab"
    return {
        "regression": ((image, v.RegressionBlock), lambda file: 1.5, None, no_vocab),
        "points": ((image, v.PointBlock), lambda file: [[3.0, 4.0]], None, no_vocab),
        "several labels": (
            (image, v.MultiCategoryBlock),
            lambda file: [first_letter(file)],
            None,
            "the loss BCEWithLogitsLossFlat",
        ),
        "two targets": (
            (image, category, category),
            [first_letter] * 2,
            v.CrossEntropyLossFlat(),
            no_vocab,
        ),
        "a loss of a regression": (
            (image, category),
            first_letter,
            v.MSELossFlat(),
            "the loss MSELoss",
        ),
        "a sigmoid": (
            (image, category),
            first_letter,
            torch.nn.BCEWithLogitsLoss(),
            "the loss BCEWithLogitsLoss",
        ),
    }


def other_models():
    "Return kind -> a model that is no classifier of RGB images with two classes, and the message."
    one_channel = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3), *list(tiny_network(2))[1:])
    flat = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(SIDE * SIDE, 2))
    two_heads = type("Two", (torch.nn.Sequential,), dict(forward=lambda self, x: (x, x)))
    return {
        "one channel": (one_channel, r"got .*1 channel"),
        "one channel, flat": (flat, r"got mat1 and mat2"),
        "another size": (flat, r"got mat1 and mat2"),
        "too many outputs": (tiny_network(5), r"got .* \[\d+, 5\]"),
        "one output": (tiny_network(1), r"got .* \[\d+, 1\]"),
        "two heads": (two_heads(tiny_network(2)), "got tuple"),
        "a map of outputs": (
            torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3)),
            r"got .* \[\d+, 2, \d+, \d+\]",
        ),
    }


def other_learner(folder, kind):
    "Return a learner that is no classifier of RGB images, and what the message says of it."
    from fastai.vision import all as v

    if kind in of_other_targets():
        blocks, get_y, loss, message = of_other_targets()[kind]
        return make_learner(folder, blocks, get_y, loss=loss), message
    model, message = other_models()[kind]
    image = v.ImageBlock(v.PILImageBW) if "channel" in kind else v.ImageBlock
    return make_learner(folder, (image, v.CategoryBlock), first_letter, model=model), message


MULTI_LABEL = ["several labels", "a sigmoid"]
OTHERS = [
    "regression",
    "points",
    "several labels",
    "two targets",
    "a loss of a regression",
    "a sigmoid",
    "one channel",
    "one channel, flat",
    "another size",
    "too many outputs",
    "one output",
    "two heads",
    "a map of outputs",
]


@pytest.mark.parametrize("kind", OTHERS)
def test_a_learner_that_is_no_classifier_of_rgb_images_is_rejected_in_one_line(folder, kind):
    other, message = other_learner(folder, kind)
    calls = [EXPLORERS["NormalizeExplorer"], EXPLORERS["MixupExplorer"]]
    if kind not in MULTI_LABEL:  # the others show these
        calls += [EXPLORERS["ResizeExplorer"], EXPLORERS["TTAExplorer"]]
        calls.append(lambda x, learn: probabilities(learn, x))
    for call in calls:
        with pytest.raises(ValueError, match=f"learn must .*, .*{message}") as e:
            call(batch(), other)
        assert "\n" not in str(e.value)


def test_two_learners_of_other_classes(folder, learn):
    from fastai.vision.all import CategoryBlock, ImageBlock

    for vocab in (["b", "a"], ["a", "b", "c"]):
        blocks = (ImageBlock, CategoryBlock(vocab=vocab, sort=False))
        model = tiny_network(len(vocab))
        other = make_learner(folder, blocks, lambda file: file.name[0], model=model)
        for pair in ((learn, other), (other, learn)):
            with pytest.raises(ValueError, match="learn must be two learners of the same classes"):
                MixupExplorer(batch(), [0, 1], learn=pair, side=SIDE)


@pytest.mark.parametrize("pair", ["one", "three", "a list of one"])
def test_mixup_takes_two_learners(learn, pair):
    given = {"one": learn, "three": (learn,) * 3, "a list of one": [learn]}[pair]
    with pytest.raises(ValueError, match=r"learn must be two learners \(with, without\), got a "):
        MixupExplorer(batch(), [0, 1], learn=given, side=SIDE)


FILES = {  # the images of a folder, given as files
    "a path": lambda folder: folder / "a0.png",
    "a text": lambda folder: str(folder / "a0.png"),
    "a folder": lambda folder: folder,
    "a list": lambda folder: sorted(folder.glob("*.png")),
    "a tuple": lambda folder: tuple(sorted(folder.glob("*.png"))),
    "a dict": lambda folder: {path.stem: path for path in folder.glob("*.png")},
}


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize("kind", [NormalizeExplorer, ResizeExplorer, TTAExplorer, MixupExplorer])
def test_code_opens_files_by_itself(kind, form, folder):
    variables = {}
    exec(kind(FILES[form](folder)).code(), variables)
    if kind is ResizeExplorer:
        assert variables["photo"].shape[0] == 1


@pytest.mark.parametrize("name", EXPLORERS)
def test_code_says_what_other_images_are(name):
    images = batch()[0] if name == "ResizeExplorer" else batch()
    code = EXPLORERS[name](images, None).code()
    assert code.startswith("# images: those that the explorer was called with\n")
    exec(code, dict(images=images))
