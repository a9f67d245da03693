"""Claims 1, 2, 3 and 5 from the kept level tables: a function for each pattern of statements."""

from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import recomputed as again
from recomputed import ABOVE_ZERO, HALF, MORE_THAN_RARE, NEVER, Found

LAYERS = {"one": "4-20-2", "two": "4-8-8-2", "three": "4-4-4-4-2"}
NUMBERS = {"one": "1", "two": "2", "three": "3"}
KINDS = {"separate": "separated", "degrade": "degraded"}


def by_run(rows):
    """One row per run, from its statuses: what it came to, its first separated and last level."""
    apart = rows[rows["status"] == "separated"].drop_duplicates("run").set_index("run")
    last = rows.drop_duplicates("run", keep="last").set_index("run")
    runs = pd.DataFrame({"draw": again.draw_of(last), "stratum": last["prune.levels"]})
    for kind in ("separated", "degraded"):
        runs[kind] = (rows["status"] == kind).groupby(rows["run"]).any()
    runs[["available_end", "active_end"]] = last[["available", "active"]]
    for name in ("available", "active"):
        runs[name] = apart[name].reindex(runs.index)
    return runs.assign(base=last["base"])


@cache
def family(set_name, layers):
    """Level rows of all sizes of a base network."""
    rows = again.table(set_name, "03_extension_sweep-levels")
    rows = again.of(rows, again.asked(set_name, "03_extension_sweep").families())
    return rows[rows["base"] == LAYERS[layers]]


@cache
def runs_of(set_name, layers):
    """Runs as the thesis reads them: three layers two levels lower, and down to 108 weights."""
    rows = family(set_name, layers)
    if layers == "three":
        rows = rows[(rows["prune.levels"] >= 2) & (rows["available"] >= 108)]
        return by_run(rows.assign(**{"prune.levels": rows["prune.levels"] - 2}))
    return by_run(rows)


def at(runs, first, last=99):
    return runs[runs["stratum"].between(first, last)]


def size(runs):
    return {"n": len(runs), "draws": runs["draw"].nunique()}


def never(runs, hit):
    share = again.share(hit, runs["draw"])
    return Found([share], NEVER, **size(runs), hits=int(hit.sum()))


def more_than(runs, hit, allowed, level=0.95):
    return Found([again.share(hit, runs["draw"], level)], allowed, **size(runs))


def at_each(runs, hit):
    """A share at every stratum, together."""
    strata = [(runs[same], hit[same]) for same in masks(runs["stratum"])]
    level = 1 - 0.05 / len(strata)
    shares = [again.share(of, own["draw"], level) for own, of in strata]
    return Found(shares, HALF, **size(runs))


def masks(values):
    return [values == value for value in sorted(values.unique())]


def like_theirs(runs, hit, given):
    given = given[given["stratum"].isin(runs["stratum"])]
    runs = runs[runs["stratum"].isin(given["stratum"])]
    interval, p = again.pooled(runs.assign(hit=hit), given)
    return Found([interval], (-0.1, 0.1), **size(runs), p=p)


# claims 1 and 5


def as_many_by_level(set_name, layers, kind):
    given = again.theirs("extension_outcomes").query("network == @NUMBERS[@layers]")
    count = given[f"n_{KINDS[kind]}"] + given["n_separated_degraded"]
    given = given.assign(count=count).rename(columns={"extension_level": "stratum"})
    runs = runs_of(set_name, layers)
    given = given.rename(columns={"n_runs": "runs"})[["stratum", "count", "runs"]]
    return like_theirs(runs, runs[KINDS[kind]], given)


def none_below(set_name, kind, level):
    runs = at(runs_of(set_name, "two"), 0, int(level) - 1)
    return never(runs, runs[KINDS[kind]])


def most_at_each(set_name, level):
    runs = at(runs_of(set_name, "two"), int(level))
    return at_each(runs, runs["separated"])


def most_together(set_name, level):
    runs = at(runs_of(set_name, "two"), int(level))
    return more_than(runs, runs["separated"], HALF)


