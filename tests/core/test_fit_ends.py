"However a fit ends, the learner is as it was; callbacks and columns are those of fastai by hand."

from contextlib import contextmanager
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lesson7.mixup import ActivationMixup
from lesson7.resize import Stage, fit_progressive

SIDE = 6
N_TRAIN, N_VALID = 24, 10
X = torch.rand(N_TRAIN + N_VALID, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
Y = [i % 3 for i in range(len(X))]
STAGES = [Stage(6, 8, 2, 1e-2), Stage(6, 8, 1, 1e-2)]


@pytest.fixture(autouse=True)
def no_bars():
    from fastai.callback.progress import ProgressCallback
    from fastai.vision.all import defaults

    before = list(defaults.callbacks)
    defaults.callbacks = [c for c in before if c is not ProgressCallback]
    yield
    defaults.callbacks = before


@pytest.fixture(autouse=True)
def no_autocast():
    "Leave autocast off for the next test, also where this one fails."
    yield
    torch.autocast_increment_nesting()
    while torch.autocast_decrement_nesting() > 0:
        pass
    torch.clear_autocast_cache()
    torch.set_autocast_enabled("cpu", False)


def image_of(i):
    return X[i]


def label_of(i):
    return Y[i]


def get_dls(bs, size):
    "Return loaders of the images in `X`; an item is the number of its image."
    from fastai.vision.all import Categorize, Datasets, set_seed

    set_seed(0)
    splits = [list(range(N_TRAIN)), list(range(N_TRAIN, len(X)))]
    transforms = [[image_of], [label_of, Categorize]]
    return Datasets(range(len(X)), transforms, splits=splits).dataloaders(
        bs=bs, num_workers=0, device="cpu"
    )


class Net(nn.Module):
    "Three layers in two parameter groups, with batch normalization."

    def __init__(self, n_out=3):
        super().__init__()
        torch.manual_seed(1)
        self.first = nn.Linear(3 * SIDE**2, 8)
        self.norm = nn.BatchNorm1d(8)
        self.last = nn.Linear(8, n_out)

    def forward(self, x):
        return self.last(self.norm(self.first(x.flatten(1)).relu()))


def groups(model):
    return [[*model.first.parameters(), *model.norm.parameters()], [*model.last.parameters()]]


def make_learner(cbs=None, loss=None, metrics="accuracy", **options):
    from fastai.vision.all import CrossEntropyLossFlat, L, Learner, accuracy

    return Learner(
        get_dls(8, SIDE),
        Net(),
        loss_func=loss or CrossEntropyLossFlat(),
        metrics=accuracy if metrics == "accuracy" else metrics,
        cbs=cbs,
        splitter=lambda model: L(groups(model)).map(L),
        **options,
    )


def end_at(event, error, nth=1):
    "Return a callback that raises `error` when `event` comes for the `nth` time."
    from fastai.callback.core import Callback

    calls = []

    def raise_error(self):
        calls.append(event)
        if len(calls) == nth:
            raise error

    methods = {event: raise_error, "order": 55, "run_valid": False}
    return type("EndFit", (Callback,), methods)()


def state_of(learn):
    "Return what a fit must leave as it was, but for the weights."
    modules = list(learn.model.modules())
    hooks = [len(v) for m in modules for k, v in vars(m).items() if "_hooks" in k and v is not None]
    return dict(
        loss=learn.loss_func,
        model=learn.model,
        logger=learn.logger,
        callbacks=list(learn.cbs),
        running=[cb.run for cb in learn.cbs],
        hooks=hooks,
        modes=[m.training for m in modules] + [learn.training],
        trainable=[p.requires_grad for p in learn.model.parameters()],
        devices=[p.device for p in learn.model.parameters()],
        autocast=[torch.is_autocast_enabled(device) for device in ("cpu", "cuda")],
        methods=own_methods(learn),
    )


def own_methods(learn):
    "Return the names of the class's methods that a learner replaces by its own."
    return {name for name in vars(learn) if callable(getattr(type(learn), name, None))}


def has_gradients(learn):
    return any(p.grad is not None and p.grad.any() for p in learn.model.parameters())


def check_predictions(learn):
    "The learner's predictions are those of its weights, computed with torch alone."
    model = deepcopy(learn.model).eval()
    with torch.no_grad():
        expected = F.softmax(model(X[N_TRAIN:]), 1)
    with learn.no_logging():
        preds, _ = learn.get_preds()
    assert torch.allclose(preds, expected, atol=1e-6)


def run(learn, stages=STAGES):
    "Return the history of `fit_progressive`, or the exception with which it ended."
    from fastai.callback.core import CancelFitException

    with learn.no_logging():
        try:
            return fit_progressive(learn, get_dls, stages)
        except (Exception, KeyboardInterrupt, CancelFitException) as error:
            return error


def raising_layer(learn, error, nth=1):
    "Let the first layer raise `error` at its `nth` call in training mode."
    layer, calls = learn.model.first, []
    plain = layer.forward

    def forward(x):
        calls.append(layer.training)
        if layer.training and sum(calls) == nth:
            raise error
        return plain(x)

    layer.forward = forward


class RaisingLoss:
    "A cross-entropy that raises an error once, in the forward pass of a training batch."

    y_int = True
    reduction = "mean"

    def __init__(self, error):
        self.error = error

    def activation(self, x):
        return x.softmax(1)

    def decodes(self, x):
        return x.argmax(1)

    def __call__(self, pred, target):
        if pred.requires_grad and self.error:
            error, self.error = self.error, None
            raise error
        return F.cross_entropy(pred, target, reduction=self.reduction)


# ---- Interrupted in a stage


def wrap(callback):
    callback.learn.model = nn.Sequential(callback.learn.model)


def unwrap(callback):
    callback.learn.model = callback.learn.model[0]


def hook(callback):
    layer = callback.model.last
    callback.handle = layer.register_forward_pre_hook(lambda module, x: (x[0] * 2,))


def unhook(callback):
    if "handle" in vars(callback):
        callback.handle.remove()


def enter_autocast(callback):
    callback.context = torch.autocast("cpu", torch.bfloat16)
    callback.context.__enter__()


def leave_autocast(callback):
    callback.context.__exit__(None, None, None)


def add_callback(callback):
    from fastai.callback.core import Callback

    callback.learn.add_cb(type("Added", (Callback,), {"order": 3})())


def remove_callback(callback):
    callback.learn.remove_cb(callback.learn.added)


def stop_recorder(callback):
    callback.learn.recorder.run = False


def start_recorder(callback):
    callback.learn.recorder.run = True


CHANGES = {  # what is changed in a fit, and put back at its end
    "wraps the model": dict(before_fit=wrap, after_fit=unwrap),
    "hooks a layer": dict(
        before_train=hook,
        after_train=unhook,
        after_cancel_epoch=unhook,
        after_cancel_fit=unhook,
    ),
    "enters autocast": dict(before_batch=enter_autocast, after_loss=leave_autocast),
    "adds a callback": dict(before_fit=add_callback, after_fit=remove_callback),
    "stops the recorder": dict(before_batch=stop_recorder, after_batch=start_recorder),
}


def watcher(name):
    "Return a callback that changes something for the time of a fit."
    from fastai.callback.core import Callback

    return type("Watcher", (Callback,), CHANGES[name] | dict(run_valid=False))()


def mixup(name):
    from fastai.callback import mixup as handlers

    return getattr(handlers, name)()


INTERRUPTED = {  # name: (callbacks, the end: an event, "layer" or "loss", the error, which time)
    "MixUp, in a callback": (lambda: [mixup("MixUp")], "after_pred", KeyboardInterrupt, 1),
    "MixUp, in a layer": (lambda: [mixup("MixUp")], "layer", KeyboardInterrupt, 1),
    "MixUp, a layer's error": (lambda: [mixup("MixUp")], "layer", RuntimeError, 4),
    "MixUp, a loss's error": (lambda: [mixup("MixUp")], "loss", ValueError, 1),
    "MixUp, in the backward pass": (lambda: [mixup("MixUp")], "after_backward", MemoryError, 2),
    "MixUp, in the second stage": (lambda: [mixup("MixUp")], "after_batch", KeyboardInterrupt, 8),
    "CutMix, in a callback": (lambda: [mixup("CutMix")], "before_batch", KeyboardInterrupt, 2),
    "CutMix, an event's error": (lambda: [mixup("CutMix")], "after_step", OSError, 1),
    "nothing but a mode": (list, "before_step", KeyboardInterrupt, 1),
    "gradients of a batch": (list, "after_backward", KeyboardInterrupt, 1),
    "gradients, an error": (list, "before_step", RuntimeError, 3),
    "frozen layers": (list, "after_batch", KeyboardInterrupt, 8),
    "frozen layers, a layer's error": (list, "layer", RuntimeError, 8),
    "a wrapped model": (lambda: [watcher("wraps the model")], "after_loss", KeyboardInterrupt, 1),
    "a wrapped model, an error": (lambda: [watcher("wraps the model")], "layer", ValueError, 1),
    "a hook": (lambda: [watcher("hooks a layer")], "after_batch", KeyboardInterrupt, 1),
    "a hook, an error": (lambda: [watcher("hooks a layer")], "before_step", OSError, 2),
    "autocast": (lambda: [watcher("enters autocast")], "layer", KeyboardInterrupt, 1),
    "autocast, an error": (lambda: [watcher("enters autocast")], "after_pred", ValueError, 2),
    "a callback too many": (lambda: [watcher("adds a callback")], "after_step", ValueError, 1),
    "a recorder that does not run": (
        lambda: [watcher("stops the recorder")],
        "after_loss",
        KeyboardInterrupt,
        1,
    ),
    "in validation": (lambda: [mixup("MixUp")], "after_validate", KeyboardInterrupt, 1),
}


@pytest.mark.parametrize("case", INTERRUPTED.values(), ids=INTERRUPTED)
def test_an_interrupted_training_leaves_the_learner_as_it_was(case):
    make_callbacks, place, error, nth = case
    learn = make_learner(make_callbacks(), RaisingLoss(error("stop")) if place == "loss" else None)
    if place == "layer":
        raising_layer(learn, error("stop"), nth)
    elif place != "loss":
        learn.add_cb(end_at(place, error("stop"), nth))
    before = state_of(learn)
    assert isinstance(run(learn), error)
    assert state_of(learn) == before and not has_gradients(learn)
    check_predictions(learn)
    assert len(run(learn)) == 5  # two epochs, the switch, two epochs


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_the_next_step_after_an_interruption_is_torchs(error):
    "The gradient of a batch that was not used is not added to the next one."
    learn = make_learner(end_at("after_backward", error("stop")), opt_func=partial(sgd))
    run(learn, [Stage(6, 24, 1, 1.0)])
    model = deepcopy(learn.model).train()
    F.cross_entropy(model(X[:N_TRAIN]), torch.tensor(Y[:N_TRAIN])).backward()
    expected = [p.detach() - 0.5 * p.grad for p in model.parameters()]
    learn.dls = get_dls(24, SIDE)
    with learn.no_logging():
        learn.fit(1, 0.5)
    for weight, right in zip(learn.model.parameters(), expected):
        assert torch.allclose(weight, right, atol=1e-5)


def sgd(params, lr):
    from fastai.optimizer import SGD

    return SGD(params, lr, mom=0.0, wd=0.0)


def test_an_interruption_leaves_the_progress_bars_logger():
    from fastai.callback.progress import ProgressCallback

    learn = make_learner([ProgressCallback(), end_at("after_batch", KeyboardInterrupt())])
    before = state_of(learn)
    with pytest.raises(KeyboardInterrupt):
        fit_progressive(learn, get_dls, STAGES)
    assert state_of(learn) == before


# ---- After a plain fit of fastai's that was interrupted


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
@pytest.mark.parametrize("place", ["after_pred", "before_batch", "after_batch"])
@pytest.mark.parametrize("given_to", ["fit", "learner"])
def test_after_an_interrupted_fit_a_progressive_one_works(name, place, given_to):
    cbs = [mixup(name)]
    learn = make_learner(cbs if given_to == "learner" else None)
    loss = learn.loss_func
    stop = end_at(place, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt), learn.no_logging():
        learn.fit_one_cycle(1, cbs=[stop, *(cbs if given_to == "fit" else [])])
    assert learn.loss_func is not loss
    assert len(run(learn)) == 5 and learn.loss_func is loss
    check_predictions(learn)


@pytest.mark.parametrize("loss", ["fastai", "torch", "function"])
def test_after_an_interrupted_fit_an_evaluation_uses_the_own_loss(loss):
    from fastai.vision.all import CrossEntropyLossFlat

    from lesson7.training.config import Recipe
    from lesson7.training.loop import evaluate

    loss = dict(
        fastai=CrossEntropyLossFlat(), torch=nn.CrossEntropyLoss(), function=F.cross_entropy
    )[loss]
    learn = make_learner(loss=loss)
    handler = mixup("MixUp")
    handler.old_lf = loss  # as in `before_train`, also for a loss without `y_int`
    learn.loss_func = handler.lf
    with pytest.raises(KeyboardInterrupt), learn.no_logging():
        learn.fit(1, cbs=end_at("after_pred", KeyboardInterrupt()))
    measures = evaluate(learn, Recipe())
    with torch.no_grad():
        outputs = deepcopy(learn.model).eval()(X[N_TRAIN:])
    right = (outputs.argmax(1).numpy() == np.array(Y[N_TRAIN:])).mean()
    assert measures["accuracy"] == pytest.approx(right)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, ValueError])
