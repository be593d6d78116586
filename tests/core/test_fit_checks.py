"What a fit is checked for: classes, images seen before, steps, shapes, finite weights, columns."

from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
import torch
from learners import tiny_network
from PIL import Image
from torch import nn

from lesson7.resize import Stage, fit_progressive

N, SIDE = 40, 12
CLASSES = "abcd"
STAGE = Stage(SIDE, 4, 1, 1e-3)


@pytest.fixture(autouse=True)
def no_bars(monkeypatch):
    from fastai.callback.progress import ProgressCallback
    from fastai.vision.all import defaults

    others = [c for c in defaults.callbacks if c is not ProgressCallback]
    monkeypatch.setattr(defaults, "callbacks", others)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    "A folder with images of noise, `0.png` to `39.png`."
    root = tmp_path_factory.mktemp("checks")
    generator = np.random.default_rng(0)
    for i in range(N):
        pixels = generator.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"{i}.png")
    return root


def label(file):
    return CLASSES[int(file.stem) % 4]


def loaders(root, train=range(30), valid=range(30, 40), vocab=None, size=SIDE, kind=None):
    "Return loaders of these images, squares of `size`; `kind` is a class of images."
    from fastai.vision.all import (
        CategoryBlock,
        DataBlock,
        ImageBlock,
        IndexSplitter,
        PILImage,
        Resize,
    )

    files = [root / f"{i}.png" for i in [*train, *valid]]
    block = DataBlock(
        blocks=(
            ImageBlock(kind or PILImage),
            CategoryBlock(vocab=vocab or list(CLASSES), sort=False),
        ),
        get_y=label,
        splitter=IndexSplitter(list(range(len(train), len(files)))),
        item_tfms=Resize(size),
    )
    return block.dataloaders(files, bs=4, num_workers=0)


def number_loaders(root):
    from fastai.vision.all import DataBlock, ImageBlock, IndexSplitter, RegressionBlock

    block = DataBlock(
        blocks=(ImageBlock, RegressionBlock),
        get_y=lambda file: float(file.stem),
        splitter=IndexSplitter(list(range(30, 40))),
    )
    return block.dataloaders([root / f"{i}.png" for i in range(N)], bs=4, num_workers=0)


def learner(dls, network=None, **options):
    from fastai.vision.all import CrossEntropyLossFlat, Learner

    options = dict(loss_func=CrossEntropyLossFlat()) | options
    return Learner(dls, network or tiny_network(4), **options)


def progressive(learn, *all_dls, stages=None):
    all_dls = iter(all_dls)
    with learn.no_logging():
        return fit_progressive(learn, lambda bs, size: next(all_dls), stages or [STAGE])


def fit(learn):
    with learn.no_logging():
        learn.fit(1, 1e-3)


# ---- The learner's own classes


VOCABS = {  # name: (the learner's classes, those of the stage, message)
    "reversed": ("dcba", "abcd", "class 0 of stage 1 must be 'd', as in learn.dls, got 'a'"),
    "the last two": ("abdc", "abcd", "class 2 of stage 1 must be 'd', as in learn.dls, got 'c'"),
    "a cycle": ("bcda", "abcd", "class 0 of stage 1 must be 'b', as in learn.dls, got 'a'"),
    "one more": ("abcd", "abcde", "number of classes of stage 1 must be 4, as in learn.dls, got 5"),
    "one less": ("abcde", "abcd", "number of classes of stage 1 must be 5, as in learn.dls, got 4"),
}


@pytest.mark.parametrize("was_fitted", [True, False])
@pytest.mark.parametrize("case", VOCABS.values(), ids=VOCABS)
def test_classes_are_those_of_the_learner(case, was_fitted, root):
    present, vocab, message = case
    learn = learner(loaders(root, vocab=list(present)), tiny_network(5))
    if was_fitted:
        fit(learn)
    weights = [p.clone() for p in learn.model.parameters()]
    with pytest.raises(ValueError, match=f"^{message}"):
        progressive(learn, loaders(root, vocab=list(vocab)))
    assert all(map(torch.equal, weights, learn.model.parameters()))


@pytest.fixture
def saved(root, tmp_path):
    "The folder of a saved model of the classes a to d."
    from lesson7 import architecture, save_model
    from lesson7.data.loaders import get_dls

    for split, numbers in dict(train=range(30), val=range(30, 40)).items():
        for i in numbers:
            folder = tmp_path / split / CLASSES[i % 4]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{i}.png").symlink_to(root / f"{i}.png")
    dls = get_dls(4, 32, tmp_path)
    learn = learner(dls, architecture("xresnet18-narrow")(n_out=4))
    return save_model(learn, tmp_path / "model")


