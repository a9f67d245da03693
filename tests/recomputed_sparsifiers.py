"""Claim 12 from the kept tables of notebook 11: a function for each pattern of statements."""

from functools import cache

import numpy as np
import pandas as pd
import recomputed as again
from recomputed import ABOVE_ZERO, MORE_THAN_RARE, NOTHING, Found
from recomputed_points import like_theirs, more_than, never

from lth_utils.config import run_id

NOTEBOOK = "11_other_sparsifiers"
IN_TRAINING = ["gradual", "SET", "RigL"]
RIVALS = ["one-shot", "no rewinding", "new initialisation", "LAMP", "L1", *IN_TRAINING]
AT_INITIALISATION = ["SNIP", "iterative SNIP", "GraSP", "SynFlow", "magnitude"]
AT_INITIALISATION += ["random", "random, uniform", "random, ERK"]


def labelled(set_name, part):
    """Level rows of the runs that a part of the notebook asks for, with the way of each."""
    names = {"toy": "levels", "images": "images", "convolutions": "channels"}
    rows = again.table(set_name, f"{NOTEBOOK}-{names[part]}")
    groups = getattr(again.asked(set_name, NOTEBOOK), part).groups()
    ways = {run_id(spec): way for way, specs in groups.items() for spec in specs}
    assert set(rows["run"]) == set(ways)
    return rows.assign(way=rows["run"].map(ways))


def of_one_draw(values, allowed, **more):
    """A row on a number per seed, on one draw of the data."""
    return Found([again.mean(values)], allowed, len(values), 1 if len(values) else 0, **more)


# moons and circles


@cache
def points(set_name):
    rows = labelled(set_name, "toy")
    # such a run has two levels, of which the first is the dense network's
    rows = rows[~rows["way"].isin(IN_TRAINING) | (rows["level"] == 1)]
    worse = np.minimum(rows["accuracy_circles"], rows["accuracy_moons"])
    least = again.asked(set_name, NOTEBOOK).toy.least
    apart = (rows["status"] == "separated") & (worse >= least)
    return rows.assign(apart=apart, draw=again.draw_of(rows))


@cache
def smallest(set_name, way):
    rows = points(set_name)
    return rows[(rows["way"] == way) & (rows["available"] == rows["available"].min())]


def without_data(set_name, way):
    rows = points(set_name)
    runs = rows[rows["way"] == way].groupby(["draw", "run"])["apart"].any().reset_index()
    return never(runs, runs["apart"])


def separates(set_name, way):
    return more_than(smallest(set_name, way), smallest(set_name, way)["apart"], MORE_THAN_RARE)


def tested(set_name, way):
    """The p that tickets and another way separate as often, from the draws that both have."""
    shares = [smallest(set_name, name).groupby("draw")["apart"].mean() for name in ("tickets", way)]
    return again.paired(list((shares[0] - shares[1]).dropna()))


@cache
def corrected(set_name):
    rivals = [way for way in RIVALS if len(smallest(set_name, way))]
    return dict(zip(rivals, again.holm([tested(set_name, way) for way in rivals]), strict=True))


def more_often(set_name, way):
    runs = [smallest(set_name, name) for name in ("tickets", way)]
    interval = again.difference_over_draws(
        *(own.set_index("draw")["apart"].astype(float) for own in runs)
    )
    n, draws = sum(map(len, runs)), runs[1]["draw"].nunique()
    p = {"p": tested(set_name, way), "corrected": corrected(set_name)[way]}
    return Found([interval], (0.0, 1.0), n, draws, **p)


# pruned at initialisation, never trained


def anchors(set_name):
    rows = again.table(set_name, f"{NOTEBOOK}-anchors")
    given = again.theirs("effective_compression")
    names = ["way", "compression"]
    return rows.merge(given, on=names, how="left", suffixes=("", "_theirs"))


def effective(set_name, way, margin):
    rows = anchors(set_name).query("way == @way").dropna(subset=["effective_theirs"])
    sizes = [own for _, own in rows.groupby("compression")]
    level, factor = 1 - 0.05 / len(sizes), 1 + int(margin) / 100
    intervals = [again.median(own["effective"] / own["effective_theirs"], level) for own in sizes]
    return Found(intervals, (1 / factor, factor), rows["seed"].nunique(), 1)


def dead(set_name):
    rows = anchors(set_name).dropna(subset=["runs"])
    rows = rows.assign(stratum=rows["way"] + rows["compression"].astype(str), draw=0)
    kinds = {}
    for stratum, own in rows.groupby("stratum"):
        ours, theirs = set(own["dead"]), set(own["dead_theirs"] / own["runs"])
        kinds[stratum] = ours | theirs  # {0} or {1}: all are alike
    rows = rows[rows["stratum"].map(kinds).map(lambda found: found not in ({0}, {1}))]
    given = rows.drop_duplicates("stratum").rename(columns={"dead_theirs": "count"})
    return like_theirs(rows, rows["dead"], given[["stratum", "count", "runs"]])