@pytest.mark.parametrize("given_to", ["fit", "learner"])
@pytest.mark.parametrize("nth", [1, 3, 5])
def test_activation_mixup_is_gone_after_an_interrupted_fit(error, given_to, nth):
    learn = make_learner()
    cb = ActivationMixup(learn.model.last)
    cbs = [cb] if given_to == "fit" else []
    if given_to == "learner":
        learn.add_cb(cb)
    raising_layer(learn, error("stop"), nth)
    with pytest.raises(error), learn.no_logging():
        learn.fit(2, cbs=cbs)
    assert not learn.model.last._forward_hooks and not own_methods(learn)
    check_predictions(learn)
    with learn.no_logging():
        learn.fit(1, cbs=cbs)
    check_predictions(learn)


ENDS = {  # where a fit with `ActivationMixup` ends: an event, or the loading of an image
    "the first image": (1, KeyboardInterrupt),
    "an image of the second batch": (10, ValueError),
    "an image of the second epoch": (N_TRAIN + 11, OSError),
    "a validation image": (N_TRAIN + 1, ValueError),
    "before_train": (1, RuntimeError),
    "before_batch": (2, KeyboardInterrupt),
    "after_batch": (2, RuntimeError),
    "after_train": (1, ValueError),
}


@pytest.mark.parametrize("place", ENDS)
def test_activation_mixup_is_gone_wherever_a_fit_ends(place, monkeypatch):
    nth, error = ENDS[place]
    learn = make_learner()
    learn.add_cb(ActivationMixup(learn.model.last))
    with monkeypatch.context() as patch:
        if "image" in place:
            image = RaisingImage(error("stop"))
            patch.setattr(f"{__name__}.image_of", image)
            learn.dls = get_dls(8, SIDE)
            image.remaining = nth
        else:
            learn.add_cb(end_at(place, error("stop"), nth))
        with pytest.raises(error), learn.no_logging():
            learn.fit(2)
    assert not learn.model.last._forward_hooks and not own_methods(learn)
    learn.dls = get_dls(8, SIDE)
    check_predictions(learn)


