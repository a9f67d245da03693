"""Notebook 07: sizes that keep the accuracy, verdicts on made-up trials, and the figures."""

import numpy as np
import pandas as pd
import pytest
from made_up import sizes, toy, verdict

from lth_utils import plots
from lth_utils.studies import one_shot_or_iterative, trials
from lth_utils.studies.statistics import mean_interval

TOY = {"iterative": 15, "one-shot": 2}


def halvings(one_shot, iterative, most=8):
    """Trials that keep the accuracy for so many halvings of the network, each one its own."""
    rows = []
    for method, counts in {"iterative": iterative, "one-shot": one_shot}.items():
        for seed, count in enumerate(counts):
            for halved in range(most + 1):
                for scope in ("global", "layer"):
                    accuracy = 0.9 - 0.05 * (halved > count) + 1e-4 * np.sin(seed + halved)
                    rows.append((scope, "early", method, seed, 1024 >> halved, accuracy))
    names = ["scope", "measure", "method", "seed", "available", "accuracy"]
    return pd.DataFrame(rows, columns=names).assign(share=lambda t: t["available"] / 1024)


def at_target(rounds, *accuracies):
    """Accuracies of one number of rounds, a trial each."""
    return pd.DataFrame(
        {"measure": "early", "rounds": rounds, "seed": range(len(accuracies)), "level": rounds}
    ).assign(accuracy=accuracies)


STEPPED = pd.concat([at_target(1, 0.7, 0.7), at_target(4, 0.9, 0.9)])


def verdicts(one_shot, iterative, toys=None, longer=None):
    reached = halvings(one_shot, iterative)
    return one_shot_or_iterative.one_shot(
        one_shot_or_iterative.accuracy_drops(reached, 1024),
        one_shot_or_iterative.sizes(reached),
        toy(TOY) if toys is None else toys,
        STEPPED,
        at_target(1, 0.8, 0.8).assign(epochs="all") if longer is None else longer,
    )


FEW, MANY = [2, 1, 2, 3, 2], [5, 6, 6, 5, 6]


@pytest.mark.parametrize(
    ("one_shot", "iterative", "expected"),
    [
        (FEW, MANY, "agrees"),
        (MANY, FEW, "differs"),
        (FEW, [3, 2, 1, 2, 2], "cannot tell"),
        (FEW[:4], MANY[:4], "cannot tell"),
        (FEW[:1], MANY[:1], "cannot tell"),
    ],
)
def test_verdicts_on_the_size_that_keeps_the_accuracy(one_shot, iterative, expected):
    found = verdicts(one_shot, iterative)[:2]
    assert list(found["verdict"]) == [expected] * 2
    assert set(found["n"]) == {len(one_shot)} and not found["ours"].str.contains("nan").any()


@pytest.mark.parametrize(
    ("iterative", "expected"), [([3, 3, 3, 4, 4], "cannot tell"), ([4, 4, 4, 5, 5], "agrees")]
)
def test_each_size_is_known_to_a_step_of_the_grid_only(iterative, expected):
    """The interval of the ratio alone is above one in both cases."""
    row = verdicts(FEW[:1] * 5, iterative).iloc[0]
    _, low, high = mean_interval(np.array(iterative) - FEW[0])
    assert low > 0 and row["verdict"] == expected
    assert np.log2([row["low"], row["high"]]) == pytest.approx([low - 1, high + 1])


@pytest.mark.parametrize(
    ("count", "runs", "draws", "expected"),
    [
        (10, 20, 1, "agrees"),
        (30, 100, 10, "agrees"),
        (10, 20, 2, "cannot tell"),  # two draws tell little of others
        (2, 20, 2, "cannot tell"),
        (0, 20, 2, "cannot tell"),
        (0, 300, 1, "differs"),
    ],
)
def test_verdicts_on_networks_that_one_shot_pruning_separates(count, runs, draws, expected):
    toys = toy({"iterative": 15, "one-shot": count}, runs, draws)
    row = verdict(verdicts(FEW, MANY, toys), "one-shot pruning separates networks, too")
    assert (row["verdict"], row["n"], row["draws"]) == (expected, runs, draws)
    assert row["ours"].startswith(f"{count} of {runs}, ")


@pytest.mark.parametrize(
    ("once", "expected"),
    [
        ((0.8, 0.81, 0.79, 0.8, 0.8), "agrees"),
        ((0.9, 0.81, 0.99, 0.9, 0.9), "cannot tell"),
        ((0.98, 0.97, 0.96, 0.97, 0.98), "differs"),
        ((0.8, 0.8), "cannot tell"),
    ],
)
def test_verdicts_on_one_round_that_is_trained_as_long_as_many(once, expected):
    """Only the largest number of rounds counts, and differences within trials."""
    many = pd.concat([at_target(1, *[0.7] * len(once)), at_target(4, *[0.9] * len(once))])
    found = one_shot_or_iterative.one_shot(
        one_shot_or_iterative.accuracy_drops(halvings(FEW, MANY), 1024),
        one_shot_or_iterative.sizes(halvings(FEW, MANY)),
        toy(TOY),
        many,
        at_target(1, *once).assign(epochs="all"),
    )
    row = verdict(found, "4 rounds of pruning are more accurate")
    assert (row["verdict"], row["n"]) == (expected, len(once))
    if row["verdict"] != "cannot tell":
        assert row["low"] < 0.9 - np.mean(once) < row["high"]


def test_one_round_gets_as_many_epochs_as_the_most_rounds():
    asked = one_shot_or_iterative.Parameters()
    once, many = asked.steps()[(1,)], asked.steps()[(max(asked.many.rounds),)]
    wanted = (max(asked.many.rounds) + 1) * asked.mnist.epochs
    for (words,), specs in asked.as_long().items():
        before, after = (int(part.split()[0]) for part in words.split(","))
        assert abs(before + after - wanted) <= 1
        assert [spec.seed for spec in specs] == [spec.seed for spec in many]
        for spec, usual in zip(specs, once, strict=True):
            assert spec.train.max_epochs == spec.train.patience == after
            first = spec.variant.found if spec.variant else spec.train
            assert first.max_epochs == before and spec.prune == usual.prune
            if spec.variant:  # of the ticket that the usual training finds
                assert first == usual.train and spec.variant.level == 1


def test_without_one_shot_runs_nothing_is_said_about_them():
    assert not verdicts(FEW, MANY, toy({"random": 1}))["statement"].str.contains("too").any()
    reached = halvings(FEW, MANY)
    drops = one_shot_or_iterative.accuracy_drops(reached, 1024)
    assert "one-shot 2 of 20" in one_shot_or_iterative.one_shot_headline(drops, toy(TOY))


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
        (
            (0.9, 0.94),
            "4 rounds are 4.0 points more accurate than 1 round at equal size, and 2.0 at",
        ),
        ((0.9, 0.8), "No number"),
    ],
)
def test_the_title_over_the_rounds_follows_from_the_means(means, expected):
    found = pd.DataFrame({"measure": "at the end", "rounds": [1, 4], "mean": means, "trials": 5})
    found = found.assign(low=found["mean"] - 0.01, high=found["mean"] + 0.01)
    longer = pd.concat([found[:1], found[:1]]).assign(epochs=["late", "even"], mean=[0.92, 0.5])
    figure = plots.rounds_to_target(found, longer, "a tenth")
    assert figure.get_suptitle().replace("\n", " ").startswith(expected)
    labels = figure.axes[0].get_legend_handles_labels()[1]
    words = "1 round with the epochs of 4 rounds:"
    assert labels == ["at the end", f"{words} late", f"{words} even"]
