"A still looks the same whatever the reader's matplotlib is set to."

import warnings

import matplotlib
import pytest
from matplotlib import style

import lesson7
from lesson7 import MixupExplorer, photos
from lesson7.explorers.base import draw_still

NAMES = [name for name in lesson7.__all__ if name.endswith("Explorer")]
READERS_STYLES = {
    "dark_background": "dark_background",
    "large font": {"font.size": 22},
    "TeX": {"text.usetex": True},
    "black lines on black": {"axes.facecolor": "black", "axes.edgecolor": "black"},
    "another size of figure": {"figure.dpi": 300, "savefig.dpi": 300},
}
HOSTILE_NAMES = ["cat 猫", "แมว", "חתול", "\N{CAT}", "$x_1$ & \\frac", "<b>"]


@pytest.mark.parametrize("name", NAMES)
def test_the_readers_style_changes_no_still(name):
    explorer = getattr(lesson7, name)()
    expected = draw_still(explorer.figure)
    for title, settings in READERS_STYLES.items():
        with style.context(settings):
            before = dict(matplotlib.rcParams)
            assert draw_still(explorer.figure) == expected, title
            assert dict(matplotlib.rcParams) == before, title


def test_names_in_any_script_warn_of_no_font():
    images = list(photos().values())[: len(HOSTILE_NAMES)]
    explorer = MixupExplorer(images, labels=HOSTILE_NAMES[: len(images)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert draw_still(explorer.figure)
