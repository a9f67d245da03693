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


def test_figures_show_every_variant():
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
