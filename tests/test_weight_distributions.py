"""Notebook 06: the weights that survive, verdicts on made-up trials, and the figures."""

import numpy as np
import pytest
from made_up import KEYS, curves

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
