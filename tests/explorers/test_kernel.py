"Answers from the kernel: the messages of an explorer's view, without a browser."

from itertools import product
from types import SimpleNamespace

import IPython
import numpy as np
import pytest
import torch
from learners import narrow_learner

from lesson7.data.images import crop_resized
from lesson7.data.loaders import get_dls
from lesson7.data.samples import photos
from lesson7.explorers.normalize import NormalizeExplorer
from lesson7.explorers.tta import TTAExplorer
from lesson7.normalize import NormStats
from lesson7.outputs import probabilities
from lesson7.tta import combine, square_at, window_side

STATS = (0.4, 0.37, 0.35), (0.21, 0.2, 0.19)
VIEWS = [[0, 0, 0, 160, 160], [1, 13, 7, 113, 107], [0, -20, 3, 200, 120]]


@pytest.fixture(scope="module")
def explorer(small):
    learn = narrow_learner(get_dls(8, 48, small, STATS))
    return TTAExplorer(photos("china", "coffee"), learn=learn, side=48)


@pytest.fixture
def ask(explorer, monkeypatch):
    "`ask(question, **message)` returns what an explorer sends to its view: contents and bytes."
    sent = []
    monkeypatch.setattr(explorer, "send", lambda *args, buffers=(): sent.append((*args, buffers)))

    def run(question, **message):
        sent.clear()
        content = dict(kind="question", id="a 1", question=question) | message
        explorer._handle_custom_msg(content, [])
        return list(sent)

    return run


def rows_of(answer):
    [(content, [data])] = answer
    return np.frombuffer(data, "<f4").reshape(content["shape"])


def test_answers_equal_get_preds(explorer, ask):
    x = np.stack([crop_resized(explorer.images[i], box, 48) for i, *box in VIEWS])
    mean, std = (torch.tensor(v)[:, None, None] for v in STATS)
    batch = (torch.from_numpy(x) - mean) / std
    expected, _ = explorer._learn.get_preds(dl=[(batch, torch.zeros(3, dtype=torch.long))])
    assert np.abs(rows_of(ask(dict(views=VIEWS))) - expected.numpy()).max() < 1e-5
    assert explorer.classes == list(explorer._learn.dls.vocab)


def test_a_greeting_is_answered_without_rows(ask):
    assert ask({}) == [(dict(kind="answer", id="a 1", shape=(0, 0)), [b""])]


def test_other_messages_are_not_answered(ask):
    assert ask({}, kind="resize") == []


@pytest.mark.parametrize(
    "question, error",
    [
        (dict(views=[[9, 0, 0, 8, 8]]), "IndexError: list index out of range"),
        (dict(views=[[0, 0, 0]]), "ValueError: not enough values"),
        (dict(places=[]), "KeyError: 'views'"),
        (["x"], "TypeError: question must be a dict, got a list"),
    ],
)
def test_an_error_is_an_answer_of_one_line(question, error, ask):
    [(content, buffers)] = ask(question)
    assert content["error"].startswith(error) and "\n" not in content["error"]
    assert content["id"] == "a 1" and not buffers


def test_python_predicts_between_the_places_of_the_grid(explorer):
    explorer.at = [[0.3, 0.4], [0.5, 0.75], [0, 0], [1, 1]]
    views = torch.from_numpy(explorer.preds)[:, None]
    assert np.allclose(explorer.answer, combine(views)[0], atol=1e-6)
    on_grid = explorer.preds[2:]
    explorer.at = [[0.25, 0.375], [0.5, 0.75], [0, 0], [1, 1]]
    assert np.allclose(explorer.preds[2:], on_grid, atol=1e-5)
    assert not np.allclose(explorer.preds[1], views[1, 0], atol=1e-5)


class Counting(torch.nn.Sequential):
    "A model that counts the images that it has seen."

    seen = 0

    def forward(self, x):
        Counting.seen += len(x)
        return super().forward(x)


@pytest.mark.parametrize(
    "kind, at_first, trait, images",
    [(TTAExplorer, 5, "asked", 246), (NormalizeExplorer, 1, "says", 3 * 9 + 40 * 9)],
)
def test_predictions_for_a_view_without_a_kernel_are_made_for_it_only(
    kind, at_first, trait, images, monkeypatch, tmp_path
):
    layers = torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 2)
    pictures = photos("china") if kind is TTAExplorer else list(photos().values())
    Counting.seen = 0
    explorer = kind(pictures, learn=Counting(*layers), vocab=["a", "b"], side=16)
    explorer.still()
    explorer._repr_mimebundle_()
    assert Counting.seen == at_first and not getattr(explorer, trait)
    shell = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=False))  # as nbconvert has it
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    explorer._repr_mimebundle_()
    assert Counting.seen == at_first + images and getattr(explorer, trait)
    explorer.save(tmp_path / "page.html")
    assert Counting.seen == at_first + images


def test_the_grid_is_predicted_in_parts(explorer, ask):
    explorer.asked = []
    for _ in range(28):
        assert explorer.asked == []
        assert rows_of(ask(dict(grid=1))).shape == (1, 1)
    assert [len(found["preds"]) for found in explorer.asked] == [0, 246]
    box = [1, *square_at(160, 240, window_side(160, 240, 0.85), 0.5, 1)]
    [row] = rows_of(ask(dict(views=[box])))
    found = explorer.asked[1]
    classes = [explorer.vocab.index(name) for name in found["classes"]]
    assert np.allclose(found["preds"][3 + 81 + 8 * 9 + 4], row[classes], atol=1e-5)


def test_only_an_explorer_with_a_model_is_asked(explorer):
    assert explorer.kernel and not TTAExplorer().kernel


def test_any_statistics_are_answered_for_a_batch(small):
    learn = narrow_learner(get_dls(8, 48, small, STATS))
    explorer = NormalizeExplorer(list(photos().values()), learn=learn, side=48)
    own = [0.5, 0.4, 0.3], [0.2, 0.3, 0.4]
    chosen, everything = [3, 0, 5], torch.from_numpy(explorer.images)
    for stats, end in product((own, explorer.known["dataset"], ([0, 0, 0], [1, 1, 1])), ([], [1])):
        pictures = [[i, *stats[0], *stats[1], *end] for i in chosen]
        preds = probabilities(learn, everything, NormStats(*stats), batch_statistics=bool(end))
        expected = preds[chosen].max(1)
        found = np.array(explorer.predict(dict(pictures=pictures)))
        assert found[:, 0].tolist() == expected.indices.tolist()
        assert np.allclose(found[:, 1], expected.values, atol=1e-5)
    mixed = [[0, *own[0], *own[1]], [0, 0, 0, 0, 1, 1, 1]]
    assert len(explorer.predict(dict(pictures=mixed))) == 2


def test_later_training_does_not_change_the_answers(small):
    learn = narrow_learner(get_dls(8, 48, small, STATS))
    explorer = TTAExplorer(photos("china"), learn=learn, side=48)
    before = explorer.predict(dict(views=VIEWS[:1]))
    learn.model.train()
    with torch.no_grad():
        for weight in learn.model.parameters():
            weight.mul_(2)
    assert np.array_equal(explorer.predict(dict(views=VIEWS[:1])), before)
    assert all(module.training for module in learn.model.modules())
