"""Notebook 03: verdicts on weights, losses and layers, from made-up tables."""

import numpy as np
import pandas as pd
import pytest
from made_up import ran, verdict

from lth_utils.studies import reference
from lth_utils.studies.extension_sweep.layer_verdicts import layer_rows
from lth_utils.studies.extension_sweep.loss_verdicts import loss_rows
from lth_utils.studies.extension_sweep.weight_verdicts import weight_rows
from lth_utils.studies.verdict import verdict_table

NO_LEVELS = pd.DataFrame(
    columns=["data.seed", "run", "extension", "available", "inactive", "zombie"]
)

# weights


def weights(runs, table=NO_LEVELS):
    return verdict_table(weight_rows(runs, table))


ACTIVE = "active weights at separation stay between 80 and 120"


def test_active_weights_at_separation_are_judged_level_by_level():
    runs = ran("2", {(e, "separated"): 60 for e in range(9, 15)})
    assert verdict(weights(runs), ACTIVE)["verdict"] == "agrees"
    of_10, of_14 = ((runs["extension"] == e).to_numpy() for e in (10, 14))
    found = verdict(weights(runs.assign(active=runs["active"] + 60 * of_10)), ACTIVE)
    assert found["verdict"] == "differs" and found["ours"].endswith("outside at levels 10")
    assert "102 to 162 at 6 levels" in found["ours"]
    found = verdict(weights(runs.assign(active=runs["active"] + 18 * of_10)), ACTIVE)
    assert found["verdict"] == "cannot tell"
    few = runs[~of_14 | (runs["draw"] < 3)]  # too few draws for a mean: left out, and not counted
    row = verdict(weights(few.assign(active=few["active"] + 60 * of_14[few.index])), ACTIVE)
    assert row["verdict"] == "agrees" and row["n"] == 300 and "at 5 levels" in row["ours"]


def at_split(network, draws=5, factor=1):
    """Runs that separate at the available weights at which those of the thesis did."""
    table = reference.reference("active_available_at_split").query("network == @network")
    parts = []
    for level, values in table.set_index("extension_level")["available_per_run"].items():
        own = [int(value) for value in str(values).split() for _ in range(draws)]
        runs = ran(network, {(level, "separated"): len(own)}, draws)
        parts.append(runs.assign(available=own))
    runs = pd.concat(parts)
    return runs.assign(available=(runs["available"] * factor).astype(int))


@pytest.mark.parametrize(("network", "name"), [("1", "one"), ("2", "two"), ("3", "three")])
def test_available_weights_at_separation_are_ranked_among_theirs(network, name):
    text = f"{name}-layer networks have as many available weights at separation"
    row = verdict(weights(at_split(network)), text)
    assert row["verdict"] == "agrees" and row["low"] < 0.5 < row["high"]
    for factor, end in ((0.6, "low"), (1.6, "high")):
        row = verdict(weights(at_split(network, factor=factor)), text)
        assert row["verdict"] == "differs"
        assert row["low"] > 0.6 if end == "low" else row["high"] < 0.4
    few = at_split(network)
    few = few[few["extension"] == few["extension"].iloc[-1]]
    row = verdict(weights(few), text)
    assert row["verdict"] == "cannot tell" and row["n"] == len(few)


@pytest.mark.parametrize(("factor", "expected"), [(1, "agrees"), (1.5, "differs")])
def test_available_weights_at_degradation_are_ranked_among_theirs(factor, expected):
    table = reference.reference("active_available_at_degradation")
    parts = []
    for level, values in table.set_index("extension_level")["available_per_run"].items():
        own = [int(int(value) * factor) for value in str(values).split() for _ in range(4)]
        word = "degraded" if level % 2 else "separated-degraded"
        parts.append(ran("3mini", {(level, word): len(own)}).assign(available_end=own))
    others = ran("3mini", {(9, "separated"): 90}, available_end=1)  # these did not degrade
    row = verdict(weights(pd.concat([*parts, others])), "available weights when they degrade")
    assert row["verdict"] == expected and row["n"] == sum(map(len, parts))


@pytest.mark.parametrize(("factor", "expected"), [(1, "agrees"), (0.85, "differs")])
def test_active_shares_at_the_end_are_ranked_among_theirs(factor, expected):
    theirs = reference.reference("final_active_fraction_2layer")
    shares = theirs["active_fraction_of_available"].to_numpy().repeat(5) * factor
    counts = theirs.groupby("extension_level").size() * 5
    runs = ran("2", {(level, "interconnected"): n for level, n in counts.items()}, 5)
    theirs = theirs.loc[theirs.index.repeat(5)]
    assert list(runs["extension"]) == list(theirs["extension_level"])
    runs = runs.assign(available_end=100_000, active_end=shares * 100_000)
    text = "share of the remaining weights is active at the end"
    assert verdict(weights(runs), text)["verdict"] == expected
    few = runs[runs["extension"] == 3]
    assert verdict(weights(few), text)["verdict"] == "cannot tell"


