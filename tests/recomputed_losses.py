"""Claims 4 and 6 from the kept tables: losses of separated networks, and the order of layers."""

import numpy as np
import recomputed as again
from recomputed import ABOVE_ZERO, HALF, MORE_THAN_RARE, Found
from recomputed_points import family, more_than, size

# claim 4

LOSSES = {"the points that training watched": "watched_loss"}
LOSSES["points that training never watched"] = "loss"


def rank(set_name, points, which):
    rows = family(set_name, "two")
    rows = rows.set_index(again.draw_of(rows).rename("draw"))
    apart, others = rows[rows["status"] == "separated"], rows[rows["status"] != "separated"]
    if which == "as many active weights":
        others = others[others["active"].between(*np.percentile(apart["active"], [5, 95]))]
    interval = again.chance_lower(apart[LOSSES[points]], others[LOSSES[points]])
    return Found([interval], HALF, apart["run"].nunique(), apart.index.nunique())


def separated_rows(set_name, keep):
    rows = family(set_name, "two")
    rows = rows[rows["status"] == "separated"].drop_duplicates("run", keep=keep)
    return rows.assign(draw=again.draw_of(rows))


def reached(set_name, least, most):
    rows = separated_rows(set_name, "first")
    rows = rows[rows["watched_loss"] < 0.08]
    interval = again.median_over_draws(rows["watched_loss"], rows["draw"])
    return Found([interval], (float(least), float(most)), **size(rows))


def lost_a_task(set_name, loss):
    rows = separated_rows(set_name, "last")
    return more_than(rows, rows["watched_loss"] > float(loss), MORE_THAN_RARE)


# claim 6


def decided(set_name):
    rows = again.table(set_name, "03_extension_sweep-decided")
    seen = [f"decided_outputs_{n}" for n in (1, 2, 3)]
    whole = rows.assign(whole=rows[seen].notna().all(axis=1))
    return rows, rows[whole.groupby(["run", "level"])["whole"].transform("all")], seen


def last_first(set_name):
    _, whole, seen = decided(set_name)
    own = whole[whole["kind"] == "run"].groupby(["run", "draw"])[seen].mean().reset_index()
    one, two, three = (own[name] for name in seen)
    return more_than(own, (one < two) & (two < three), HALF)


def late(set_name):
    rows = decided(set_name)[0]
    rows = rows[rows["kind"] == "run"]
    levels = {}
    for name in ("decided_inputs_4", "decided_outputs_3"):
        levels[name] = rows[rows[name] >= 0.5].groupby(["draw", "run"])["level"].min()
    later = (levels["decided_inputs_4"] - levels["decided_outputs_3"]).dropna()
    interval = again.mean_over_draws(later, later.index.get_level_values("draw"))
    return Found([interval], ABOVE_ZERO, rows["run"].nunique(), rows["draw"].nunique())


NULLS = {"of as many weights per layer": "counts"}
NULLS["whose units have as many weights in and out"] = "degrees"


def lead(set_name, masks_that):
    _, whole, seen = decided(set_name)
    whole = whole.assign(lead=whole[seen[2]] - whole[seen[0]])
    # a run's random masks are all measured at the same levels, so that their rows weigh the same
    means = whole.groupby(["kind", "draw", "run"])["lead"].mean()
    excess = (means["run"] - means[NULLS[masks_that]]).dropna()
    draws = excess.index.get_level_values("draw")
    interval = again.mean_over_draws(excess, draws)
    return Found([interval], ABOVE_ZERO, len(excess), draws.nunique())


PATTERNS = {
    r"separated networks are among those of lowest loss on (.*): chance that one has a lower one "
    r"than a network of (.*) that is not": rank,
    r"separated networks that solve both tasks have a validation loss between ([\d.]+) and "
    r"([\d.]+)": reached,
    r"a separated network may have lost a task: more than 2% have a loss above (.*)": lost_a_task,
    r"seen from the outputs, the last hidden layer decides first, then the one before": last_first,
    r"seen from the inputs it happens late: .*": late,
    r"the lead of the last hidden layer over the first, in decided neurons seen from the "
    r"outputs, is learned: larger than in random masks (.*)": lead,
}
