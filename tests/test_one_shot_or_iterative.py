"""Notebook 07: sizes that keep the accuracy, verdicts on made-up trials, and the figures."""

import numpy as np
import pandas as pd
import pytest
from made_up import sizes, toy

from lth_utils import plots
from lth_utils.studies import one_shot_or_iterative, trials


@pytest.mark.parametrize(
    ("one_shot", "iterative", "expected"),
    [(0.05, 0, "agrees"), (0, 0.05, "differs"), (0, 0, "cannot tell"), (0.05, 0.05, "cannot tell")],
)
def test_verdicts_on_one_shot_pruning(one_shot, iterative, expected):
    reached = sizes(one_shot, iterative)
    lost = trials.paired_differences(
        reached[reached["available"] < 1000],
        ["scope", "measure", "share"],
        "method",
        "iterative",
        "accuracy",
    )
    smallest = one_shot_or_iterative.smallest_lossless_share(
        reached, ["scope", "measure", "method"]
    )
    found = one_shot_or_iterative.one_shot(lost, smallest, toy({"iterative": 15, "one-shot": 2}))
    assert list(found["verdict"][:2]) == [expected] * 2
    assert (
        "2 of 20" in found["ours"].iloc[2]
        and "15 of 20" in found["ours"].iloc[2]
        and found["p"].iloc[2] < 0.001
    )
    assert "one-shot 2 of 20" in one_shot_or_iterative.one_shot_headline(
        lost, toy({"iterative": 15, "one-shot": 2})
    )
    alone = one_shot_or_iterative.one_shot(
        lost, smallest[smallest["seed"] == 0], toy({"random": 1})
    )
    assert list(alone["verdict"]) == ["cannot tell"] * 2 and "nan" not in alone["ours"].iloc[0]


def test_the_smallest_size_that_keeps_the_accuracy():
    """From the dense network down; what lies beyond a lost point does not count."""
    reached = pd.DataFrame(
        {
            "method": "iterative",
            "seed": [0] * 4 + [1] * 4,
            "share": [0.5, 1, 0.1, 0.2] * 2,
            "accuracy": [0.895, 0.9, 0.9, 0.8, 0.5, 0.9, 0.9, 0.9],
        }
    )
    assert list(one_shot_or_iterative.smallest_lossless_share(reached, ["method"])["share"]) == [
        0.5,
        1,
    ]
    assert list(
        one_shot_or_iterative.smallest_lossless_share(reached, ["method"], within=0.2)["share"]
    ) == [0.1, 1]


def test_figures_show_every_method():
    figure = plots.one_shot_or_iterative(
        trials.mean_by_weights(sizes(0.05), ["measure", "scope", "method", "share"], "accuracy")
    )
    assert len(figure.axes) == 2
    heading = figure.axes[0].get_title(loc="left")
    assert heading.startswith("smallest of the whole network") and heading.endswith("trials")
    assert "gain at most 5.0 points" in figure.get_suptitle().replace("\n", " ")
    found = trials.mean_by_weights(toy({"iterative": 15, "one-shot": 2}), ["method"], "apart")
    figure = plots.one_shot_separation(found, draws=2)
    assert "75% iterative and 10% one-shot" in figure.get_suptitle().replace("\n", " ")
    assert "20 runs for each way on 2 draws" in figure.axes[0].get_title(loc="left")
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    np.testing.assert_allclose(lines["iterative"], [0, 0.75])


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ((0.9, 0.94), "4 rounds are 4.0 points more accurate than 1 round"),
        ((0.9, 0.8), "No number"),
    ],
)
def test_the_title_over_the_rounds_follows_from_the_means(means, expected):
    found = pd.DataFrame({"measure": "at the end", "rounds": [1, 4], "mean": means, "trials": 5})
    found = found.assign(low=found["mean"] - 0.01, high=found["mean"] + 0.01)
    figure = plots.rounds_to_target(found, "a tenth")
    assert figure.get_suptitle().replace("\n", " ").startswith(expected)
