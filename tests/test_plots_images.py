"""Figures of image networks show what the tables say, and the thesis only where it compares."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from lth_utils import plots
from lth_utils.studies import mnist_fashion
from lth_utils.studies.reference import reference

ENDS = {("plain", 0): 0.85, ("plain", 1): 0.8, ("other", 0): 0.93, ("other", 1): None}
"""The accuracy at separation of each method's runs; the last never separates."""


@pytest.fixture(scope="module")
def image_table():
    """Two methods with two runs each; one run separates above its dense network."""
    rows = []
    for (variant, seed), end in ENDS.items():
        last = ("separated", end, 1.0) if end else ("degraded", 0.2, 0.9)
        levels = [("interconnected", 0.9, 0.0), ("interconnected", 0.92, 0.5), last]
        for level, (word, accuracy, share) in enumerate(levels):
            row = {
                "run": f"{variant}-{seed}",
                "base": "8-6-4-4",
                "variant": variant,
                "seed": seed,
                "level": level,
                "status": word,
                "accuracy": accuracy,
                "accuracy_mnist": accuracy,
                "available": 88 // 2**level,
                "active": 80 // 2**level,
                "decided": share,
                "decided_hidden": share,
                "train.loss": "mean",
            }
            rows.append(row)
    return pd.DataFrame(rows)


def stars(ax):
    lines = [line for line in ax.lines if line.get_marker() == "*"]
    return [line.get_xydata().tolist() for line in lines if len(line.get_xydata())]


def test_the_frontier_has_a_star_at_no_shared_unit_and_the_goal_above_the_dense_network(
    image_table,
):
    plain, other = plots.frontier(image_table).axes
    assert sorted(stars(plain)) == [[[0, 0.8]], [[0, 0.85]]]
    assert stars(other) == [[[0, 0.93]]]
    for ax in (plain, other):
        (goal,) = ax.patches
        assert goal.get_y() == pytest.approx(0.9)
        assert goal.get_x() + goal.get_width() < 0 < goal.get_x()
        left, right = ax.get_xlim()
        assert left > 1 and right < 0
    dots = np.concatenate([c.get_offsets() for c in other.collections])
    assert sorted(dots[:, 0].round(6)) == [0, 0.1, 0.5, 0.5, 1, 1]


def green_dots(ax):
    """The horizontal places of the dots of separated networks, by their row."""
    green, found = to_rgb(plots.STATUS_COLOURS["separated"]), {}
    for dots in ax.collections:
        faces = dots.get_facecolor()
        if len(faces) and tuple(faces[0][:3]) == green:
            for x, y in dots.get_offsets():
                found.setdefault(y, []).append(x)
    return {y: sorted(x) for y, x in found.items()}


def test_what_separation_costs_is_counted_from_the_same_run_before_pruning(image_table):
    (ax,) = plots.separation_cost(image_table, mnist_fashion.methods(image_table)).axes
    assert green_dots(ax) == {0: pytest.approx([-10, -5]), 1: pytest.approx([3])}
    assert [t.get_text() for t in ax.texts] == ["2 of 2", "1 of 2"]


@pytest.mark.parametrize(
    ("draw", "name"),
    [(plots.accuracy, "mnist_fashion"), (plots.task_accuracy, "mnist_fashion_taskwise")],
)
def test_the_thesis_is_drawn_beside_networks_of_its_size_only(image_table, draw, name):
    theirs = reference(name)

    def drawn(table):
        words = [t.get_text() for t in draw(table, theirs).legends[0].get_texts()]
        return any("the thesis" in text for text in words)

    assert not drawn(image_table)
    available = image_table["available"] * theirs["unpruned_weights"].max() // 88
    assert drawn(image_table.assign(available=available))


def test_pixels_are_drawn_where_they_are_with_the_thesis_counts_for_images_of_one_size():
    counts = np.arange(2 * 784)
    pixels = pd.DataFrame({"network": "mnist_fashion", "pixel": range(1568)})
    dense = pixels.assign(level=0, available=784, active=784)
    degrees = pd.concat([dense, pixels.assign(level=7, available=counts, active=counts)])
    theirs = reference("input_connectivity")
    figure = plots.input_connectivity(degrees, theirs, (7, 9))
    shown = figure.axes[0].images[0].get_array().filled(np.nan)
    np.testing.assert_array_equal(shown[:28], counts[:784].reshape(28, 28))
    np.testing.assert_array_equal(shown[29:57], counts[784:].reshape(28, 28))
    assert "1567 (1566) pixels" in figure.axes[0].get_title(loc="left")
    assert "stopped" in figure.axes[1].texts[0].get_text()
    small = degrees[degrees["pixel"] < 2 * 14 * 14]
    figure = plots.input_connectivity(small, theirs, (7,))
    assert "(" not in figure.axes[0].get_title(loc="left")