def test_a_loaded_models_classes_are_compared(root, saved):
    from lesson7 import load_model

    other = loaders(root, vocab=list("dcba"), size=32)
    with pytest.raises(ValueError, match="class 0 of stage 1 must be 'a', as in learn.dls, got 'd"):
        progressive(load_model(saved), other)
    assert len(progressive(load_model(saved), loaders(root, size=32))) == 1


def fit_on(learn, dls):
    learn.dls = dls
    fit(learn)


def tta_of(learn, dls):
    from lesson7.tta import tta

    return tta(learn, dl=dls)


LABEL_USES = {  # of a loaded model on loaders
    "fit": fit_on,
    "validate": lambda learn, dls: learn.validate(dl=dls.valid),
    "get_preds": lambda learn, dls: learn.get_preds(dl=dls.valid),
    "learn.tta": lambda learn, dls: learn.tta(dl=dls.valid, n=1),
    "tta": tta_of,
}


@pytest.mark.filterwarnings("ignore:The model's first batch")
@pytest.mark.parametrize("use", LABEL_USES)
def test_a_loaded_model_needs_labels_in_its_own_order(use, root, saved):
    from lesson7 import load_model

    learn = load_model(saved)
    right, other = (loaders(root, vocab=list(vocab), size=32) for vocab in ("abcd", "abdc"))
    with pytest.raises(ValueError, match="class 2 of the loader must be 'c', as in the learner, g"):
        LABEL_USES[use](learn, other)
    LABEL_USES[use](learn, right)


@pytest.mark.parametrize(
    "vocab, has_labels, is_error",
    [
        ("dcba", True, True),
        ("abcde", True, True),
        ("abcd", True, False),
        ("dcba", False, False),  # the predictions do not depend on them
        ("wxyz", True, False),  # other names
    ],
)
def test_tta_needs_labels_in_the_learners_order(vocab, has_labels, is_error, root):
    learn = learner(loaders(root, vocab=list("abcd")), tiny_network(4))
    dls = loaders(root, vocab=list("abcd" if vocab == "wxyz" else vocab))
    if vocab == "wxyz":
        learn.dls.vocab = list(vocab)
    dl = dls.valid if has_labels else dls.test_dl(dls.valid_ds.items)
    expected = pytest.raises(ValueError, match="of the loader must") if is_error else nullcontext()
    with expected:
        tta_of(learn, dl)


def test_a_learner_without_classes_is_not_compared(root):
    from fastai.vision.all import DataLoader, DataLoaders
    from torch.utils.data import TensorDataset

    data = DataLoader(TensorDataset(torch.rand(8, 3, SIDE, SIDE), torch.arange(8) % 4), bs=4)
    learn = learner(DataLoaders(data, data))
    fit(learn)
    assert len(progressive(learn, loaders(root, vocab=list("dcba")))) == 1


# ---- Images that the learner was trained on before


def sgd(params, lr):
    from fastai.optimizer import SGD

    return SGD(params, lr, mom=0.0)


def torch_sgd(params, lr):
    from fastai.optimizer import OptimWrapper

    return OptimWrapper(params, torch.optim.SGD, lr=lr)


def interrupted_fit(learn):
    from fastai.callback.core import Callback

    def stop(self):
        raise KeyboardInterrupt

    stop_callback = type("StopFit", (Callback,), dict(after_step=stop))()
    with pytest.raises(KeyboardInterrupt), learn.no_logging():
        learn.fit(1, 1e-3, cbs=stop_callback)


def progressive_fit(learn):
    progressive(learn, learn.dls)


FITS = {  # name: (how the learner is fitted, its optimizer)
    "fit": (fit, None),
    "interrupted": (interrupted_fit, None),
    "fit_progressive": (progressive_fit, None),
    "SGD": (fit, sgd),
    "torch's SGD": (fit, torch_sgd),
    "torch's AdamW": (fit, "AdamW"),
}


def with_optimizer(dls, optimizer):
    from fastai.optimizer import OptimWrapper

    if optimizer == "AdamW":
        optimizer = partial(OptimWrapper, opt=torch.optim.AdamW)
    return learner(dls, **({"opt_func": optimizer} if optimizer else {}))