class RaisingImage:
    "A function in the place of `image_of` that raises an error for the image number `remaining`."

    remaining = None

    def __init__(self, error):
        self.error = error

    def __call__(self, i):
        if self.remaining is not None:
            self.remaining -= 1
        if self.remaining == 0:
            raise self.error
        return X[i]


CANCELS = {  # what is cancelled: the events in which it can be
    "Batch": ["before_batch", "layer", "after_pred"],
    "Train": ["before_train", "before_batch", "layer", "after_pred"],
    "Epoch": ["before_epoch", "before_train", "before_batch", "layer", "after_pred"],
    "Fit": ["before_fit", "before_epoch", "before_train", "before_batch", "layer", "after_pred"],
}


@pytest.mark.parametrize(
    "cancel, event", [(cancel, event) for cancel in CANCELS for event in CANCELS[cancel]]
)
def test_activation_mixup_is_gone_after_a_cancelled_one(cancel, event):
    from fastai.callback import core

    error = getattr(core, f"Cancel{cancel}Exception")()
    learn = make_learner()
    learn.add_cb(ActivationMixup(learn.model.last))
    if event == "layer":
        raising_layer(learn, error)
    else:
        learn.add_cb(end_at(event, error, 1 if event == "before_fit" else 2))
    with learn.no_logging():
        learn.fit(2)
    assert not learn.model.last._forward_hooks and not own_methods(learn)
    check_predictions(learn)