def not_before(set_name, first, last):
    runs = at(runs_of(set_name, "three"), int(first), int(last)).dropna(subset="available")
    return never(runs, runs["available"] > runs["available_end"])


def by_chance(set_name, level):
    rows = again.table(set_name, "03_extension_sweep-chance")
    rows = rows[(rows["kind"] == "counts") & (rows["extension"] >= int(level))]
    masks = rows.loc[rows.index.repeat(rows["masks"])]
    number = masks.groupby(level=0).cumcount()
    return never(masks, number < masks["separated"])


def wide_one_layer(set_name, level):
    runs = at(runs_of(set_name, "one"), int(level))
    return never(runs, runs["separated"])


def remedy(set_name):
    specs = again.asked(set_name, "03_extension_sweep").by_layer()
    remedied = by_run(again.of(again.table(set_name, "03_extension_sweep-levels"), specs))
    remedied, wide = at(remedied, 14), at(runs_of(set_name, "one"), 14)
    wide = wide[wide["stratum"].isin(remedied["stratum"])]
    hits = [runs.set_index("draw")["separated"].astype(float) for runs in (remedied, wide)]
    interval, n = again.difference_of_shares(*hits), len(remedied) + len(wide)
    return Found([interval], ABOVE_ZERO, n, remedied["draw"].nunique())


# claim 2


def ranked(values, given):
    """The chance that ours is the smaller, for each of theirs among ours of its stratum."""
    chances = []
    for row in given.itertuples():
        ours = values[values["stratum"] == row.stratum]["value"]
        if len(ours):
            chances.append(((ours < row.value).sum() + (ours == row.value).sum() / 2) / len(ours))
    used = values[values["stratum"].isin(given["stratum"])]
    return Found([again.mean(chances)], (0.4, 0.6), **size(used))


def single_runs(name, network):
    rows = again.theirs(name).query("network == @network")
    values = []
    for row in rows.itertuples():
        values += [(row.extension_level, float(v)) for v in str(row.available_per_run).split()]
    return pd.DataFrame(values, columns=["stratum", "value"])


def available_separated(set_name, layers):
    runs = runs_of(set_name, layers).dropna(subset="available")
    runs = runs.assign(value=runs["available"])
    return ranked(runs, single_runs("active_available_at_split", NUMBERS[layers]))


def available_degraded(set_name):
    runs = by_run(family(set_name, "three"))
    runs = runs[runs["degraded"]].assign(value=lambda rows: rows["available_end"])
    return ranked(runs, single_runs("active_available_at_degradation", "3mini"))


def active_share(set_name):
    given = again.theirs("final_active_fraction_2layer")[
        ["extension_level", "active_fraction_of_available"]
    ].set_axis(["stratum", "value"], axis=1)
    runs = runs_of(set_name, "two")
    return ranked(runs.assign(value=runs["active_end"] / runs["available_end"]), given)


def active_stay(set_name, least, most):
    runs = runs_of(set_name, "two").dropna(subset="active")
    levels = [runs[same] for same in masks(runs["stratum"])]
    level, means, shown = 1 - 0.05 / len(levels), [], []
    for own in levels:
        interval = again.mean_over_draws(own["active"], own["draw"], level)
        if not np.isnan(interval[0]):
            means.append(interval)
            shown.append(own)
    return Found(means, (float(least), float(most)), **size(pd.concat(shown)))


def curve(set_name, state, points):
    given = again.theirs("inactive_zombie").dropna(subset=f"{state}_relative")
    given = given.set_index(["extension_level", "available_weights"])[f"{state}_relative"]
    rows = family(set_name, "two")
    rows = rows.assign(draw=again.draw_of(rows), share=rows[state] / rows["available"])
    ours = rows.groupby(["prune.levels", "available", "draw"])["share"].mean()
    lost = {key: share - given[key[:2]] for key, share in ours.items() if key[:2] in given.index}
    assert len({key[:2] for key in lost}) == int(points)
    interval = again.mean_over_draws(list(lost.values()), [draw for _, _, draw in lost])
    used = rows[rows["prune.levels"].isin({level for level, _, _ in lost})]
    return Found([interval], (-0.02, 0.02), used["run"].nunique(), used["draw"].nunique())