@pytest.mark.parametrize("start", [27, 20, 0])
@pytest.mark.parametrize("case", FITS.values(), ids=FITS)
def test_images_that_a_fitted_learner_was_trained_on_are_counted(case, start, root):
    "The learner was trained on the images 0 to 29; the stage validates on ten from `start`."
    how, optimizer = case
    learn = with_optimizer(loaders(root), optimizer)
    how(learn)
    valid = list(range(start, start + 10))
    both = len(set(valid) & set(range(30)))
    train = [i for i in range(N) if i not in valid]
    message = f"number of validation images that learn was trained on must be 0, got {both} of 10"
    with pytest.raises(ValueError, match=message):
        progressive(learn, loaders(root, train, valid))


@pytest.mark.parametrize("optimizer", [None, sgd, torch_sgd, "AdamW"])
@pytest.mark.parametrize("how", ["nothing", "freeze", "create_opt", "lr_find"])
def test_an_unfitted_learner_may_have_another_split(how, optimizer, root, tmp_path):
    learn = with_optimizer(loaders(root), optimizer)
    learn.path = tmp_path
    if how == "lr_find":
        with learn.no_logging():
            learn.lr_find(num_it=20, show_plot=False)
    elif how != "nothing":
        getattr(learn, how)()
    assert progressive(learn, loaders(root, range(10, 40), range(10)))


@pytest.mark.parametrize("optimizer", [None, sgd, torch_sgd])
def test_a_fitted_learner_goes_on_with_its_split(optimizer, root):
    learn = with_optimizer(loaders(root), optimizer)
    fit(learn)
    assert progressive(learn, loaders(root, range(29, -1, -1)))


# ---- Steps


def cancelled(event, kind):
    "Return a callback that cancels at each `event`."
    from fastai.callback import core

    def cancel(self):
        raise getattr(core, f"Cancel{kind}Exception")

    methods = {event: cancel, "run_valid": False, "order": 55}
    return type("CancelAll", (core.Callback,), methods)()


def accumulation(n):
    from fastai.vision.all import GradientAccumulation

    return GradientAccumulation(n)


STEPLESS = {  # name: a callback with which 30 images in batches of 4 give no step
    "31 images for a step": lambda: accumulation(31),
    "128 images for a step": lambda: accumulation(128),
    "each batch cancelled": lambda: cancelled("before_batch", "Batch"),
    "each batch cancelled late": lambda: cancelled("after_backward", "Batch"),
    "each backward pass cancelled": lambda: cancelled("before_step", "Batch"),
    "each step cancelled": lambda: cancelled("before_step", "Step"),
    "each epoch cancelled": lambda: cancelled("before_epoch", "Epoch"),
    "each training cancelled": lambda: cancelled("before_train", "Train"),
    "the fit cancelled": lambda: cancelled("before_fit", "Fit"),
}


@pytest.mark.parametrize("name", STEPLESS)
def test_a_training_without_a_step_is_an_error(name, root):
    learn = learner(loaders(root), cbs=STEPLESS[name]())
    weights = [p.clone() for p in learn.model.parameters()]
    with pytest.raises(ValueError, match="^number of optimizer steps.* must be 1 or more, got 0; "):
        progressive(learn, loaders(root))
    assert all(map(torch.equal, weights, learn.model.parameters()))


@pytest.mark.parametrize("n, steps", [(4, 7), (8, 3), (14, 1), (28, 1)])
def test_a_training_with_few_steps_is_taken(n, steps, root):
    "Seven batches of four images; a step is taken after `n` images or more."
    from fastai.callback.core import Callback

    taken = []

    def after_step(self):
        taken.append(1)

    count = type("Count", (Callback,), dict(after_step=after_step))()
    learn = learner(loaders(root), cbs=[accumulation(n), count])
    assert progressive(learn, loaders(root))
    assert len(taken) == steps


def test_train_reports_that_no_step_was_taken(small):
    from lesson7.training.config import Recipe
    from lesson7.training.loop import train

    with pytest.raises(ValueError, match="number of optimizer steps of stage 1 must be 1 or more"):
        train(Recipe(size=16, bs=4, epochs=1), small, cbs=[accumulation(10_000)], bar=False)


# ---- Weights that are not finite


SPOILT = {  # name: (tensor, value)
    "a weight": ("0.weight", torch.nan),
    "an infinite weight": ("0.weight", torch.inf),
    "a bias": ("5.bias", -torch.inf),
    "a running mean": ("1.running_mean", torch.nan),
    "a running variance": ("1.running_var", torch.nan),
}


@pytest.mark.parametrize("case", SPOILT.values(), ids=SPOILT)
def test_weights_that_are_not_finite_are_reported_before_training(case, root):
    from lesson7.fits import check_finite

    name, value = case
    learn = learner(loaders(root))
    check_finite(learn)
    learn.model.state_dict()[name].view(-1)[-1] = value
    message = f"^weights must be finite, got NaN or infinity in {name}; train a new model"
    for check in (check_finite, lambda learn: progressive(learn, loaders(root))):
        with pytest.raises(ValueError, match=message):
            check(learn)