@pytest.mark.parametrize("state", ["inactive", "zombie"])
def test_curves_are_followed_point_by_point(state):
    theirs = reference.reference("inactive_zombie").dropna(subset=[f"{state}_relative"])
    rng, parts = np.random.default_rng(0), []
    for draw in range(8):
        for level, at in theirs.groupby("extension_level"):
            table = at.rename(columns={"available_weights": "available"})
            share = table[f"{state}_relative"] + rng.normal(0, 0.01)
            table = table.assign(inactive=share * table["available"], zombie=0, extension=level)
            table["zombie"] = table["inactive"]
            parts.append(table.assign(**{"data.seed": draw}, run=f"{draw}-{level}"))
    table, text = pd.concat(parts), f"the share of {state} weights follows"
    runs, number = ran("2", {}), table["run"].nunique()
    row = verdict(weights(runs, table), text)
    assert row["verdict"] == "agrees" and (row["n"], row["draws"]) == (number, 8)
    more = table.assign(**{state: table[state] + 0.05 * table["available"]})
    row = verdict(weights(runs, more), text)
    assert row["verdict"] == "differs" and row["ours"].startswith("difference +0.0")
    few = verdict(weights(runs, table[table["data.seed"] < 4]), text)
    assert few["verdict"] == "cannot tell" and "nan" not in few["ours"]


# losses

RANKS = [
    f"lowest {split}: chance that one has a lower one than a network of {which}"
    for split in (
        "loss on the points that training watched",
        "loss on points that training never watched",
    )
    for which in ("any size", "as many active weights")
]


def level_table(apart, others, fresh=None, others_fresh=None, draws=8, runs=6):
    """One level of runs, half of them separated; losses: their middle on both splits."""
    rng, rows = np.random.default_rng(0), []
    for n in range(draws * runs):
        for status, watched, new in (
            ("separated", apart, fresh or apart),
            ("interconnected", others, others_fresh or others),
        ):
            losses = {"watched_loss": watched * rng.uniform(0.8, 1.2)}
            losses["loss"] = new * rng.uniform(0.8, 1.2)
            about = {"run": f"{status}{n}", "data.seed": n % draws, "status": status}
            rows.append({**about, "active": 90 + n % 9, **losses})
    return pd.DataFrame(rows)


def losses(table):
    return verdict_table(loss_rows(table))


def test_separated_networks_are_ranked_by_their_loss_on_either_split():
    found = losses(level_table(0.003, 0.01))
    assert [verdict(found, text)["verdict"] for text in RANKS] == ["agrees"] * 4
    found = losses(level_table(0.01, 0.003))
    assert [verdict(found, text)["verdict"] for text in RANKS] == ["differs"] * 4
    found = losses(level_table(0.003, 0.01, 0.03, 0.01))
    assert [verdict(found, text)["verdict"] for text in RANKS] == ["agrees"] * 2 + ["differs"] * 2
    found = losses(level_table(0.003, 0.003))
    assert [verdict(found, text)["verdict"] for text in RANKS] == ["cannot tell"] * 4
    few = losses(level_table(0.003, 0.01, draws=4))
    assert [verdict(few, text)["verdict"] for text in RANKS] == ["cannot tell"] * 4


def test_networks_as_small_are_ranked_apart_from_those_of_any_size():
    table = level_table(0.005, 0.003)
    large = level_table(0.005, 0.03, runs=30).query("status == 'interconnected'")
    found = losses(pd.concat([table, large.assign(active=9000, run="large" + large["run"])]))
    assert [verdict(found, text)["verdict"] for text in RANKS[:2]] == ["agrees", "differs"]
    alone = losses(table.assign(active=np.where(table["status"] == "separated", 90, 900)))
    assert not alone["statement"].str.contains("as many active").any()


REACHED = "have a validation loss between 0.0014 and 0.0064"


@pytest.mark.parametrize(("draws", "runs"), [(8, 6), (1, 20)])
def test_the_loss_that_is_reached_is_that_of_networks_that_solve_both_tasks(draws, runs):
    def reached(loss, **options):
        return verdict(losses(level_table(loss, 0.02, draws=draws, **options)), REACHED)

    assert reached(0.003, runs=runs)["verdict"] == "agrees"
    assert reached(0.02, runs=runs)["verdict"] == "differs"
    assert reached(0.0064, runs=runs)["verdict"] == "cannot tell"
    assert reached(0.003, runs=2)["n"] == 2 * draws
    none = reached(0.2, runs=runs)
    assert none["verdict"] == "cannot tell" and none["n"] == none["draws"] == 0
    # the loss on fresh points is another one, and those that lost a task do not count
    table = level_table(0.003, 0.02, 0.2, draws=draws, runs=runs)
    last = {**table.iloc[0], "watched_loss": 0.3, "run": "lost"}
    row = verdict(losses(pd.concat([table, pd.DataFrame([last])])), REACHED)
    assert row["verdict"] == "agrees" and row["n"] == draws * runs


LOST = "may have lost a task"


