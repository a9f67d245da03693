"""Notebook 03: runs as the thesis counts them, and verdicts on made-up tables."""

import numpy as np
import pandas as pd
import pytest
from made_up import cells, family, verdict

from lth_utils import data
from lth_utils.config import PruneSpec, RunSpec, TrainSpec, run_id
from lth_utils.connectivity import OUTCOMES
from lth_utils.runs import sweep
from lth_utils.runs.store import Store
from lth_utils.studies import extension_sweep, outcomes, reference


def test_three_layer_runs_are_read_in_both_ways():
    table = family("4-4-4-4-2", {(1, "separated"): 1, (4, "separated-degraded"): 2})
    read = extension_sweep.readings(table)
    assert set(read["network"]) == {"3", "3mini"}
    assert set(read.query("network == '3mini'")["extension"]) == {1, 4}
    shifted = read.query("network == '3'")
    assert (
        set(shifted["extension"]) == {2} and shifted["available"].min() >= reference.READ_TO
    )  # level 1 would be -1; 1000, 333, 111
    assert (
        outcomes.by_level(outcomes.outcomes(read))
        .query("network == '3'")["separated-degraded"]
        .item()
        == 2
    )


def test_their_tables_fit_ours():
    theirs = reference.theirs_by_level()
    assert (
        set(theirs["network"]) == {"1", "2", "3", "3mini"}
        and (theirs[list(OUTCOMES)].sum(axis=1) == theirs["runs"]).all()
    )
    widths = extension_sweep.trajectories().merge(
        reference.reference("trajectory")
        .astype({"network": str})
        .rename(columns={"extension_level": "extension"}),
        on=["network", "extension"],
        suffixes=("", "_thesis"),
    )
    assert (
        len(widths) > 70
        and (widths["width"] == widths["hidden_width"]).all()
        and (widths["weights"] == widths["weights_thesis"]).all()
    )


def judged(counts, **options):
    table = extension_sweep.readings(family("4-8-8-2", counts, **options))
    runs = outcomes.outcomes(table)
    nothing = pd.DataFrame(columns=["run", "level", "layer"])
    return extension_sweep.extension(outcomes.by_level(runs), runs, table, nothing)


def test_a_claim_that_holds_agrees_and_one_that_fails_differs():
    counts = {(e, "interconnected"): 40 for e in range(7)} | {
        (e, "separated"): 40 for e in range(9, 15)
    }
    good = judged(counts)
    for text in (
        "do not separate below",
        "most two-layer networks separate at each level",
        "do not degrade before",
        "stay between 80 and 120",
    ):
        assert verdict(good, text)["verdict"] == "agrees", text
    bad = judged(
        counts
        | {
            (5, "separated"): 3,
            (8, "degraded"): 1,
            (10, "separated"): 5,
            (10, "interconnected"): 95,
        },
        active=60.0,
    )
    for text in (
        "do not separate below",
        "most two-layer networks separate at each level",
        "do not degrade before",
        "stay between 80 and 120",
    ):
        assert verdict(bad, text)["verdict"] == "differs", text
    assert "chance" in verdict(bad, "do not separate below")["note"]


def test_few_runs_cannot_tell():
    found = judged({(3, "interconnected"): 3, (9, "separated"): 2, (9, "interconnected"): 2})
    for text in (
        "do not separate below",
        "most two-layer networks separate at each level",
        "counts of outcomes",
    ):
        assert verdict(found, text)["verdict"] == "cannot tell", text


def test_counts_that_differ_from_theirs_are_found_in_spite_of_the_correction():
    found = verdict(judged({(e, "separated"): 60 for e in range(26)}), "counts of outcomes")
    assert found["verdict"] == "differs" and found["p"] < 0.05 and "levels 0, 1" in found["ours"]


@pytest.mark.parametrize(("loss", "expected"), [(0.001, "agrees"), (0.05, "differs")])
def test_the_rank_of_separated_losses(loss, expected):
    found = judged({(9, "separated"): 20, (9, "interconnected"): 20}, loss=loss)
    assert verdict(found, "network of any size")["verdict"] == expected


def test_one_layer_networks_and_an_empty_family():
    table = extension_sweep.readings(family("4-20-2", {(14, "separated"): 1, (15, "degraded"): 30}))
    runs = outcomes.outcomes(table)
    found = extension_sweep.extension(
        outcomes.by_level(runs), runs, table[:0], pd.DataFrame(columns=["run", "level", "layer"])
    )
    assert verdict(found, "from extension level 14 on")["verdict"] == "differs"
    assert verdict(found, "do not separate below")["verdict"] == "cannot tell"


def test_variants_are_compared_with_the_thesis_setting():
    runs = pd.concat(
        [
            cells({(48, 9): share}, 60).assign(variant=name)
            for name, share in (("as the thesis", 0.5), ("the same", 0.5), ("another", 0.95))
        ]
    )
    found = extension_sweep.variants(runs).set_index("variant")
    assert (
        found.loc["the same", "p_corrected"] == 1
        and found.loc["another", "p_corrected"] < 0.01
        and np.isnan(found.loc["as the thesis", "p"])
    )


def test_layers_of_a_run_add_up_to_its_table(tmp_path):
    spec = RunSpec(
        data.spec("moons_circles", n_samples=60),
        base=(4, 5, 5, 5, 2),
        prune=PruneSpec(rate=0.4, levels=3, schedule="extension"),
        train=TrainSpec(batch_size=32, patience=2, max_epochs=4),
    )
    results = Store(tmp_path)
    sweep.run([spec], results, device="cpu")
    layers, table = extension_sweep.layers(results, [run_id(spec)]), results.table([spec])
    sums = layers.groupby("level")[["available", "active"]].sum()
    assert list(sums["available"]) == list(table["available"]) and list(sums["active"]) == list(
        table["active"]
    )
    ends = layers.groupby("level").agg(
        first=("decided_inputs", "first"), last=("decided_outputs", "last")
    )
    assert (ends == 1).all().all()  # where a view starts, every neuron is decided