@contextmanager
def default_type(dtype):
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


SETTINGS = {
    "no gradients": torch.no_grad,
    "inference mode": torch.inference_mode,
    "float64": partial(default_type, torch.float64),
    "bfloat16": partial(default_type, torch.bfloat16),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_training_does_not_depend_on_torchs_settings(setting):
    from lesson7.training.config import Recipe
    from lesson7.training.loop import evaluate

    learners = make_learner(), make_learner()
    history = run(learners[0])
    with SETTINGS[setting]():
        assert run(learners[1]) == history
        measures = evaluate(learners[1], Recipe())
    assert measures["loss"] == evaluate(learners[0], Recipe())["loss"]
    check_predictions(learners[1])


# ---- Cancelled, and not finite


CANCELLED = {  # name: (callback, when, the number of trained epochs and the epoch at the switch)
    "Fit, in the first batch": ("Fit", "after_batch", 1, 2, 0),
    "Fit, in the second epoch": ("Fit", "after_batch", 4, 3, 1),
    "Fit, before the first epoch": ("Fit", "before_epoch", 1, 2, 0),
    "Fit, before the fit": ("Fit", "before_fit", 1, 2, 0),
    "Fit, in the second stage": ("Fit", "after_batch", 7, 3, 2),
    "Epoch, in the first batch": ("Epoch", "after_batch", 1, 4, 2),
    "Epoch, in the last epoch of a stage": ("Epoch", "after_batch", 4, 4, 2),
    "Train, in the first epoch": ("Train", "after_batch", 1, 4, 2),
    "Valid, in the first epoch": ("Valid", "before_validate", 1, 4, 2),
}


@pytest.mark.parametrize("case", CANCELLED.values(), ids=CANCELLED)
@pytest.mark.parametrize("name", ["MixUp", None])
def test_a_cancelled_stage_is_followed_by_the_next(case, name):
    from fastai.callback import core

    kind, event, nth, epochs, at_switch = case
    error = getattr(core, f"Cancel{kind}Exception")()
    learn = make_learner([end_at(event, error, nth), *([mixup(name)] if name else [])])
    loss = learn.loss_func
    history = run(learn)
    assert sum(row["trained"] for row in history) == epochs
    assert next(row["epoch"] for row in history if not row["trained"]) == at_switch
    assert learn.loss_func is loss
    check_predictions(learn)


@pytest.mark.parametrize(
    "rates, stage, guarded",
    [
        ((1e30, 1e-3), 1, True),
        ((1e30, 1e-3), 1, False),
        ((1e-3, 1e30), 2, True),
        ((1e-3, 1e30), 2, False),
    ],
)
def test_weights_that_are_not_finite_are_reported(rates, stage, guarded):
    from fastai.vision.all import TerminateOnNaNCallback

    learn = make_learner([TerminateOnNaNCallback()] if guarded else None)
    stages = [Stage(6, 8, 2, rates[0]), Stage(6, 8, 1, rates[1])]
    error = run(learn, stages)
    assert isinstance(error, ValueError)
    assert str(error) == (
        f"lr of stage {stage} must be so low that weights and losses stay finite, got 1e+30"
    )


def test_train_reports_weights_that_are_not_finite(small):
    from lesson7.training.config import Recipe
    from lesson7.training.loop import train

    with pytest.raises(
        ValueError, match="lr of stage 1 must be so low that weights and losses stay"
    ):
        train(Recipe(size=16, bs=32, epochs=1, lr=1e30), small, bar=False)


EVENTS = [
    *("before_fit", "before_epoch", "before_train", "before_batch", "after_pred", "after_loss"),
    *("before_backward", "after_backward", "before_step", "after_step", "after_batch"),
    *("after_train", "before_validate", "after_validate", "after_epoch", "after_fit"),
]


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from([KeyboardInterrupt, RuntimeError, "Fit", "Epoch", "Train", "Valid", "Batch"]),
    st.sampled_from([*EVENTS, "layer"]),
    st.integers(1, 9),
    st.sets(st.sampled_from(["MixUp", "activation", "hooks a layer", "wraps the model"])),
)
def test_any_end_leaves_the_learner_as_it_was(error, place, nth, names):
    from fastai.callback import core

    learn = make_learner()
    kind = getattr(core, f"Cancel{error}Exception") if isinstance(error, str) else error
    for name in sorted(names):
        if name == "activation":
            learn.add_cb(ActivationMixup(learn.model.last))
        else:
            learn.add_cb(mixup(name) if name == "MixUp" else watcher(name))
    if place == "layer":
        raising_layer(learn, kind("stop"), nth)
    else:
        learn.add_cb(end_at(place, kind("stop"), nth))
    before = state_of(learn)
    ended = run(learn)
    after = state_of(learn)
    if not isinstance(ended, BaseException):  # fastai leaves a trained model in evaluation mode
        before.pop("modes"), after.pop("modes")
    assert after == before
    # The error may not have come to its time.
    if place == "layer":
        vars(learn.model.first).pop("forward")
    else:
        learn.remove_cb(learn.end_fit)
    check_predictions(learn)