def test_a_buffer_may_mask_with_infinity(root):
    from lesson7.fits import check_finite

    network = tiny_network(4)
    network.register_buffer("mask", torch.tensor([0.0, -torch.inf]))
    check_finite(learner(loaders(root), network))


# ---- Stages that the model does not take


def fixed_network():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE**2, 4))


class Patches(nn.Module):
    "A network that asserts the size of its images, as some vision transformers do."

    def __init__(self):
        super().__init__()
        self.body = tiny_network(4)

    def forward(self, x):
        assert x.shape[-1] == SIDE, f"Input height doesn't match model ({SIDE})"
        return self.body(x)


def kind(name):
    from fastai.vision import core

    return getattr(core, name)


STAGES = {  # name: (network, options of the second stage's loaders, its first batch)
    "a fixed size": (fixed_network, dict(size=16), "[4, 3, 16, 16]"),
    "a smaller size": (fixed_network, dict(size=8), "[4, 3, 8, 8]"),
    "an asserted size": (Patches, dict(size=14), "[4, 3, 14, 14]"),
    "grey": (lambda: tiny_network(4), dict(kind="PILImageBW"), "[4, 1, 12, 12]"),
    "grey and large": (fixed_network, dict(kind="PILImageBW", size=30), "[4, 1, 30, 30]"),
}


@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize("case", STAGES.values(), ids=STAGES)
def test_a_stage_that_does_not_fit_the_model_is_an_error_before_training(case, classes, root):
    network, options, shape = case
    options = {k: kind(v) if k == "kind" else v for k, v in options.items()}
    all_dls = [loaders(root), loaders(root, **options)]
    learn = learner(all_dls[0], network())
    if not classes:
        for dls in all_dls:
            dls.vocab = None
    weights = [p.clone() for p in learn.model.parameters()]
    right = r"^batch of stage 2 must be of a shape that the model takes, got [^\n]*$"
    with pytest.raises(ValueError, match=right) as error:
        progressive(learn, *all_dls, stages=[STAGE, STAGE])
    assert shape in str(error.value)
    assert all(map(torch.equal, weights, learn.model.parameters()))


@pytest.mark.parametrize("network", [fixed_network, Patches])
def test_the_first_stage_is_checked_too(network, root):
    learn = learner(loaders(root), network())
    with pytest.raises(ValueError, match=r"^batch of stage 1 must be of a shape .*\[4, 3, 20, 20"):
        progressive(learn, loaders(root, size=20))


def test_too_few_outputs_for_a_model_with_two_stages(root):
    learn = learner(loaders(root), tiny_network(3))
    with pytest.raises(ValueError, match="number of the model's outputs must be 4 or more"):
        progressive(learn, loaders(root), loaders(root), stages=[STAGE, STAGE])


def test_a_callback_may_change_what_the_model_gets(root):
    "Images of another size than the model's, which a callback makes smaller in each batch."
    from fastai.callback.core import Callback

    def before_batch(self):
        self.learn.xb = (nn.functional.interpolate(self.xb[0], SIDE),)

    shrink = type("Shrink", (Callback,), dict(before_batch=before_batch))()
    learn = learner(loaders(root), fixed_network(), cbs=shrink)
    assert progressive(learn, loaders(root, size=24))


# ---- Type of the weights after an early end


class AnyType(nn.Module):
    "A network that converts its images to the type of its weights."

    def __init__(self):
        super().__init__()
        self.body = tiny_network(4)
        self.register_buffer("scale", torch.ones(1))

    def forward(self, x):
        weight = self.body[0].weight
        return self.body((x * self.scale).to(weight.dtype)).float()


def half(learn):
    learn.model.half()


def bfloat(learn):
    learn.model.bfloat16()


def double(learn):
    learn.model.double()


def last_layer(learn):
    learn.model.body[5].double()


@pytest.mark.parametrize("event", ["before_batch", "after_pred"])
@pytest.mark.parametrize("change", [half, bfloat, double, last_layer])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_fit_leaves_the_type_of_weights(error, change, event, root):
    from fastai.callback.core import Callback

    def before_fit(self):
        change(self.learn)

    def stop(self):
        raise error("stop")

    methods = {"before_fit": before_fit, event: stop, "run_valid": False}
    if change is last_layer:
        methods |= {"before_batch": stop}
    learn = learner(loaders(root), AnyType(), cbs=type("Change", (Callback,), methods)())
    parameters = list(learn.model.parameters())
    types = {name: value.dtype for name, value in learn.model.state_dict().items()}
    with pytest.raises(error):
        progressive(learn, loaders(root))
    assert {name: value.dtype for name, value in learn.model.state_dict().items()} == types
    assert all(a is b for a, b in zip(parameters, learn.model.parameters()))
    learn.remove_cb(learn.change)
    assert progressive(learn, loaders(root))