def test_how_many_separated_networks_lost_a_task():
    row = verdict(losses(level_table(0.2, 0.02)), LOST)
    assert row["verdict"] == "agrees" and row["ours"].startswith("48 of 48")
    table = level_table(0.003, 0.02, draws=20, runs=20)
    row = verdict(losses(table), LOST)
    assert row["verdict"] == "differs" and row["high"] < 0.02
    assert verdict(losses(level_table(0.003, 0.02)), LOST)["verdict"] == "cannot tell"
    # what counts is the last level at which they are separated
    later = table.query("status == 'separated'").assign(watched_loss=0.2)
    assert verdict(losses(pd.concat([table, later])), LOST)["ours"].startswith("400 of 400")
    assert verdict(losses(pd.concat([later, table])), LOST)["ours"].startswith("0 of 400")


def test_older_tables_have_the_watched_loss_only():
    old = level_table(0.003, 0.01).drop(columns="loss").rename(columns={"watched_loss": "loss"})
    found = losses(old)
    assert [verdict(found, text)["verdict"] for text in RANKS[:2]] == ["agrees"] * 2
    assert not found["statement"].str.contains("never watched").any() and len(found) == 4


def test_without_separated_networks_there_is_nothing_to_say_of_losses():
    table = level_table(0.003, 0.01)
    assert losses(table[table["status"] != "separated"]).empty
    assert losses(table[:0]).empty


# layers

ORDER, DELAY = "the last hidden layer decides first", "it happens late"

EXCESS = ("larger than in random masks of as many", "larger than in random masks whose units")


def structure(lead=0.3, nulls=0.1, delay=3, draws=8, runs=3, kinds=("run", "counts", "degrees")):
    """Decided shares of three hidden layers: `lead` of the last over the first."""
    rng, rows = np.random.default_rng(0), []
    for n in range(draws * runs):
        hidden_at = rng.integers(2, 5)
        for kind in kinds:
            own = (lead if kind == "run" else nulls) + rng.normal(0, 0.02)
            for level in range(12):
                row = {"run": f"r{n}", "draw": n % draws, "kind": kind, "repeat": 0, "base": "b"}
                done = 0.6 if level >= hidden_at else 0.4
                shares = (0, done - own, done - own / 2, done, 1)
                row |= {f"decided_outputs_{i}": share for i, share in enumerate(shares)}
                late = float(level >= hidden_at + delay)
                row |= {f"decided_inputs_{i}": late for i in range(5)}
                rows.append(row | {"levels": 16, "level": level})
    return pd.DataFrame(rows)


def decided(*args, **options):
    return verdict_table(layer_rows(structure(*args, **options)))


def test_layers_in_the_order_of_the_thesis_agree_and_are_more_than_chance():
    found = decided()
    assert [verdict(found, text)["verdict"] for text in (ORDER, *EXCESS)] == ["agrees"] * 3
    row = verdict(found, ORDER)
    assert row["ours"].startswith("24 of 24") and (row["n"], row["draws"]) == (24, 8)
    assert row["note"].startswith("but so do 100% of random masks of as many")
    assert "excess +0.2" in verdict(found, EXCESS[0])["ours"]


def test_layers_in_another_order_differ():
    found = decided(lead=-0.3)
    assert [verdict(found, text)["verdict"] for text in (ORDER, *EXCESS)] == ["differs"] * 3


def test_an_order_that_random_masks_have_too_is_not_learned():
    found = decided(lead=0.1, nulls=0.3)
    assert verdict(found, ORDER)["verdict"] == "agrees"
    assert [verdict(found, text)["verdict"] for text in EXCESS] == ["differs"] * 2
    alike = decided(lead=0.2, nulls=0.2)
    assert [verdict(alike, text)["verdict"] for text in EXCESS] == ["cannot tell"] * 2
    alone = decided(kinds=("run",))
    assert len(alone) == 2 and verdict(alone, ORDER)["note"] == ""


def jittered(delay):
    """The outputs are half decided `delay` prunings after the hidden layer, a few one later."""
    table = structure(delay=delay)
    later = structure(delay=delay + 1)
    return table.where(~table["run"].isin(["r0", "r1", "r8", "r13"]), later)


def test_seen_from_the_inputs_it_happens_late_or_early():
    row = verdict(verdict_table(layer_rows(jittered(3))), DELAY)
    assert row["verdict"] == "agrees" and 2.9 < row["low"] < row["high"] < 4.1 and row["n"] == 24
    row = verdict(verdict_table(layer_rows(jittered(-2))), DELAY)
    assert row["verdict"] == "differs" and row["high"] < 0
    row = verdict(decided(delay=20), DELAY)  # never half decided
    assert row["verdict"] == "cannot tell" and row["n"] == row["draws"] == 0


def test_few_runs_with_layers_cannot_tell():
    found = decided(draws=1, runs=4)
    assert list(found["verdict"]) == ["cannot tell"] * 4 and set(found["n"]) == {4}
    assert not found["ours"].str.contains("nan").any()
    assert layer_rows(structure()[:0]) == []