# ---- Trackers, and columns by name


def by_hand(learn):
    "Train `STAGES` as the lesson does, without a validation between them."
    with learn.no_logging():
        for i, stage in enumerate(STAGES):
            learn.dls = get_dls(stage.bs, stage.size)
            (learn.fine_tune if i else learn.fit_one_cycle)(stage.epochs, stage.lr)


def count_events():
    "Return a callback that keeps the epochs and validation values that it is told of."
    from fastai.callback.core import Callback

    class Count(Callback):
        order = 70

        def before_fit(self):
            self.learn.seen = getattr(self.learn, "seen", [])

        def before_epoch(self):
            self.learn.seen.append(self.epoch)

        def after_epoch(self):
            self.learn.seen.append([round(v, 6) for v in self.recorder.values[-1]])

    return Count()


TRACKERS = {
    "save by accuracy": ("SaveModelCallback", dict(monitor="accuracy")),
    "save by loss, over all stages": (
        "SaveModelCallback",
        dict(monitor="valid_loss", reset_on_fit=False),
    ),
    "save by accuracy, over all stages": (
        "SaveModelCallback",
        dict(monitor="accuracy", reset_on_fit=False),
    ),
    "save by training loss": ("SaveModelCallback", dict(monitor="train_loss")),
    "save every epoch": ("SaveModelCallback", dict(every_epoch=True)),
    "stop by accuracy": ("EarlyStoppingCallback", dict(monitor="accuracy", patience=2)),
    "stop by loss, over all stages": (
        "EarlyStoppingCallback",
        dict(monitor="valid_loss", reset_on_fit=False, patience=1),
    ),
    "lower the rate by loss": (
        "ReduceLROnPlateau",
        dict(monitor="valid_loss", min_delta=1.0, reset_on_fit=False),
    ),
    "lower the rate by accuracy": ("ReduceLROnPlateau", dict(monitor="accuracy", min_delta=0.5)),
    "count": (None, {}),
}


