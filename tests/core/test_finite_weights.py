"What reads a model says in one line that its weights are not finite, and that outputs do not fit."

import numpy as np
import pytest
import torch
from learners import tiny_network

from lesson7.data.loaders import get_dls
from lesson7.explorers.mixup import MixupExplorer
from lesson7.explorers.normalize import NormalizeExplorer
from lesson7.explorers.resize import ResizeExplorer
from lesson7.explorers.tta import TTAExplorer
from lesson7.inference import predict
from lesson7.tta import tta


@pytest.fixture
def learn(small):
    from fastai.vision.all import CrossEntropyLossFlat, Learner

    dls = get_dls(8, 16, small, device="cpu")
    learn = Learner(dls, tiny_network(10), loss_func=CrossEntropyLossFlat())
    learn.remove_cb(learn.progress)
    return learn


def files(learn):
    return list(learn.dls.valid_ds.items)[:3]


READERS = {
    "predict": lambda learn: predict(learn, files(learn)),
    "predict with tta": lambda learn: predict(learn, files(learn), use_tta=True),
    "tta": lambda learn: tta(learn),
    "NormalizeExplorer": lambda learn: NormalizeExplorer(files(learn), learn=learn, side=16),
    "ResizeExplorer": lambda learn: ResizeExplorer(files(learn)[0], learn=learn),
    "TTAExplorer": lambda learn: TTAExplorer(files(learn), learn=learn, side=16),
    "MixupExplorer": lambda learn: MixupExplorer(
        files(learn), ["0", "1", "2"], learn=(learn, learn), side=16
    ),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(learn, reader, value):
    READERS[reader](learn)
    with torch.no_grad():
        list(learn.model.parameters())[-1][1] = value
    with pytest.raises(ValueError, match="weights.* must be finite.*, got") as raised:
        READERS[reader](learn)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("n_out", [9, 12])
@pytest.mark.parametrize("use_tta", [False, True])
def test_predict_needs_an_output_for_each_class(learn, n_out, use_tta):
    learn.model = tiny_network(n_out)
    with pytest.raises(
        ValueError, match=rf"^model must be one with outputs \[B,10\].*, {n_out}\]$"
    ):
        predict(learn, files(learn), use_tta=use_tta)


@pytest.mark.parametrize("reader", ["predict", "tta"])
@pytest.mark.parametrize("statistic", ["running_mean", "running_var"])
def test_infinite_statistics_of_batch_normalization(learn, reader, statistic):
    getattr(learn.model[1], statistic)[2] = float("inf")
    with pytest.raises(ValueError, match=f"^weights must be finite, got .* in 1.{statistic}"):
        READERS[reader](learn)


# ---- Weights of any type, and none


def numbers(result):
    "Return the numbers that a reader of `READERS` found, as one array."
    if isinstance(result, list):
        return np.array([list(p.probabilities.values()) for p in result])
    if isinstance(result, tuple):
        assert result[0].dtype == torch.float32
        return result[0].numpy()
    if isinstance(result, NormalizeExplorer | TTAExplorer):
        result.complete()
    if isinstance(result, NormalizeExplorer):
        return np.array([probability for _, probability in result.says["none"]])
    if isinstance(result, ResizeExplorer):
        pairs = [list(sizes.values()) for sizes in result.guesses["at"].values()]
        return np.array(pairs)[..., 1]  # each is a class and its probability
    if isinstance(result, TTAExplorer):
        return np.array([photo["preds"] for photo in result.asked])
    return np.array(list(result.predictions.values()))


TOLERANCES = {torch.float16: 2e-3, torch.bfloat16: 2e-2, torch.float64: 1e-5}


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("reader", READERS)
def test_weights_of_any_type(learn, reader, dtype):
    expected = numbers(READERS[reader](learn))
    learn.model.to(dtype)
    found = numbers(READERS[reader](learn))
    assert np.abs(found - expected).max() < TOLERANCES[dtype]
    assert {p.dtype for p in learn.model.parameters()} == {dtype}


class FirstPixels(torch.nn.Module):
    "A model without weights."

    def forward(self, x):
        return x.flatten(1)[:, :10]


@pytest.mark.parametrize("reader", READERS)
def test_a_model_without_weights(learn, reader):
    learn.model = FirstPixels()
    READERS[reader](learn)
    assert not list(learn.model.parameters())


def test_predictions_of_a_model_without_weights(learn):
    learn.model = FirstPixels()
    x = torch.cat([x for x, _ in learn.dls.valid])
    expected = x.as_subclass(torch.Tensor).flatten(1)[:, :10].softmax(1)
    assert torch.allclose(tta(learn, reduce=None)[0][0], expected, atol=1e-6)
    found = numbers(predict(learn, list(learn.dls.valid_ds.items)))
    assert np.abs(found - expected.numpy()).max() < 1e-6
