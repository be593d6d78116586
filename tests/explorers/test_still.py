"The reader's matplotlib settings do not change a still."

import warnings

import matplotlib
import pytest
from explorer_examples import NAMES
from matplotlib import style

import lesson7
from lesson7 import MixupExplorer, photos
from lesson7.explorers.base import draw_still

READERS_STYLES = {
    "dark_background": "dark_background",
    "large font": {"font.size": 22},
    "TeX": {"text.usetex": True},
    "black lines on black": {"axes.facecolor": "black", "axes.edgecolor": "black"},
    "another size of figure": {"figure.dpi": 300, "savefig.dpi": 300},
}
NAMES_IN_SCRIPTS = ["cat 猫", "แมว", "חתול", "\N{CAT}", "$x_1$ & \\frac", "<b>"]


ALL_STYLES = list(READERS_STYLES)


def still_parameters():
    "One explorer has all styles of a reader, the others have one; all of both in `make long`."
    first, *others = NAMES
    found = [(first, ALL_STYLES)]
    for name in others:
        found.append((name, ["large font"]))
        found.append(pytest.param(name, ALL_STYLES, marks=pytest.mark.long))
    return found


@pytest.mark.parametrize("name, titles", still_parameters())
def test_style_of_the_reader_does_not_change_a_still(name, titles):
    explorer = getattr(lesson7, name)()
    expected = draw_still(explorer.figure)
    for title in titles:
        with style.context(READERS_STYLES[title]):
            before = dict(matplotlib.rcParams)
            assert draw_still(explorer.figure) == expected, title
            assert dict(matplotlib.rcParams) == before, title


def test_names_in_any_script_have_a_font():
    images = list(photos().values())[: len(NAMES_IN_SCRIPTS)]
    explorer = MixupExplorer(images, labels=NAMES_IN_SCRIPTS[: len(images)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert draw_still(explorer.figure)
