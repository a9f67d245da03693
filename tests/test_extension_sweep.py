"""Notebook 03: runs as the thesis counts them, and verdicts on made-up outcomes."""

import pandas as pd
import pytest
from made_up import cells, family, ran, verdict

from lth_utils import data
from lth_utils.config import PruneSpec, RunSpec, TrainSpec, run_id
from lth_utils.connectivity import OUTCOMES
from lth_utils.runs import sweep
from lth_utils.runs.store import Store
from lth_utils.studies import extension_sweep, outcomes, reference, statistics
from lth_utils.studies.extension_sweep.outcome_verdicts import KINDS


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


def judged(runs=None, chance=None, layerwise=None):
    """Verdicts on outcomes alone."""
    nothing = family("4-8-8-2", {(9, "separated"): 1}).assign(inactive=0, zombie=0)
    nothing = nothing.assign(network="2", extension=9)[:0]
    chance = pd.DataFrame(columns=["extension", "kind", "draw"]) if chance is None else chance
    return extension_sweep.extension(
        ran("2", {}) if runs is None else runs,
        nothing,
        chance,
        pd.DataFrame(),
        ran("1", {}) if layerwise is None else layerwise,
    )


TWO = ("do not separate below extension level 7", "separate at each level from 9 on")
TWO += ("at levels 9 and above taken together", "do not degrade before extension level 10")


def test_claims_on_two_layers_that_hold_agree():
    counts = {(e, "interconnected"): 60 for e in range(7)}
    counts |= {(e, "separated"): 60 for e in range(9, 15)}
    found = judged(ran("2", counts))
    assert [verdict(found, text)["verdict"] for text in TWO] == ["agrees"] * 4
    assert verdict(found, TWO[0])[["n", "draws"]].tolist() == [420, 20]


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (TWO[0], {(6, "separated"): 1}),
        (TWO[0], {(6, "separated-degraded"): 1}),
        (TWO[1], {(10, "separated"): 5, (10, "interconnected"): 100}),
        (TWO[2], {(e, "interconnected"): 300 for e in range(9, 15)}),
        (TWO[3], {(9, "degraded"): 1}),
        (TWO[3], {(0, "separated-degraded"): 1}),
    ],
)
def test_claims_on_two_layers_that_fail_differ(text, changes):
    counts = {(e, "interconnected"): 60 for e in range(7)}
    counts |= {(e, "separated"): 60 for e in range(9, 15)}
    assert verdict(judged(ran("2", counts | changes)), text)["verdict"] == "differs"


def test_one_level_of_many_cannot_be_told_apart_from_a_half():
    counts = {(e, "separated"): 60 for e in range(9, 15)}
    counts |= {(10, "separated"): 32, (10, "interconnected"): 28}
    found = judged(ran("2", counts))
    assert [verdict(found, text)["verdict"] for text in TWO[1:3]] == ["cannot tell", "agrees"]
    assert "least at level 10: 53%" in verdict(found, TWO[1])["ours"]


@pytest.mark.parametrize("draws", [1, 3])
def test_few_runs_cannot_tell(draws):
    few = {(3, "interconnected"): 4, (9, "separated"): 3, (9, "interconnected"): 1}
    found = judged(ran("2", few, draws))
    assert set(found["verdict"]) == {"cannot tell"} and len(found) == 8
    assert not found["ours"].str.contains("nan").any()
    others = pd.concat([ran("1", {(14, "degraded"): 4}, draws), ran("3", {(8, "separated"): 4})])
    assert set(judged(others)["verdict"]) == {"cannot tell"}
    masks = pd.DataFrame({"extension": [9], "kind": ["counts"], "draw": [0]})
    found = judged(chance=masks.assign(separated=0, masks=4))
    assert list(found["verdict"]) == ["cannot tell"]
    remedied = ran("1", {(14, "separated"): 2, (14, "degraded"): 2}, draws)
    assert verdict(judged(others, None, remedied), "our reason")["verdict"] == "cannot tell"


def as_theirs(network, draws=20):
    """Runs as those of the thesis, on each of several draws."""
    theirs = reference.theirs_by_level().query("network == @network").set_index("extension")
    counts = theirs[list(OUTCOMES)].stack()
    return ran(network, {key: draws * n for key, n in counts.items() if n}, draws)


@pytest.mark.parametrize(("network", "name"), [("1", "one"), ("2", "two"), ("3", "three")])
def test_counts_like_theirs_agree_and_others_differ(network, name):
    separate, degrade = (f"of {name}-layer networks as many {kind}" for kind in KINDS)
    runs = as_theirs(network)
    alike = judged(runs)
    assert verdict(alike, separate)["verdict"] == verdict(alike, degrade)["verdict"] == "agrees"
    assert verdict(alike, separate)["p"] > 0.5
    ninth = pd.Series(range(len(runs))) % 9 == 0
    found = judged(runs.assign(outcome=runs["outcome"].where(ninth, "separated-degraded")))
    for text in (separate, degrade):
        row = verdict(found, text)
        assert row["verdict"] == "differs" and row["low"] > 0.1 and row["p"] < 0.001
    fewer = judged(runs.assign(outcome="interconnected"))
    assert verdict(fewer, separate)["verdict"] == "differs"


def test_p_values_of_counts_are_corrected_for_their_number():
    found = judged(pd.concat([as_theirs("1"), as_theirs("3"), as_theirs("2")[:40]]))
    rows = found[found["statement"].str.contains("as in the thesis")]
    assert len(rows) == 6 and rows["p_corrected"].tolist() == pytest.approx(
        statistics.holm(rows["p"]).tolist()
    )
    assert found["p_corrected"].notna().sum() == rows["p"].notna().sum() > 3


