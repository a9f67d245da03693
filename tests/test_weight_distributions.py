"""Notebook 06: the weights that survive, verdicts on made-up trials, and the figures."""

import numpy as np
import pandas as pd
import pytest
from made_up import KEYS, curves, verdict

from lth_utils import plots
from lth_utils.studies import reference, trials, weight_distributions


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


STATEMENTS = weight_distributions.verdicts.STATEMENTS


REPORTED = ("resampled, trained", "remasked, trained")
"""What the course project has trials of."""


def lost(drops, n=8, network="mnist", spread=0.001):
    """Differences of trials, by variant and rounds; those of a variant lie around its drop."""
    rows, ticket = [], 0.9
    for variant, by_rounds in {"ticket": dict.fromkeys((6, 10), 0.0), **drops}.items():
        for rounds, drop in by_rounds.items():
            for seed, z in enumerate(np.linspace(-1, 1, n)):
                reached = ticket - drop - spread * z * (variant != "ticket")
                rows.append((network, rounds, variant, seed, reached))
    names = ["network", "rounds", "variant", "seed", "best_accuracy"]
    return trials.paired_differences(pd.DataFrame(rows, columns=names), ["network", "rounds"])


def both(drop, later=None):
    return {6: drop, 10: drop if later is None else later}


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize(
    ("drop", "n", "expected"),
    [
        (both(0.01), 8, "agrees"),
        (both(-0.01), 8, "differs"),
        (both(0.01, -0.01), 8, "differs"),
        (both(0.0), 8, "cannot tell"),
        (both(0.01, 0.0), 8, "cannot tell"),
        (both(0.01), 7, "cannot tell"),
    ],
)
def test_every_variant_loses_gains_or_is_left_open(name, drop, n, expected):
    (row,) = weight_distributions.distributions(lost({name: drop}, n)).itertuples()
    assert row.statement == f"{STATEMENTS[name]} (mnist)"
    assert (row.verdict, row.n, row.draws) == (expected, n, 1)
    assert ("decide nothing" in row.note) == (n < 8)
    assert (row.theirs == "not reported") == (
        name not in ("resampled, trained", "remasked, trained")
    )


def test_verdicts_follow_from_curves():
    names = {"full": 0.95, "ticket": 0.9, "resampled, initial": 0.85, "fresh": 0.8, "signs": 0.898}
    names["remasked, initial"] = 0.93
    trained = trials.summarise_training(curves(names, seeds=8, noise=0.003), KEYS)
    drops = trials.paired_differences(trained, ["network", "rounds"])
    found = weight_distributions.distributions(drops)
    words = {}
    for name in names:
        for row in found[found["statement"] == f"{STATEMENTS.get(name)} (mnist)"].itertuples():
            words[name] = row.verdict
    assert words == {
        "resampled, initial": "agrees",
        "fresh": "agrees",
        "signs": "cannot tell",
        "remasked, initial": "differs",
    }
    assert "fresh" in weight_distributions.distributions_headline(drops)


def test_three_trials_on_cifar_decide_nothing_however_large_the_loss():
    drops = lost({name: both(0.1) for name in STATEMENTS}, 3, "cifar10")
    found = weight_distributions.distributions(drops)
    assert len(found) == len(STATEMENTS) and set(found["verdict"]) == {"cannot tell"}
    assert found["note"].str.contains("fewer than 8 trials decide nothing").all()
    assert not found["ours"].str.contains("nan").any() and found["low"].isna().all()


@pytest.mark.parametrize(("others", "expected"), [(False, "agrees"), (True, "cannot tell")])
def test_the_corrected_p_decides(others, expected):
    """The interval is without zero either way; of many tests one is bound to be so."""
    spread = 0.001
    error = np.linspace(-spread, spread, 8).std(ddof=1) / np.sqrt(8)
    drops = {"fresh": {10: 3 * error}}
    if others:
        drops |= {name: {10: 0.0} for name in STATEMENTS if name != "fresh"}
    found = weight_distributions.distributions(lost(drops, spread=spread))
    row = verdict(found, STATEMENTS["fresh"])
    assert row["low"] > 0 and row["p"] == pytest.approx(0.02, abs=0.001)
    assert row["p_corrected"] == pytest.approx(row["p"] * (6 if others else 1))
    assert row["verdict"] == expected


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


def theirs_in(line):
    return line.get_markerfacecolor() == "white" and line.get_markeredgecolor() == "black"


def test_the_title_of_the_losses_counts_the_jumps_of_the_full_network():
    table = curves({"full": 0.95, "ticket": 0.9})
    calm = trials.by_epoch(table, KEYS)
    last = (calm["variant"] == "full") & (calm["epoch"] == calm["epoch"].max())
    calm["train_loss_max"] = 0.1
    jumped = calm.assign(train_loss_max=calm["train_loss_max"].where(~last, 0.31))
    for means, count in ((calm, 0), (jumped, 1)):
        figure = plots.training_curves(means, reference.reference("weight_distribution_curves"))
        assert f"in {count} of" in figure.axes[-1].get_title(loc="left").replace("\n", " ")


def test_the_title_of_the_weights_is_the_ratio_of_their_widths():
    weights = {("mnist", 6, "initial"): [np.array([-1.0, 1.0])]}
    weights["mnist", 6, "trained"] = [np.array([-2.5, 2.5])]
    names = ["network", "rounds", "reading"]
    found = weight_distributions.histograms(weights, names, np.linspace(-3, 3, 7))
    moments = weight_distributions.moments(weights, names)
    stats = reference.reference("weight_distribution_stats")
    figure = plots.weight_histograms(found, stats, moments, 1)
    assert "2.5 times" in figure.get_suptitle()
    assert sum(theirs_in(line) for line in figure.axes[0].lines) == 2
    assert "2 weights" in figure.axes[0].get_title(loc="left")


def test_figures_show_every_variant():
    table = curves(
        {
            "full": 0.95,
            "ticket": 0.9,
            "resampled, trained": 0.88,
            "resampled, initial": 0.87,
            "fresh": 0.8,
            "signs": 0.9,
        },
        noise=0,
    )
    means, found = trials.by_epoch(table, KEYS), trials.summarise_training(table, KEYS)
    figure = plots.training_curves(means, reference.reference("weight_distribution_curves"))
    words = [t.get_text() for t in figure.legends[0].get_texts()]
    assert [word.partition(":")[0] for word in words] == [
        "full",
        "ticket",
        "resampled",
        "fresh",
        "signs",
        "losses",
        "theirs, same markers, corrected",
    ]
    accuracies, losses = figure.axes
    hollow = [ax for ax in figure.axes if any(theirs_in(line) for line in ax.lines)]
    assert hollow == [accuracies, losses]
    title = figure.get_suptitle().replace("\n", " ")
    assert "drawn anew -2.0" in title and "fresh -10.0" in title and "signs alone 0.0" in title
    reached = trials.summary(means, found, KEYS)
    labels = [
        t.get_text()
        for t in plots.summary(reached, reference.reference("weight_distribution_runs"))
        .axes[0]
        .get_yticklabels()
    ]
    assert labels == list(reached["variant"])
