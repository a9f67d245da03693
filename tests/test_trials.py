"""Trainings compared over several trials: made-up curves whose answers are known."""

import numpy as np
import pytest
from made_up import KEYS, curves, sizes, toy
from scipy import stats

from lth_utils.studies import statistics, trials


def test_best_reads_each_run_at_its_highest_accuracy_at_its_lowest_loss_and_at_its_end():
    found = trials.summarise_training(curves({"ticket": 0.9}, noise=0), KEYS)
    assert len(found) == 4 and set(found["best_epoch"]) == {5} and set(found["early_epoch"]) == {4}
    np.testing.assert_allclose(
        found[["best_accuracy", "early_accuracy", "final_accuracy"]], [[0.9, 0.8, 0.9]] * 4
    )
    assert set(found["train_loss"]) == {0.2}


def test_means_and_ranges_by_epoch():
    table = curves({"ticket": 0.9, "fresh": 0.7}, seeds=6)
    means = trials.by_epoch(table, KEYS)
    assert len(means) == 10 and set(means["trials"]) == {6}
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
    table = curves({"ticket": 0.9, "worse": 0.88, "same": 0.9}, seeds=6, noise=0.05)
    found = trials.summarise_training(table, KEYS)
    ticket, worse = (
        found[found["variant"] == v].sort_values("seed")["best_accuracy"].to_numpy()
        for v in ("ticket", "worse")
    )
    row = trials.paired_differences(found, ["network", "rounds"]).set_index("variant").loc["worse"]
    expected = stats.ttest_rel(ticket, worse)
    assert row["accuracy_drop"] == pytest.approx((ticket - worse).mean()) and row[
        "p"
    ] == pytest.approx(expected.pvalue)
    ci = expected.confidence_interval(0.95)
    reach = np.array([ci.low - row["accuracy_drop_low"], row["accuracy_drop_high"] - ci.high])
    assert sorted(reach)[0] == pytest.approx(0, abs=1e-9)  # Student's, but where the longer tail is
    assert 0 < sorted(reach)[1] < ci.high - ci.low
    assert row["p_corrected"] >= row["p"]


def test_few_trials_have_a_mean_but_no_interval_and_no_test():
    table = curves({"ticket": 0.9, "worse": 0.88}, seeds=4, noise=0.05)
    found = trials.summarise_training(table, KEYS)
    row = trials.paired_differences(found, ["network", "rounds"]).iloc[0]
    assert row["trials"] == 4 and np.isfinite(row["accuracy_drop"])
    assert row[["accuracy_drop_low", "accuracy_drop_high", "p", "p_corrected"]].isna().all()
    reached = trials.summary(trials.by_epoch(table, KEYS), found, KEYS)
    assert reached["best_accuracy"].notna().all() and reached["best_low"].isna().all()


def test_shares_have_an_exact_interval_and_means_student_s():
    found = trials.mean_by_weights(toy({"iterative": 15}), ["method"], "apart").set_index(
        "available"
    )
    assert (
        tuple(found.loc[50, ["mean", "low", "high"]]) == pytest.approx(statistics.share(15, 20))
        and found.loc[100, "mean"] == 0
    )
    means = trials.mean_by_weights(sizes(0), ["scope", "method"], "accuracy")
    assert set(means["trials"]) == {5} and (means["low"] < means["mean"]).all()