def test_three_layer_networks_separate_at_their_last_level_only():
    text = "levels 7 to 11 separate at their last level"
    runs = ran("3", {(e, "separated"): 80 for e in range(7, 12)}, available=108, available_end=108)
    assert verdict(judged(runs), text)["verdict"] == "agrees"
    runs.loc[3, "available"] = 176
    row = verdict(judged(runs), text)
    assert row["verdict"] == "differs" and row["ours"].startswith("1 of 400")
    others = ran("3", {(e, "separated"): 9 for e in (6, 12)}, available=176, available_end=108)
    assert not judged(others)["statement"].str.contains(text).any()


def test_wide_one_layer_networks():
    text = "do not separate from extension level 14 on"
    counts = {(14, "degraded"): 200, (15, "interconnected"): 200, (13, "separated"): 9}
    assert verdict(judged(ran("1", counts)), text)["verdict"] == "agrees"
    found = verdict(judged(ran("1", counts | {(16, "separated"): 1})), text)
    assert found["verdict"] == "differs" and found["theirs"] == "0 of 15"
    assert found["ours"].startswith("1 of 401") and found["claim"] == "5"


@pytest.mark.parametrize(("hits", "expected"), [(0, "agrees"), (1, "differs")])
def test_random_masks_of_the_runs_sizes_are_counted(hits, expected):
    masks = [(9, "counts", draw, hits * (draw == 3), 20) for draw in range(20)]
    others = [(9, "run", 0, 9, 9), (9, "degrees", 0, 9, 9), (8, "counts", 0, 9, 9)]
    table = pd.DataFrame(
        masks + others, columns=["extension", "kind", "draw", "separated", "masks"]
    )
    row = verdict(judged(chance=table), "control: random masks")
    assert row["verdict"] == expected and row["ours"].startswith(f"{hits} of 400")


def test_separations_are_counted_by_kind_and_draw():
    about = {"base": "4-8-8-2", "levels": 9, "active": 9, "available": 9, "level": [0, 1]}
    rows = []
    for run, draw, kind, word in (
        ("a", 0, "run", "separated"),
        ("a", 0, "counts", "degraded"),
        ("b", 0, "counts", "separated"),
        ("c", 1, "counts", "degraded"),
    ):
        status = ["interconnected", word]
        rows.append(pd.DataFrame(about | {"status": status}).assign(run=run, draw=draw, kind=kind))
    found = extension_sweep.separated_by_chance(pd.concat(rows).assign(repeat=0))
    found = found.set_index(["kind", "draw"])
    assert set(found["extension"]) == {9}
    assert found.loc[("counts", 0), ["separated", "masks"]].tolist() == [1, 2]
    assert found.loc[("counts", 1), ["separated", "masks"]].tolist() == [0, 1]


@pytest.mark.parametrize("draws", [1, 5])
@pytest.mark.parametrize(
    ("by_layer", "globally", "expected"),
    [(20, 0, "agrees"), (16, 5, "agrees"), (0, 20, "differs"), (10, 9, "cannot tell")],
)
def test_the_remedy_of_pruning_layer_by_layer(by_layer, globally, expected, draws):
    def some(hits, **columns):
        counts = {(14, "separated"): hits, (14, "degraded"): 20 - hits}
        return ran("1", {key: 2 * n for key, n in counts.items()}, draws, **columns)

    elsewhere = ran("1", {(12, "separated"): 50})
    runs = pd.concat([some(globally), elsewhere])
    row = verdict(judged(runs, None, some(by_layer, network="by layer")), "our reason")
    assert row["verdict"] == expected and (row["n"], row["draws"]) == (80, draws)
    assert f"{by_layer / 20:.0%} (" in row["ours"]


def test_facts_count_what_the_tables_say():
    runs = ran("2", {(8, "separated"): 3, (9, "separated"): 4, (10, "interconnected"): 4}, 2)
    remedied = ran("1", {(14, "separated"): 1, (14, "degraded"): 1}, network="by layer")
    found = extension_sweep.facts(runs, remedied, judged(runs), n_runs=13)
    assert found["above_level_9"]["separated"] == 4 and found["above_level_9"]["runs"] == 8
    assert found["headline"].startswith("4 of 8 two-layer networks extended 9 levels or more sep")
    assert "over 2 draws of the points" in found["headline"]
    assert found["separated"] == {"2": {8: 1.0, 9: 1.0, 10: 0.0}} and found["runs"] == 13
    assert found["layerwise"] == {14: 0.5}
    none = extension_sweep.ever_separated(runs, "1", 9)
    assert none["runs"] == 0 and none["sentence"].startswith("no two-layer")


def test_variants_are_compared_with_the_thesis_setting_draw_by_draw():
    names = {"as the thesis": 0.5, "the same": 0.5, "another": 0.95}
    parts = [cells({(48, 9): s}, 60, draws=7).assign(variant=name) for name, s in names.items()]
    found = extension_sweep.variants(pd.concat(parts)).set_index("variant")
    assert list(found["draws"]) == [7] * 3 and list(found["separated"]) == [30, 30, 57]
    assert found.loc["as the thesis", "difference"] == found.loc["the same", "difference"] == 0
    another = found.loc["another"]
    assert 0.2 < another["difference_low"] < another["difference"] < another["difference_high"]
    assert another["difference"] == pytest.approx(0.45, abs=0.02)
    assert extension_sweep.variants(parts[1]).empty
    few = pd.concat([part[part["draw"] < 4] for part in parts])  # too few draws for an interval
    assert extension_sweep.variants(few)["difference_low"].isna().all()


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