@pytest.mark.parametrize("case", TRACKERS.values(), ids=TRACKERS)
def test_trackers_do_what_they_do_by_hand(case, tmp_path, capsys):
    from fastai.callback import tracker

    name, options = case
    learners = []
    for folder, fit in (("ours", run), ("theirs", by_hand)):
        cbs = [count_events(), *([getattr(tracker, name)(**options)] if name else [])]
        learn = make_learner(cbs, path=tmp_path / folder)
        learners.append((learn, fit(learn)))
    (ours, history), (theirs, _) = learners
    assert isinstance(history, list), history
    assert ours.seen == theirs.seen
    for p, q in zip(ours.model.parameters(), theirs.model.parameters()):
        assert torch.equal(p, q)
    if name:
        assert ours.cbs[-1].best == theirs.cbs[-1].best
    assert sorted(f.name for f in tmp_path.glob("ours/models/*")) == sorted(
        f.name for f in tmp_path.glob("theirs/models/*")
    )


def test_a_logger_writes_what_it_writes_by_hand(tmp_path):
    from fastai.callback.progress import CSVLogger

    logs = []
    for folder, fit in (("ours", run), ("theirs", by_hand)):
        (tmp_path / folder).mkdir()
        learn = make_learner(CSVLogger(append=True), path=tmp_path / folder)
        fit(learn)
        lines = (tmp_path / folder / "history.csv").read_text().splitlines()
        logs.append([line.rpartition(",")[0] for line in lines])  # without the time
    assert logs[0] == logs[1] and len(logs[0]) == 3 + 4  # a header for each of three fits


