"The explorers' colours differ for colour-blind readers, in light and dark, and text is readable."

import re
from itertools import combinations

import numpy as np
import pytest
from browser import static
from skimage.color import deltaE_ciede2000, rgb2lab

FOREGROUNDS = {"light": "#1f2328", "dark": "#e6e8eb"}
BACKGROUNDS = {"light": "#ffffff", "dark": "#16181d"}
MIN_DIFFERENCE = 10  # CIEDE2000; about 2 is just noticeable side by side
MIN_CONTRAST = 4.5  # of text: WCAG 2, level AA

# Simulation of dichromacy in linear RGB: Machado, Oliveira, Fernandes (2009), severity 1.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def rgb(code):
    "Return the channels of #rrggbb, in [0,1]."
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def as_linear(colour):
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def as_srgb(linear):
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def palette(scheme):
    "Return name -> colour of the palette, mixed with the text's colour as the style sheet does."
    pattern = r"--l7-(\w+): color-mix\(in srgb, (#\w{6}) (\d+)%, var\(--l7-fg\)\)"
    found = re.findall(pattern, static("explorer.css"))
    foreground = rgb(FOREGROUNDS[scheme])
    shares = {name: (rgb(code), int(percent) / 100) for name, code, percent in found}
    return {name: s * colour + (1 - s) * foreground for name, (colour, s) in shares.items()}


def seen(colour, vision):
    return as_srgb(np.array(VISION[vision]) @ as_linear(colour))


def contrast(a, b):
    weights = [0.2126, 0.7152, 0.0722]
    low, high = sorted(as_linear(colour) @ weights for colour in (a, b))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", FOREGROUNDS)
@pytest.mark.parametrize("vision", VISION)
def test_colours_differ(scheme, vision):
    colours = palette(scheme)
    assert {"blue", "orange", "green"} <= set(colours)
    for (a, one), (b, other) in combinations(colours.items(), 2):
        labs = [rgb2lab(seen(colour, vision)) for colour in (one, other)]
        assert deltaE_ciede2000(*labs) > MIN_DIFFERENCE, (a, b)


@pytest.mark.parametrize("scheme", FOREGROUNDS)
def test_numbers_in_colour_are_readable(scheme):
    background = rgb(BACKGROUNDS[scheme])
    for name in ("blue", "orange", "green"):
        assert contrast(palette(scheme)[name], background) >= MIN_CONTRAST, name
