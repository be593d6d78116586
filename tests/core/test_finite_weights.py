"What reads a model says in one line that its weights are not finite, and that outputs do not fit."

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


class FirstPixels(torch.nn.Module):
    "A model without weights."

    def forward(self, x):
        return x.flatten(1)[:, :10]


@pytest.mark.parametrize("reader", [name for name in READERS if name.endswith("Explorer")])
def test_a_model_without_weights(learn, reader):
    learn.model = FirstPixels()
    READERS[reader](learn)