# claim 3


@cache
def grid(set_name):
    """Runs of the grid of widths and numbers of levels, with their rate per level."""
    specs = again.asked(set_name, "04_pruning_level_sweep").square()
    runs = by_run(again.of(again.table(set_name, "04_pruning_level_sweep-levels"), specs))
    shapes = [[int(width) for width in base.split("-")] for base in runs["base"]]
    weights = np.array([sum(a * b for a, b in pairwise(s)) for s in shapes])
    rate = 1 - (112 / weights) ** (1 / runs["stratum"])
    return runs.assign(width=[shape[1] for shape in shapes], rate=rate)


def of_width(set_name, width):
    runs = grid(set_name)
    return runs[runs["width"] == int(width)]


def width_never(set_name, width):
    return never(of_width(set_name, width), of_width(set_name, width)["separated"])


def width_does(set_name, width):
    runs = of_width(set_name, width)
    return more_than(runs, runs["separated"], MORE_THAN_RARE)


def as_many_by_width(set_name, width):
    given = again.theirs("separations_by_size_and_levels")
    given = given[given["hidden_width"] == int(width)]
    given = given[["pruning_levels", "n_separated", "n_runs"]]
    runs = of_width(set_name, width)
    given = given.set_axis(["stratum", "count", "runs"], axis=1)
    return like_theirs(runs, runs["separated"], given)


def gentle(set_name, rate, width):
    runs = of_width(set_name, width)
    runs = runs[runs["rate"] < float(rate)]
    return at_each(runs, runs["separated"])


def harsh(set_name, rate, width):
    runs = of_width(set_name, width)
    runs = runs[runs["rate"] > float(rate)]
    return never(runs, runs["separated"])


def active_at_end(set_name, width):
    given = again.theirs("grid_width48_active_weights")
    given = given[["pruning_levels", "active_weights_at_end"]].set_axis(
        ["stratum", "value"], axis=1
    )
    runs = of_width(set_name, width)
    found = ranked(runs.assign(value=runs["active_end"]), given)
    return Found(found.intervals, found.allowed, **size(runs))


PATTERNS = {
    r"of (\w+)-layer networks as many (separate|degrade) as in the thesis "
    r"\(mean difference over the levels less than 0\.1\)": as_many_by_level,
    r"two-layer networks do not (separate|degrade) (?:below|before).* level (\d+)": none_below,
    r"most two-layer networks separate at each level from (\d+) on": most_at_each,
    r"most two-layer networks separate at levels (\d+) and above taken together": most_together,
    r"three-layer networks of levels (\d+) to (\d+) separate at their last.*": not_before,
    r"control: random masks with the weights per layer and level of the two-layer networks of "
    r"level (\d+) and above do not separate": by_chance,
    r"one-layer networks do not separate from extension level (\d+) on": wide_one_layer,
    r"our reason: global pruning takes the output layer first, so that pruned layer by layer "
    r"more of these networks separate": remedy,
    r"(\w+)-layer networks have as many available weights at separation as.*": available_separated,
    r"three-layer networks have as many available weights when they degrade.*": available_degraded,
    r"as large a share of the remaining weights is active at the end as in theirs .*": active_share,
    r"mean active weights at separation stay between (\d+) and (\d+) at every level "
    r"\(two layers\)": active_stay,
    r"the share of (inactive|zombie) weights follows the thesis' curves: mean difference over "
    r"(\d+) points less than 0\.02": curve,
    r"width (\d+) never separates at target 112": width_never,
    r"width (\d+) does separate at target 112: more than 2% of its networks": width_does,
    r"of width (\d+) as many separate as in the thesis \(mean difference over the numbers of "
    r"levels less than 0\.1\)": as_many_by_width,
    r"rates below ([\d.]+) separate width (\d+) consistently .*": gentle,
    r"no rate above ([\d.]+) separates width (\d+)": harsh,
    r"width (48) has as many active weights at the end as theirs: .*": active_at_end,
}
