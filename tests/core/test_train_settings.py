"`train` is the same whatever torch's settings are, and says in one line that a batch is too small."

from contextlib import contextmanager

import pytest
import torch

from lesson7.training.config import Recipe
from lesson7.training.loop import train

TINY = Recipe(size=16, bs=16, epochs=1, mixup=0.4)


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


SETTINGS = {
    "no grad": torch.no_grad,
    "inference mode": torch.inference_mode,
    "float16": lambda: default_dtype(torch.float16),
    "float64": lambda: default_dtype(torch.float64),
}


@pytest.fixture(scope="module")
def expected(small):
    return train(TINY, small, bar=False)


@pytest.mark.parametrize("setting", SETTINGS)
def test_train_does_not_depend_on_torchs_settings(small, expected, setting):
    with SETTINGS[setting]():
        before = torch.is_grad_enabled(), torch.get_default_dtype()
        result = train(TINY, small, bar=False)
        assert before == (torch.is_grad_enabled(), torch.get_default_dtype())
    assert result.loss == pytest.approx(expected.loss, abs=1e-5)
    assert result.history[0]["train_loss"] == pytest.approx(expected.history[0]["train_loss"])


def test_batches_of_one_image_with_batch_norm_are_an_error(small):
    with pytest.raises(ValueError, match="^bs must be 2 or more for a model with batch norm, got"):
        train(Recipe(size=32, bs=1, epochs=1), small, bar=False)
