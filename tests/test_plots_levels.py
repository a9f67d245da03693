"""Figures of notebook 04, and the marks and titles that it shares with others."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from lth_utils import plots
from lth_utils.plots import theirs as marks
from lth_utils.plots import titles
from lth_utils.studies import outcomes
from lth_utils.studies.reference import reference

TABLES = (
    "separations_by_size_and_levels",
    "grid_width48_active_weights",
    "grid_active_weight_ranges",
)


def made_up(separates, runs=20):
    """A grid of runs; separates: how many of them, by width and number of levels."""
    rows = []
    for width in (31, 48):
        for levels in (1, 2, 3):
            for seed in range(runs):
                apart = seed < separates(width, levels)
                row = {
                    "run": f"{width}-{levels}-{seed}",
                    "base": f"4-{width}-{width}-2",
                    "width": width,
                    "levels": levels,
                    "draw": seed % 2,
                    "rate": 0.5,
                    "active_end": 50 + seed if apart else 90,
                    "available_end": 112,
                    "outcome": "separated" if apart else "interconnected",
                }
                rows.append(row)
    return pd.DataFrame(rows)


def title(figure):
    return figure.get_suptitle().replace("\n", " ")


def drawn(runs):
    return plots.size_or_levels(runs, *map(reference, TABLES))


@pytest.mark.parametrize(
    ("separates", "expected"),
    [
        (lambda width, levels: 20 if width == 48 else 0, "The width matters more"),
        (lambda width, levels: 10 * (levels - 1), "The number of prunings matters more"),
        (lambda width, levels: 0, "None of 120 networks separates"),
    ],
)
def test_the_title_follows_from_the_runs(separates, expected):
    assert title(drawn(made_up(separates))).startswith(expected)


def test_the_heat_map_says_the_share_and_the_pies_theirs():
    figure = drawn(made_up(lambda width, levels: 5 * levels))
    (heat,) = [ax for ax in figure.axes if "percent of 20 runs on 2 draws" in heading(ax)]
    said = [t.get_text() for t in heat.texts]
    assert said.count("25") == said.count("50") == said.count("75") == 2
    table = reference(TABLES[0])
    shown = table[table["hidden_width"].isin((31, 48)) & (table["pruning_levels"] <= 3)]
    wedges = [c for c in heat.collections if to_hex(c.get_facecolor()[0]) == "#000000"]
    assert len(wedges) == (shown["n_separated"] > 0).sum()


def heading(ax):
    return ax.get_title(loc="left")


def test_many_runs_are_quantiles_and_few_are_dots():
    many = drawn(made_up(lambda width, levels: 20))
    few = drawn(made_up(lambda width, levels: 4, runs=4))
    counts = []
    for figure in (many, few):
        (ax,) = [ax for ax in figure.axes if heading(ax).startswith("width 48")]
        faces = [c for c in ax.collections if len(c.get_facecolor())]
        green = [c for c in faces if to_hex(c.get_facecolor()[0]) == "#009e73"]
        dots = [c.get_offsets() for c in green]
        counts.append(sum(map(len, dots)))
    assert counts == [3, 12]


def test_theirs_is_hollow_black_with_the_exact_interval_of_a_share():
    assert marks.exact_share(0, 4)[1:] == (0, pytest.approx(1 - 0.025**0.25))
    figure = plt.figure()
    marks.their_shares(figure.gca(), [1, 2], [4, 1], [4, 4])
    line, _, (bars,) = figure.gca().containers[0]
    assert line.get_markerfacecolor() == "white" and line.get_markeredgecolor() == "black"
    low, high = np.array(bars.get_segments())[0][:, 1]
    assert (low, high) == pytest.approx((0.025**0.25, 1))
    plt.close(figure)


def test_the_share_over_the_width_says_its_thirds_and_its_runs():
    runs = made_up(lambda width, levels: 5 * levels if width == 48 else 0)
    counts = outcomes.by_level(runs[runs["levels"] == 3], ["width"]).assign(draws=2)
    figure = plots.twenty_levels(counts, pd.DataFrame({"width": [48], "separated": [1], "runs": 4}))
    assert "0% of 20 separate" in title(figure) and "75% of 20 separate" in title(figure)
    assert heading(figure.axes[0]) == "20 runs on 2 draws of the points per width"
    assert "the thesis" in figure.legends[0].get_texts()[-1].get_text()


def test_words_of_titles():
    rows = pd.DataFrame({"runs": [100, 4], "draws": [10, 4]})
    assert titles.runs_and_draws(rows) == "4 to 100 runs on 4 to 10 draws of the points"
    assert titles.span([1.0, 1.04]) == "1.0" and titles.listed(["a"]) == "a"