# MNIST


@cache
def accuracies(set_name, at):
    """Accuracy per seed and way with a hundredth of all weights left, or active."""
    rows = labelled(set_name, "images")
    dense, found = rows["available"].max(), {}
    for (way, seed), own in rows[rows[at] > 0].groupby(["way", "seed"]):
        own = own.sort_values("level")
        fewer = np.log(dense / own[at])
        reached = fewer.max() >= np.log(100)
        found[seed, way] = np.interp(np.log(100), fewer, own["accuracy"]) if reached else np.nan
    return pd.Series(found).unstack()


def spread(set_name):
    ways = [way for way in AT_INITIALISATION if way in accuracies(set_name, "active")]
    spreads = []
    for at in ("available", "active"):
        own = accuracies(set_name, at)[ways].dropna()
        spreads.append(own.max(axis=1) - own.min(axis=1))
    return of_one_draw((spreads[0] - spreads[1]).dropna(), ABOVE_ZERO)


COMPARED = ["SynFlow: random", "random, ERK: random", "SNIP: random, ERK", "SynFlow: random, ERK"]
COMPARED += ["tickets: SynFlow", "tickets: random, ERK"]


@cache
def compared(set_name):
    """Differences of accuracies per seed of each comparison, with p of the family of them."""
    own, found = accuracies(set_name, "active"), {}
    for pair in COMPARED:
        better, worse = pair.split(": ")
        if better in own and worse in own:
            found[pair] = (own[better] - own[worse]).dropna()
    p = [again.paired(list(differences)) for differences in found.values()]
    return dict(zip(found, zip(found.values(), p, again.holm(p), strict=True), strict=True))


def more_accurate(set_name, better, worse):
    differences, p, corrected_p = compared(set_name)[f"{better}: {worse}"]
    return of_one_draw(differences, ABOVE_ZERO, p=p, corrected=corrected_p)


# two channels


@cache
def leads(set_name):
    """Per way, seed and level: task-specific units of the last hidden layer less of the first."""
    rows = again.table(set_name, f"{NOTEBOOK}-layers")
    seeds = labelled(set_name, "convolutions").drop_duplicates("run").set_index("run")["seed"]
    rows = rows.assign(seed=rows["run"].map(seeds))
    last = rows["layer"].max()
    keys = ["way", "seed", "level"]
    shares = [rows[rows["layer"] == layer].set_index(keys)["decided"] for layer in (1, last)]
    return (shares[1] - shares[0]).dropna()


def of_seeds(values, allowed):
    return Found([again.mean(values)], allowed, len(values), len(values))


def last_layer_leads(set_name):
    return of_seeds(leads(set_name)["tickets"].groupby("seed").mean(), (0.0, 1.0))


def leads_beyond_chance(set_name):
    beyond = (leads(set_name)["tickets"] - leads(set_name)["random"]).dropna()
    return of_seeds(beyond.groupby("seed").mean(), (0.0, 2.0))


def channels_apart(set_name, way):
    rows = labelled(set_name, "convolutions").query("way == @way")
    return rows.groupby("run")["status"].agg(lambda words: (words == "separated").any())


def random_channels(set_name):
    apart = channels_apart(set_name, "random")
    runs = apart.rename("apart").reset_index().assign(draw=range(len(apart)))
    found = never(runs, runs["apart"])
    found.intervals = [again.exact_share(found.hits, found.n)]
    return found


def ticket_channels(set_name):
    apart = channels_apart(set_name, "tickets")
    interval = again.exact_share(apart.sum(), len(apart)) if len(apart) else NOTHING
    return Found([interval], MORE_THAN_RARE, len(apart), len(apart))


PATTERNS = {
    r"(.*): pruning without data never separates, at any size": without_data,
    r"(.*) separates the tasks without losing one, in more than 2% of the runs, at the smallest "
    r"size": separates,
    r"tickets separate more often than (.*), at the smallest size": more_often,
    r"(.*): effective compression at initialisation is that of the anchors, by less than "
    r"(\d+)%": effective,
    r"where some, but not all, have no path left, these are as many as among the anchors .*": dead,
    r"methods that prune at initialisation differ less at equal effective than at equal direct "
    r"compression, at 100": spread,
    r"(.*): more accurate than (.*) at equal effective compression, at 100": more_accurate,
    r"in a convolutional ticket the last hidden layer is task-specific earlier .*": (
        last_layer_leads
    ),
    r"that difference is larger than in networks pruned at random": leads_beyond_chance,
    r"convolutional networks that are pruned at random never separate": random_channels,
    r"convolutional tickets separate the two channels, in more than 2% of the runs": (
        ticket_channels
    ),
}
