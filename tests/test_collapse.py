"""Claim 5 as a prediction: the computed number by simulation, tables and figure on made-up runs."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from lth_utils import plots, pruning
from lth_utils.config import run_id
from lth_utils.studies import extension_sweep
from lth_utils.studies.extension_sweep.collapse import log10_output_weights

PARAMETERS = extension_sweep.Parameters(
    collapse={
        "levels": "6, 8, 10, 12",
        "seeds": "0-9",
        "draws": "0-1",
        "gains": [4.0],
        "rates": [0.003],
        "epochs": [30],
    }
)


@pytest.mark.parametrize(
    ("hidden", "left", "gain", "lr", "steps"),
    [(100, 300, 1.0, 1e-3, 0), (300, 400, 2.0, 3e-3, 20_000), (40, 120, 8.0, 1e-3, 5000)],
)
def test_as_many_output_weights_are_left_as_of_weights_drawn_so(hidden, left, gain, lr, steps):
    stream, drift = np.random.default_rng(0), lr**2 * steps
    kept = []
    for _ in range(400):
        first = stream.normal(0, math.sqrt(2 / 4 + drift), 4 * hidden)
        last = stream.normal(0, math.sqrt(gain**2 * 2 / hidden + drift), 2 * hidden)
        every = np.abs(np.concatenate([first, last]))
        threshold = np.sort(every)[-left]
        kept.append((np.abs(last) >= threshold).sum())
    expected = extension_sweep.expected_output_weights(
        (4, hidden, 2), left, gain=gain, lr=lr, steps=steps
    )
    assert expected > 0.5
    error = np.std(kept) / math.sqrt(len(kept))
    assert abs(expected - np.mean(kept)) < 4 * error + 0.02 * expected


def test_what_collapses_the_layer_and_what_saves_it():
    def number(level, **changes):
        shape = pruning.extend((4, 20, 2), 0.32, level)[-1]
        return log10_output_weights(shape, 120, **{"lr": 1e-3, "steps": 5000, **changes})

    by_level = [number(level) for level in range(17)]
    assert (np.diff(by_level) < 0).all()
    assert by_level[0] == pytest.approx(math.log10(40))  # nothing is pruned
    assert number(10, gain=4.0) > number(10) > number(10, gain=0.5)
    assert number(10, lr=3e-3) > number(10) > number(10, steps=500)
    assert number(16, steps=500) < -300  # no float holds it, the logarithm does
    assert extension_sweep.expected_output_weights((4, 9569, 2), 120, steps=0) == 0


def made_up_levels(groups, separates):
    """Level rows of all runs; separates(condition, extension): how many of a draw's ten do."""
    rows = []
    for condition, specs in groups.items():
        place = itertools.count()
        for spec in specs:
            hit = next(place) % 10 < separates(condition, spec.prune.levels)
            for level, word in enumerate(["interconnected", "separated"[: 9 * hit] or "degraded"]):
                row = {"run": run_id(spec), "prune.levels": spec.prune.levels, "level": level}
                seed = dict(spec.data.options)["seed"]
                row |= {"data.seed": seed, "status": word, "epochs": 200 if level else 400}
                rows.append(row)
    return pd.DataFrame(rows)


def by_theory(condition, extension):
    """A share that depends on the computed number alone."""
    gain, lr, _ = condition
    shape = pruning.extend((4, 20, 2), 0.32, extension)[-1]
    steps = 400 * 16
    log10 = log10_output_weights(shape, 120, gain=gain, lr=lr, steps=steps)
    return round(10 / (1 + math.exp((-log10 - 40) / 20)))


@pytest.fixture(scope="module")
def groups():
    return PARAMETERS.collapsing()


@pytest.fixture(scope="module")
def table(groups):
    return extension_sweep.collapse_table(made_up_levels(groups, by_theory), groups)


def test_the_table_counts_runs_and_computes_from_their_specs(groups, table):
    assert len(table) == 4 * 4 and (table["runs"] == 20).all() and (table["draws"] == 2).all()
    assert list(dict.fromkeys(table["condition"])) == [
        "as the thesis",
        "initial output weights × 4",
        "learning rate 0.003",
        "at most 30 epochs",
    ]
    row = table[(table["condition"] == "learning rate 0.003") & (table["extension"] == 10)].iloc[0]
    assert row["separated"] == 2 * by_theory((1.0, 0.003, 3000), 10)
    assert row["share"] == row["separated"] / 20 and row["epochs"] == 400
    expected = log10_output_weights((4, row["width"], 2), 120, lr=0.003, steps=400 * 16)
    assert row["width"] == 946 and row["log10_expected"] == pytest.approx(expected)


def test_half_points_lie_between_the_levels_around_them():
    cells = pd.DataFrame(
        {
            "condition": ["a"] * 5 + ["b"] * 2 + ["c"] * 2,
            "extension": [6, 8, 10, 12, 14, 6, 8, 6, 8],
            "share": [0.4, 0.8, 0.8, 0.5, 0.3, 0.2, 0.9, 0.0, 0.0],
            "log10_expected": [0.0, -1, -2, -3, -5, 0, -1, 0, -1],
        }
    )
    found = extension_sweep.half_points(cells).set_index("condition")
    assert found.loc["a", ["peak", "peak_extension"]].tolist() == [0.8, 10]
    assert found.loc["a", "extension"] == pytest.approx(13)
    assert found.loc["a", "log10_expected"] == pytest.approx(-4)
    assert found.loc[["b", "c"], ["extension", "log10_expected"]].isna().all(axis=None)
    assert found.loc["c", "peak"] == 0


def test_one_curve_is_told_from_scatter(groups, table):
    found = extension_sweep.rank_correlations(table)
    assert found["finding"] == "one curve" and found["computed"] > 0.9 > abs(found["extension"])
    by_level = made_up_levels(groups, lambda _, extension: 13 - extension)
    other = extension_sweep.rank_correlations(extension_sweep.collapse_table(by_level, groups))
    assert other["extension"] == pytest.approx(-1) and other["finding"] == "scatter"
    none = made_up_levels(groups, lambda *_: 0)
    flat = extension_sweep.rank_correlations(extension_sweep.collapse_table(none, groups))
    assert flat["finding"] == "cannot tell" and np.isnan(flat["computed"])


def test_no_runs_make_an_empty_table_and_a_figure_without_lines(groups):
    levels = made_up_levels(groups, by_theory)
    for rows in (levels[:0], levels[levels["prune.levels"] == 6]):
        table = extension_sweep.collapse_table(rows, groups)
        found = extension_sweep.rank_correlations(table)
        figure = plots.layer_collapse(table, found)
        figure.canvas.draw()
        assert len(extension_sweep.half_points(table)) == table["condition"].nunique()
        plt.close(figure)


def test_the_figure_shows_every_share_twice_and_says_what_came_out(table):
    found = extension_sweep.rank_correlations(table)
    figure = plots.layer_collapse(table, found)
    figure.canvas.draw()
    level, number = figure.axes
    lines = {line.get_label(): line for line in level.lines if len(line.get_xdata()) == 4}
    drawn = [line.get_xydata().tolist() for line in number.lines]
    assert len(lines) == len(drawn) == 4
    for condition, rows in table.groupby("condition"):
        np.testing.assert_allclose(lines[condition].get_xdata(), rows["extension"], atol=0.3)
        np.testing.assert_allclose(lines[condition].get_ydata(), rows["share"])
        assert rows[["log10_expected", "share"]].to_numpy().tolist() in drawn
    assert "one curve" in figure.get_suptitle()
    assert "20 networks on 2 draws" in figure.legends[0].get_title().get_text()
