"""The colours of the figures: colour-blind readers can tell them apart, each has one meaning."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lth_utils import plots

# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB
DEFICIENCIES = {
    "none": np.eye(3),
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
LAB = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def as_lab(colour, matrix):
    """A colour as a reader with this deficiency sees it, in CIELAB."""
    srgb = np.array(to_rgb(colour))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(matrix) @ linear, 0, 1)
    xyz = LAB @ seen / [0.95047, 1, 1.08883]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize(
    "colours",
    [
        plots.STATE_COLOURS.values(),
        plots.STATUS_COLOURS.values(),
        plots.TASK_COLOURS[:2],
        plots.TRIAL_COLOURS.values(),
    ],
    ids=["states", "statuses", "tasks", "trials"],
)
@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_colours_of_one_figure_can_be_told_apart(colours, deficiency):
    matrix = DEFICIENCIES[deficiency]
    for a, b in itertools.combinations(colours, 2):
        assert np.linalg.norm(as_lab(a, matrix) - as_lab(b, matrix)) > 10, (a, b)


def test_every_colour_has_one_meaning():
    used = [
        *plots.STATE_COLOURS.values(),
        *plots.STATUS_COLOURS.values(),
        *plots.TASK_COLOURS,
        *plots.TRIAL_COLOURS.values(),
    ]
    assert len(set(used)) == len(used)
