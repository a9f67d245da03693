"""Trainings compared: made-up curves whose answers are known, the verdicts on them, and the figures."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lth_utils import plots
from lth_utils.studies import (
    one_shot_or_iterative,
    reference,
    statistics,
    trials,
    weight_distributions,
)

KEYS = ["network", "variant", "rounds", "available"]


def curves(accuracies, seeds=4, epochs=5, noise=0.001, rounds=6):
    """Runs whose accuracy climbs to its end; the test loss is lowest one epoch before it."""
    rng, rows = np.random.default_rng(0), []
    for variant, top in accuracies.items():
        n, available = (0, 1000) if variant == "full" else (rounds, 100)
        for seed in range(seeds):
            shift = rng.normal(0, noise)
            about = {
                "network": "mnist",
                "variant": variant,
                "rounds": n,
                "available": available,
                "seed": seed,
                "run": f"{variant}-{seed}",
            }
            rows += [
                {
                    **about,
                    "level": 0,
                    "epoch": e,
                    "accuracy": top - 0.1 * (epochs - e) + shift,
                    "loss": 1 + abs(e - (epochs - 1)),
                    "train_loss": 1 / e,
                }
                for e in range(1, epochs + 1)
            ]
    return pd.DataFrame(rows)


def test_best_reads_each_run_at_its_highest_accuracy_at_its_lowest_loss_and_at_its_end():
    found = trials.summarise_training(curves({"ticket": 0.9}, noise=0), KEYS)
    assert len(found) == 4 and set(found["best_epoch"]) == {5} and set(found["early_epoch"]) == {4}
    np.testing.assert_allclose(
        found[["best_accuracy", "early_accuracy", "final_accuracy"]], [[0.9, 0.8, 0.9]] * 4
    )
    assert set(found["train_loss"]) == {0.2}


def test_means_and_ranges_by_epoch():
    table = curves({"ticket": 0.9, "fresh": 0.7})
    means = trials.by_epoch(table, KEYS)
    assert len(means) == 10 and set(means["trials"]) == {4}
    for (variant, epoch), at in table.groupby(["variant", "epoch"]):
        row = means[(means["variant"] == variant) & (means["epoch"] == epoch)].iloc[0]
        assert row["accuracy_mean"] == pytest.approx(at["accuracy"].mean())
        assert (row["accuracy_min"], row["accuracy_max"]) == (
            at["accuracy"].min(),
            at["accuracy"].max(),
        )
    reached = trials.summary(means, trials.summarise_training(table, KEYS), KEYS).set_index(
        "variant"
    )
    assert reached.loc["ticket", "epoch"] == 5 and reached.loc[
        "ticket", "train_loss"
    ] == pytest.approx(0.2)
    assert (
        reached.loc["fresh", "best_low"]
        < reached.loc["fresh", "best_accuracy"]
        < reached.loc["fresh", "best_high"]
    )


def test_losses_are_taken_within_a_trial():
    table = curves({"ticket": 0.9, "worse": 0.88, "same": 0.9}, noise=0.05)
    found = trials.summarise_training(table, KEYS)
    ticket, worse = (
        found[found["variant"] == v].sort_values("seed")["best_accuracy"].to_numpy()
        for v in ("ticket", "worse")
    )
    row = trials.paired_differences(found, ["network", "rounds"]).set_index("variant").loc["worse"]
    expected = stats.ttest_rel(ticket, worse)
    assert row["accuracy_drop"] == pytest.approx((ticket - worse).mean()) and row["p"] == pytest.approx(
        expected.pvalue
    )
    ci = expected.confidence_interval(0.95)
    assert (row["accuracy_drop_low"], row["accuracy_drop_high"]) == pytest.approx((ci.low, ci.high))
    assert row["p_corrected"] >= row["p"]


def test_what_the_course_project_lost_is_computed_from_its_trials():
    value, low, high = weight_distributions.their_accuracy_drop("mnist", "resampled, trained", 10)
    given = (
        reference.reference("weight_distribution_trials")
        .query("dataset == 'mnist' and prune_rounds_n == 10")
        .groupby("variant")
    )
    means = given["max_acc_corrected_pct"].mean() / 100
    assert value == pytest.approx(means["pruned_Dinit"] - means["pruned_Dn"]) and low < value < high
    assert (
        weight_distributions.their_accuracy_drop("mnist", "fresh", 10) is None
        and weight_distributions.their_accuracy_drop("mnist", "resampled, trained", 7) is None
    )


@pytest.mark.parametrize(
    ("resampled", "expected"), [(0.85, "agrees"), (0.95, "differs"), (0.9, "cannot tell")]
)
def test_verdicts_on_the_weights_distribution(resampled, expected):
    names = {
        "full": 0.95,
        "ticket": 0.9,
        "resampled, initial": resampled,
        "fresh": 0.8,
        "signs": 0.9,
    }
    lost = trials.paired_differences(
        trials.summarise_training(curves(names, noise=0.003), KEYS), ["network", "rounds"]
    )
    found = weight_distributions.distributions(lost)
    row = found[found["statement"].str.contains("as its paper says")].iloc[0]
    assert row["verdict"] == expected and row["theirs"] == "not reported" and row["runs"] == 4
    assert "fresh" in weight_distributions.distributions_headline(lost)


def sizes(one_shot, iterative=0.0):
    rows = []
    for scope in ("global", "layer"):
        for method, drop in (
            ("iterative", iterative),
            ("one-shot", one_shot),
            ("fresh initialisation", 0.1),
        ):
            for available in (1000, 90, 40):
                rows += [
                    {
                        "scope": scope,
                        "method": method,
                        "available": available,
                        "seed": s,
                        "run": f"{scope}{method}{s}",
                        "level": 0,
                        "early_accuracy": 0.9
                        - drop * (available < 1000)
                        + 0.001 * np.sin(s + available + len(method)),
                        "final_accuracy": 0.8,
                    }
                    for s in range(5)
                ]
    return trials.melt_accuracies(pd.DataFrame(rows), {"early_accuracy": "early"}).assign(
        share=lambda t: t["available"] / 1000
    )


def toy(counts, runs=20):
    return pd.DataFrame(
        [
            {
                "method": method,
                "run": f"{method}{n}",
                "available": a,
                "apart": bool(a == 50 and n < k),
            }
            for method, k in counts.items()
            for n in range(runs)
            for a in (100, 50)
        ]
    )


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
    """From the dense network down: what lies beyond a lost point does not count, whatever is reached there."""
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


def test_shares_have_wilson_s_interval_and_means_student_s():
    found = trials.mean_by_weights(toy({"iterative": 15}), ["method"], "apart").set_index(
        "available"
    )
    assert (
        tuple(found.loc[50, ["mean", "low", "high"]]) == pytest.approx(statistics.share(15, 20))
        and found.loc[100, "mean"] == 0
    )
    means = trials.mean_by_weights(sizes(0), ["scope", "method"], "accuracy")
    assert set(means["trials"]) == {5} and (means["low"] < means["mean"]).all()


def test_histograms_are_densities_of_what_lies_inside():
    weights = {("a", 1): [np.array([-0.5, 0.5, 0.5, 3.0]), np.array([0.5] * 4)]}
    found = weight_distributions.histograms(weights, ["name", "n"], np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_allclose(found["density"], [0.125, 0.75])
    moments = weight_distributions.moments(weights, ["name", "n"]).iloc[0]
    assert (
        moments["weights"] == 4
        and moments["abs_min"] == 0.5
        and moments["share_positive"] == pytest.approx(0.875)
    )


def test_figures_show_every_variant_and_method():
    table = curves(
        {
            "full": 0.95,
            "ticket": 0.9,
            "resampled, trained": 0.88,
            "resampled, initial": 0.87,
            "fresh": 0.8,
            "signs": 0.9,
        }
    )
    means, found = trials.by_epoch(table, KEYS), trials.summarise_training(table, KEYS)
    figure = plots.training_curves(means, reference.reference("weight_distribution_curves"))
    legends = [{t.get_text() for t in ax.get_legend().get_texts()} for ax in figure.axes]
    assert legends[:3] == [
        {"full", "ticket", "resampled, trained"},
        {"full", "ticket", "resampled, initial"},
        {"full", "ticket", "fresh", "signs"},
    ]
    reached = trials.summary(means, found, KEYS)
    labels = [
        t.get_text()
        for t in plots.summary(reached, reference.reference("weight_distribution_runs"))
        .axes[0]
        .get_yticklabels()
    ]
    assert labels == list(reached["variant"])
    figure = plots.one_shot_or_iterative(
        trials.mean_by_weights(sizes(0.05), ["measure", "scope", "method", "share"], "accuracy")
    )
    assert (
        len(figure.axes) == 2
        and figure.axes[0].get_title(loc="left") == "smallest of the whole network"
    )
    figure = plots.one_shot_separation(
        trials.mean_by_weights(toy({"iterative": 15, "one-shot": 2}), ["method"], "apart")
    )
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    np.testing.assert_allclose(lines["iterative"], [0, 0.75])
