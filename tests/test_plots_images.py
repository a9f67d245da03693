"""Figures of image networks show what the tables say, and the thesis only where it compares."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from lth_utils import plots
from lth_utils.studies import mnist_fashion, trials
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


def title(figure):
    return figure.get_suptitle().replace("\n", " ")


def test_the_frontier_is_measured_from_the_best_level_of_each_run(image_table):
    costs = mnist_fashion.separation_costs(image_table, {})
    figure = plots.frontier(image_table, costs)
    plain, other = figure.axes
    assert sorted(stars(plain)) == [
        [[0, pytest.approx(-12)]],
        [[0, pytest.approx(-7)]],
    ]
    assert stars(other) == [[[0, 0]]]
    assert "1 of 3 separated networks are within 1 point" in title(figure)
    for ax in (plain, other):
        left, right = ax.get_xlim()
        assert left > 1 and right < 0
    dots = np.concatenate([c.get_offsets() for c in other.collections if len(c.get_offsets())])
    assert {0, 0.1, 0.5, 1} == {float(x) for x in dots[:, 0].round(6)}


def dots_of(ax, colour):
    """The horizontal places of the dots of a colour, by their row."""
    found = {}
    for dots in ax.collections:
        faces = dots.get_facecolor()
        if len(faces) and tuple(faces[0]) == pytest.approx((*to_rgb(colour), 1)):
            for x, y in dots.get_offsets():
                found.setdefault(y, []).append(x)
    return {y: sorted(x) for y, x in found.items()}


def test_what_separation_costs_is_counted_from_the_best_level_of_the_same_run(image_table):
    costs = mnist_fashion.separation_costs(image_table, {})
    assert list(costs["peak"]) == [0.92, 0.92, 0.93, 0.92]
    theirs = reference("mnist_fashion")
    figure = plots.separation_cost(costs, mnist_fashion.mean_costs(costs), theirs)
    (ax,) = figure.axes
    green = dots_of(ax, plots.STATUS_COLOURS["separated"])
    assert green == {0: pytest.approx([-12, -7]), 1: pytest.approx([0])}
    assert [t.get_text() for t in ax.texts] == ["2 of 2", "1 of 2", "3 of 3"]
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert len(hollow) == 1 and len(hollow[0].get_xdata()) == 3


def test_seeds_by_which_a_way_was_chosen_are_not_quoted(image_table):
    more = [image_table.assign(seed=n, run=image_table["run"] + f"-{n}") for n in range(5)]
    table = pd.concat(more).assign(run=lambda rows: rows["run"])
    costs = mnist_fashion.separation_costs(table, {"other": "8-6-4-4"})
    quoted = costs.groupby("variant")["quoted"].sum()
    assert dict(quoted) == {"other": 4, "plain": 10}
    assert mnist_fashion.separation_costs(table, {"other": "1-1"})["quoted"].all()
    means = mnist_fashion.mean_costs(costs).set_index("variant")
    assert means.loc["other", "left_out"] == 6 and means.loc["other", "separated"] == 2
    assert means.loc["other", "cost"] == pytest.approx(0)
    figure = plots.separation_cost(costs, means.reset_index(), reference("mnist_fashion"))
    assert "2 of 4 (+6)" in [t.get_text() for t in figure.axes[0].texts]


@pytest.mark.parametrize(
    ("moved", "expected"),
    [(-0.02, "within it: changed (1 of 1 change)"), (0.0, "none of 1 change")],
)
def test_a_change_that_brings_dense_networks_within_the_thesis_range_is_named(moved, expected):
    rows = []
    for variant, shift in (("as above", 0), ("changed", moved)):
        for seed in range(4):
            mean = 0.9 + shift + seed / 1000
            row = {"variant": variant, "base": "4-2", "available": 10, "accuracy": mean}
            rows.append(row | {"accuracy_mnist": mean + 0.05, "accuracy_fashion": mean - 0.05})
    words = {"accuracy": "mean", "accuracy_mnist": "mnist", "accuracy_fashion": "fashion"}
    dense = trials.melt_accuracies(pd.DataFrame(rows), words)
    means = trials.mean_by_weights(dense, ["measure", "variant"], "accuracy")
    given = reference("mnist_fashion"), reference("mnist_fashion_taskwise")
    figure = plots.accuracy_differences(dense, means, *given)
    assert expected in title(figure)
    for ax in figure.axes:
        (hollow,) = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
        assert len(hollow.get_xdata()) == 3


def test_the_gap_to_the_thesis_is_drawn_and_said(image_table):
    theirs = reference("mnist_fashion")
    first = theirs[theirs["pruning_level"] < 3]
    weights = sorted(set(first["unpruned_weights"]), reverse=True)
    table = image_table.assign(available=image_table["level"].map(dict(enumerate(weights))))
    figure = plots.accuracy(table, theirs)
    gaps = figure.axes[1].lines[0].get_ydata()
    mean = first.loc[first["pruning_level"] == 0, "mean_accuracy"].mean()
    assert gaps[0] == pytest.approx(100 * (0.9 - mean))
    assert "at 2 of 3 sizes" in title(figure)


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
    figure = plots.input_connectivity(degrees, theirs, (0, 7, 9))
    first, second = figure.axes[:2]
    shown = second.images[0].get_array()
    np.testing.assert_array_equal(shown[:28].filled(0), counts[:784].reshape(28, 28))
    np.testing.assert_array_equal(shown[29:].filled(0), counts[784:].reshape(28, 28))
    assert first.images[0].norm is second.images[0].norm
    heading = second.get_title(loc="left")
    assert "1567 (1566) pixels" in heading and "level 7, its last" in heading
    assert "mnist beside fashion 100% / 100%" in title(figure)
    small = degrees[degrees["pixel"] < 2 * 14 * 14]
    figure = plots.input_connectivity(small, theirs, (7,))
    assert "(" not in figure.axes[0].get_title(loc="left")


def test_the_title_of_the_pixels_counts_border_and_rest():
    inside = np.zeros((28, 28), int)
    inside[3:-3, 3:-3] = 2
    inside[3, 3] = 0
    rows = {"network": "mnist", "level": 0, "pixel": range(784), "available": 2}
    degrees = pd.DataFrame({**rows, "active": inside.ravel()})
    figure = plots.input_connectivity(degrees, reference("input_connectivity"), (0,))
    assert "mnist 0% / 100%" in title(figure)
    degrees["active"] = np.where(inside.ravel() == 0, 1, 0)
    figure = plots.input_connectivity(degrees, reference("input_connectivity"), (0,))
    assert "mnist 100% / 0%" in title(figure)