def torch_measures(learn, part):
    "Return cross-entropy and accuracy of the model on the validation images, with torch alone."
    model = deepcopy(learn.model).eval()
    with torch.no_grad():
        outputs = model(X[part])
    targets = torch.tensor(Y[part])
    accuracy = (outputs.argmax(1) == targets).double().mean().item()
    return F.cross_entropy(outputs.double(), targets).item(), accuracy


COLUMNS = {  # name: (options of the recorder, the columns of an epoch, those at the switch)
    "as it is": ({}, ["train_loss", "valid_loss", "accuracy"], ["valid_loss", "accuracy"]),
    "without time": (
        dict(add_time=False),
        ["train_loss", "valid_loss", "accuracy"],
        ["valid_loss", "accuracy"],
    ),
    "with metrics in training": (
        dict(train_metrics=True),
        ["train_loss", "train_accuracy", "valid_loss", "valid_accuracy"],
        ["valid_loss", "valid_accuracy"],
    ),
    "with metrics in training, without time": (
        dict(train_metrics=True, add_time=False),
        ["train_loss", "train_accuracy", "valid_loss", "valid_accuracy"],
        ["valid_loss", "valid_accuracy"],
    ),
    "without validation": (dict(valid_metrics=False), ["train_loss"], []),
    "without validation and time": (
        dict(valid_metrics=False, add_time=False),
        ["train_loss"],
        [],
    ),
}


