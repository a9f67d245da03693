"""Theirs and ours: how runs are counted, how counts are compared, and what the verdicts say of made-up tables whose answer is known."""
import itertools

import numpy as np
import pandas as pd
import pytest

from lth_utils import claims, data, sweep, verdicts
from lth_utils.config import PruneSpec, RunSpec, TrainSpec, run_id
from lth_utils.connectivity import OUTCOMES, outcome
from lth_utils.store import Store

STORY = {"interconnected": ["interconnected"] * 3, "separated": ["interconnected", "separated", "separated"],
         "separated-degraded": ["interconnected", "separated", "degraded"], "degraded": ["interconnected", "degraded"]}


def family(base, counts, active=100.0, loss=0.003):
    """Level rows of runs with known outcomes: counts maps (extension level, outcome) to a number of runs."""
    rows, seed = [], itertools.count()
    for (extension, word), n in counts.items():
        for _ in range(n):
            s = next(seed)
            for level, status in enumerate(STORY[word]):
                rows.append({"run": f"{base}-{extension}-{s}", "base": base, "prune.levels": extension, "seed": s, "level": level,
                             "available": 1000 // 3**level, "active": active, "status": status, "accuracy": 0.99,
                             "loss": loss if status == "separated" else 0.01})
    return pd.DataFrame(rows)


def test_outcomes_are_those_of_the_statuses():
    table = family("4-8-8-2", {(7, w): n for n, w in enumerate(STORY, start=1)})
    found = claims.outcomes(table).set_index("run")
    for run, rows in table.groupby("run"):
        assert found.loc[run, "outcome"] == outcome(list(rows["status"]))
        assert found.loc[run, "available_end"] == rows["available"].iloc[-1]
        assert (found.loc[run, "level"] == 1) if "separated" in set(rows["status"]) else pd.isna(found.loc[run, "level"])


def test_three_layer_runs_are_read_in_both_ways():
    table = family("4-4-4-4-2", {(1, "separated"): 1, (4, "separated-degraded"): 2})
    read = claims.readings(table)
    assert set(read["network"]) == {"3", "3mini"}
    assert set(read.query("network == '3mini'")["extension"]) == {1, 4}
    shifted = read.query("network == '3'")
    assert set(shifted["extension"]) == {2} and shifted["available"].min() >= claims.READ_TO     # level 1 would be -1; 1000, 333, 111
    assert claims.by_level(claims.outcomes(read)).query("network == '3'")["separated-degraded"].item() == 2


def test_counts_by_level_and_their_interval():
    table = family("4-8-8-2", {(7, "interconnected"): 3, (7, "separated"): 1, (9, "separated"): 2, (9, "separated-degraded"): 2})
    levels = claims.by_level(claims.outcomes(claims.readings(table))).set_index("extension")
    assert list(levels["runs"]) == [4, 4] and list(levels["share"]) == [0.25, 1.0]
    assert levels.loc[7, "share_low"] == pytest.approx(claims.share(1, 4)[1])


def test_their_tables_fit_ours():
    theirs = claims.theirs_by_level()
    assert set(theirs["network"]) == {"1", "2", "3", "3mini"} and (theirs[list(OUTCOMES)].sum(axis=1) == theirs["runs"]).all()
    widths = claims.trajectories().merge(claims.reference("trajectory").astype({"network": str}).rename(columns={"extension_level": "extension"}),
                                         on=["network", "extension"], suffixes=("", "_thesis"))
    assert len(widths) > 70 and (widths["width"] == widths["hidden_width"]).all() and (widths["weights"] == widths["weights_thesis"]).all()


def test_exact_test_is_fishers_where_there_are_two_columns():
    from scipy.stats import fisher_exact
    rng = np.random.default_rng(0)
    for _ in range(60):
        a, b = rng.integers(0, 9, 2), rng.integers(0, 9, 2)
        if a.sum() and b.sum():
            assert claims.exact(a, b) == pytest.approx(fisher_exact([a, b]).pvalue, abs=1e-9)


def test_exact_test_with_more_columns_is_that_of_all_relabellings():
    ours, theirs = [3, 1, 0], [0, 2, 2]
    labels = np.repeat(range(3), np.add(ours, theirs))
    counts = [np.bincount(labels[list(pick)], minlength=3) for pick in itertools.combinations(range(8), 4)]
    tables, frequency = np.unique(counts, axis=0, return_counts=True)
    seen = frequency[(tables == theirs).all(1)].item()
    assert claims.exact(ours, theirs) == pytest.approx(frequency[frequency <= seen].sum() / frequency.sum())
    assert claims.exact([50, 50, 0], [2, 2, 0]) == pytest.approx(1)


def test_holm_never_lowers_a_p_value_and_keeps_their_order():
    p = np.random.default_rng(0).random(30) ** 3
    corrected = claims.holm(p)
    assert (corrected >= p).all() and (np.diff(corrected[np.argsort(p)]) >= 0).all() and corrected.max() <= 1
    assert corrected.min() == pytest.approx(min(1, 30 * p.min()))