# ---- A loader without images


USES = {
    "validate": lambda learn: learn.validate(),
    "get_preds": lambda learn: learn.get_preds(),
    "tta": lambda learn: learn.tta(n=1),
    "validate, given": lambda learn: learn.validate(dl=learn.dls.valid),
    "get_preds of training": lambda learn: learn.get_preds(ds_idx=0),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_loader_without_images_is_an_error(use):
    from fastai.vision.all import DataLoader, DataLoaders
    from torch.utils.data import TensorDataset

    from lesson7.fits import require_batches

    data = TensorDataset(torch.zeros(0, 3, SIDE, SIDE), torch.zeros(0, dtype=torch.long))
    data.set_split_idx = lambda idx: nullcontext()
    empty = DataLoader(data, bs=4)
    learn = learner(DataLoaders(empty, empty), cbs=require_batches())
    learn.dls.n_inp = 1
    with pytest.raises(ValueError, match="number of images must be 1 or more, got 0; give a"):
        use(learn)


def test_a_fit_without_validation_images_is_taken():
    from fastai.vision.all import DataLoader, DataLoaders
    from torch.utils.data import TensorDataset

    from lesson7.fits import require_batches

    x, y = torch.rand(8, 3, SIDE, SIDE), torch.arange(8) % 4
    train = DataLoader(TensorDataset(x, y), bs=4)
    empty = DataLoader(TensorDataset(x[:0], y[:0]), bs=4)
    learn = learner(DataLoaders(train, empty), cbs=require_batches())
    fit(learn)
    with pytest.raises(ValueError, match="number of images must be 1 or more, got 0"):
        learn.validate()
    fit(learn)


# ---- Columns


def constant(name, value):
    "Return a metric with a name that is always `value`."
    from fastai.vision.all import AvgMetric

    def metric(pred, target):
        return torch.tensor(float(value))

    metric.__name__ = name
    return AvgMetric(metric)


COLUMNS = {  # names of the metrics: keys of the rows with their values 1, 2, ...
    ("score", "score"): ["score", "score_2"],
    ("score", "score", "score"): ["score", "score_2", "score_3"],
    ("score", "score", "score_2"): ["score", "score_3", "score_2"],
    ("size",): ["size_2"],
    ("epoch", "trained"): ["epoch_2", "trained_2"],
    ("valid_loss", "train_loss"): ["valid_loss_2", "train_loss_2"],
    ("time", "accuracy"): ["time", "accuracy"],
    ("size", "size", "size_2"): ["size_3", "size_4", "size_2"],
}


@pytest.mark.parametrize("add_time", [True, False])
@pytest.mark.parametrize("names", COLUMNS, ids=" ".join)
def test_each_column_of_the_recorder_is_in_the_rows(names, add_time, root):
    metrics = [constant(name, i) for i, name in enumerate(names, 1)]
    learn = learner(loaders(root), metrics=metrics)
    learn.recorder.add_time = add_time
    rows = progressive(learn, loaders(root), loaders(root), stages=[STAGE, STAGE])
    expected = dict(zip(COLUMNS[names], range(1, len(names) + 1)))
    for row in rows:
        assert {key: row[key] for key in COLUMNS[names]} == expected
        assert row["size"] == SIDE and isinstance(row["trained"], bool)
        assert len(row) == 3 + (1 + row["trained"]) + len(names)
    assert [row["epoch"] for row in rows] == [1, 1, 2, 3]
    train_loss, valid_loss = learn.recorder.values[-1][:2]
    assert (rows[-1]["train_loss"], rows[-1]["valid_loss"]) == (train_loss, valid_loss)


@pytest.mark.parametrize("names", [("score", "score"), ("loss", "score")])
def test_columns_of_training_metrics_are_in_the_rows(names, root):
    metrics = [constant(name, i) for i, name in enumerate(names, 1)]
    learn = learner(loaders(root), metrics=metrics)
    learn.recorder.train_metrics = True
    rows = progressive(learn, loaders(root))
    assert len(rows[0]) == 3 + 2 * 3
    values = [value for key, value in rows[0].items() if key not in ("size", "epoch", "trained")]
    assert values == list(learn.recorder.values[-1])