@pytest.mark.parametrize("case", COLUMNS.values(), ids=COLUMNS)
def test_columns_go_by_name(case):
    options, names, switch_names = case
    learn = make_learner()
    for name, value in options.items():
        setattr(learn.recorder, name, value)
    measured = []
    learn.add_cb(_measure(measured))
    history = run(learn)
    assert isinstance(history, list), history
    trained = [row for row in history if row["trained"]]
    (switch,) = [row for row in history if not row["trained"]]
    fixed = ["size", "epoch", "trained"]
    valid = slice(N_TRAIN, None)
    for row, (loss, accuracy) in zip(trained, measured, strict=True):
        assert list(row) == [*fixed, *names] or valid is None
        for name in set(names) & {"valid_loss"}:
            assert row[name] == pytest.approx(loss, abs=1e-5)
        for name in set(names) & {"accuracy", "valid_accuracy"}:
            assert row[name] == pytest.approx(accuracy)
    assert list(switch) == [*fixed, *switch_names]
    if switch_names:
        loss, accuracy = measured[1]  # nothing is trained between the last epoch and the switch
        assert [switch[name] for name in switch_names] == pytest.approx([loss, accuracy], abs=1e-5)


def _measure(measured):
    "Return a callback that measures the model at the end of each epoch."
    from fastai.callback.core import Callback

    class Measure(Callback):
        order = 80

        def after_epoch(self):
            measured.append(torch_measures(self.learn, slice(N_TRAIN, None)))

    return Measure()


@pytest.mark.parametrize(
    "kind, event, missing",
    [
        ("Valid", "before_validate", {"valid_loss", "accuracy"}),
        ("Train", "after_batch", {"train_loss"}),
        ("Epoch", "after_batch", {"train_loss", "valid_loss", "accuracy"}),
        ("Epoch", "after_train", {"valid_loss", "accuracy"}),
    ],
)
def test_a_cancelled_part_of_an_epoch_has_no_columns(kind, event, missing):
    from fastai.callback import core

    error = getattr(core, f"Cancel{kind}Exception")()
    learn = make_learner([end_at(event, error)])
    measured = []
    learn.add_cb(_measure(measured))
    first, *others = run(learn)
    assert {"train_loss", "valid_loss", "accuracy"} - set(first) == missing
    if "valid_loss" in first:
        assert [first["valid_loss"], first["accuracy"]] == pytest.approx(measured[0], abs=1e-5)
    assert all("accuracy" in row for row in others)


# ---- Mixup in the model beside fastai's


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
@pytest.mark.parametrize("loss", ["plain", "smoothing", "weights"])
@pytest.mark.parametrize("first", ["ActivationMixup", "other"])
def test_activation_mixup_beside_a_mixup_of_the_input_permutes_all_labels(name, loss, first):
    from fastai.vision.all import Callback, CrossEntropyLossFlat

    options = dict(
        plain={}, smoothing=dict(label_smoothing=0.2), weights=dict(weight=torch.arange(1.0, 4))
    )[loss]
    found = []

    class Compare(Callback):
        order = 5

        def after_loss(self):
            if self.training:
                found.append((self.loss.item(), by_soft_labels(self.learn, options).item()))

    learn = make_learner([Compare()], CrossEntropyLossFlat(**options))
    cbs = [ActivationMixup(learn.model.norm), mixup(name)]
    learn.add_cbs(cbs if first == "ActivationMixup" else cbs[::-1])
    with learn.no_logging():
        learn.fit(1)
    assert len(found) == 3
    ours, right = zip(*found)
    assert ours == pytest.approx(right, abs=1e-5)


def by_soft_labels(learn, options):
    "Return the loss of the present batch as the mean over its four pairs of output and label."
    inner, outer = learn.activation_mixup, getattr(learn, "mix_up", None) or learn.cut_mix
    shares = outer.lam.expand(len(learn.y))
    labels = [learn.y, outer.yb1[0]]
    total = 0
    for share, order in ((inner.lam, torch.arange(len(learn.y))), (1 - inner.lam, inner.perm)):
        for weights, y in ((shares, labels[0]), (1 - shares, labels[1])):
            each = [
                F.cross_entropy(learn.pred[i : i + 1], y[k : k + 1], reduction="none", **options)
                for i, k in enumerate(order)
            ]
            total = total + share * (weights[order] * torch.stack(each).flatten()).mean()
    return total