def judged(counts, **options):
    table = claims.readings(family("4-8-8-2", counts, **options))
    runs = claims.outcomes(table)
    nothing = pd.DataFrame(columns=["run", "level", "layer"])
    return verdicts.extension(claims.by_level(runs), runs, table, nothing)


def verdict(found, text):
    return found[found["statement"].str.contains(text, regex=False)].iloc[0]


def test_a_claim_that_holds_agrees_and_one_that_fails_differs():
    counts = {(e, "interconnected"): 40 for e in range(7)} | {(e, "separated"): 40 for e in range(9, 15)}
    good = judged(counts)
    for text in ("do not separate below", "most two-layer networks separate at each level", "do not degrade before", "stay between 80 and 120"):
        assert verdict(good, text)["verdict"] == "agrees", text
    bad = judged(counts | {(5, "separated"): 3, (8, "degraded"): 1, (10, "separated"): 5, (10, "interconnected"): 95}, active=60.0)
    for text in ("do not separate below", "most two-layer networks separate at each level", "do not degrade before", "stay between 80 and 120"):
        assert verdict(bad, text)["verdict"] == "differs", text
    assert "chance" in verdict(bad, "do not separate below")["note"]


def test_few_runs_cannot_tell():
    found = judged({(3, "interconnected"): 3, (9, "separated"): 2, (9, "interconnected"): 2})
    for text in ("do not separate below", "most two-layer networks separate at each level", "counts of outcomes"):
        assert verdict(found, text)["verdict"] == "cannot tell", text


def test_counts_that_differ_from_theirs_are_found_in_spite_of_the_correction():
    found = verdict(judged({(e, "separated"): 60 for e in range(26)}), "counts of outcomes")
    assert found["verdict"] == "differs" and found["p"] < 0.05 and "levels 0, 1" in found["ours"]


@pytest.mark.parametrize(("loss", "expected"), [(0.001, "agrees"), (0.05, "differs")])
def test_the_rank_of_separated_losses(loss, expected):
    found = judged({(9, "separated"): 20, (9, "interconnected"): 20}, loss=loss)
    assert verdict(found, "network of any size")["verdict"] == expected


def test_one_layer_networks_and_an_empty_family():
    table = claims.readings(family("4-20-2", {(14, "separated"): 1, (15, "degraded"): 30}))
    runs = claims.outcomes(table)
    found = verdicts.extension(claims.by_level(runs), runs, table[:0], pd.DataFrame(columns=["run", "level", "layer"]))
    assert verdict(found, "from extension level 14 on")["verdict"] == "differs"
    assert verdict(found, "do not separate below")["verdict"] == "cannot tell"


def cells(shares, seeds=20):
    rows = [{"run": f"{w}-{n}-{s}", "width": w, "levels": n, "outcome": "separated" if s < round(share * seeds) else "interconnected"}
            for (w, n), share in shares.items() for s in range(seeds)]
    table = pd.DataFrame(rows)
    weights = 6 * table["width"] + table["width"] ** 2
    return table.assign(rate=1 - (112 / weights) ** (1 / table["levels"]))


def test_verdicts_on_the_grid():
    theirs = claims.reference("separations_by_size_and_levels")
    grid = {(w, n): (0.0 if w < 48 else 0.9) for w in (31, 38, 48, 57) for n in range(3, 11)}
    found = verdicts.pruning_levels(cells(grid), theirs)
    for text in ("width 31 never", "width 38 never", "width 48 does", "rates below 0.41", "largest rate"):
        assert verdict(found, text)["verdict"] == "agrees", text
    found = verdicts.pruning_levels(cells(grid | {(38, 10): 0.3, (48, 8): 0.0, (48, 1): 0.2, (57, 10): 0.0}), theirs)
    for text in ("width 38 never", "rates below 0.41", "largest rate"):
        assert verdict(found, text)["verdict"] == "differs", text


def test_variants_are_compared_with_the_thesis_setting():
    runs = pd.concat([cells({(48, 9): share}, 60).assign(variant=name) for name, share in
                      (("as the thesis", 0.5), ("the same", 0.5), ("another", 0.95))])
    found = verdicts.variants(runs).set_index("variant")
    assert found.loc["the same", "p_corrected"] == 1 and found.loc["another", "p_corrected"] < 0.01 and np.isnan(found.loc["as the thesis", "p"])


def test_layers_of_a_run_add_up_to_its_table(tmp_path):
    spec = RunSpec(data.spec("moons_circles", n_samples=60), base=(4, 5, 5, 5, 2), prune=PruneSpec(rate=0.4, levels=3, schedule="extension"),
                   train=TrainSpec(batch_size=32, patience=2, max_epochs=4))
    results = Store(tmp_path)
    sweep.run([spec], results, device="cpu")
    layers, table = claims.layers(results, [run_id(spec)]), results.table([spec])
    sums = layers.groupby("level")[["available", "active"]].sum()
    assert list(sums["available"]) == list(table["available"]) and list(sums["active"]) == list(table["active"])
    ends = layers.groupby("level").agg(first=("decided_inputs", "first"), last=("decided_outputs", "last"))
    assert (ends == 1).all().all()      # where a view starts, every neuron is decided
