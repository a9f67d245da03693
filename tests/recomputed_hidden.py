"""Claims 13 to 15 from the kept tables of notebook 10: a function for each pattern."""

import recomputed as again
from recomputed import HALF, Found
from recomputed_points import more_than, never, size

NOTEBOOK = "10_hidden_structure"
SCULPTING = {0: 1.0, 1: 0.97, 2: 0.92, 3: 0.64}  # its lowest success rate, by common inputs


def kept(set_name, name):
    return again.table(set_name, f"{NOTEBOOK}-{name}")


# claim 13


def blocks(set_name, bank):
    rows = kept(set_name, "found").query("method == 'tickets' and bank == @bank")
    rows = rows[rows["condition"] == "1000 examples"]
    interval = again.exact_share(rows["exact"].sum(), len(rows))
    return Found([interval], HALF, **size(rows))


def one_block(set_name):
    rows = kept(set_name, "found").query("method == 'tickets'")
    rows = rows[rows["condition"].str.endswith("one block")]
    return never(rows, rows["index"] < 1 - 1e-6)


def more_than_each(set_name, others, where):
    """Of each draw the mean over its conditions (and banks), tickets less each other method."""
    rows = kept(set_name, "found")
    banks = list(rows["bank"].unique())
    asked = len(banks) + 1 if len(banks) > 1 else 1
    rows = rows[rows["bank"].isin(banks if where == "all banks" else [where])]
    means = rows.groupby(["draw", "method"])["index"].mean().unstack()
    methods = [method for method in means if method != "tickets"]
    assert len(methods) == int(others)
    level = 1 - 0.05 / (len(methods) * asked)
    intervals = [again.mean(means["tickets"] - means[method], level) for method in methods]
    n = int((rows["method"] == "tickets").sum())
    return Found(intervals, (0, 2), n, rows["draw"].nunique())


def more_accurate(set_name, most, bank, margin):
    examples = {c.title: c.n_samples for c in again.asked(set_name, NOTEBOOK).conditions}
    rows = kept(set_name, "scores").query("bank == @bank")
    rows = rows[rows["condition"].map(examples) <= int(most)]
    interval = again.mean_over_draws(rows["ticket"] - rows["dense"], rows["draw"])
    return Found([interval], (float(margin) / 100, 1), **size(rows))


# claim 14


def many(set_name, least):
    rows = kept(set_name, "many")
    return rows[rows["chosen"] & (rows["k"] >= int(least))]


def many_found(set_name, least, margin):
    rows = many(set_name, least).assign(excess=lambda rows: rows["index"] - rows["null"])
    numbers = [own for _, own in rows.groupby("k")]
    level = 1 - 0.05 / len(numbers)
    intervals = [again.mean_over_draws(own["excess"], own["draw"], level) for own in numbers]
    return Found(intervals, (float(margin), 2), **size(rows))


def many_exactly(set_name, least):
    rows = many(set_name, least)
    return more_than(rows, rows["index"] > 1 - 1e-6, HALF)


PLAIN = "inputs == 2 and distractors == 0"


def weaker_is_lost(set_name):
    rows = kept(set_name, "unequal").query(f"{PLAIN} and (noise > 0 or weight < 1)")
    return more_than(rows, rows["lost"].isin(["second", "never learned"]), HALF)


CELLS = {
    "with eight inputs against two has more": "inputs == 8",
    "whose loss weighs 0.2 has fewer": f"{PLAIN} and weight == 0.2 and noise == 0",
    "with a fifth of its labels flipped has fewer": f"{PLAIN} and weight == 1 and noise == 0.2",
}


def of_the_weights(set_name, which):
    rows = kept(set_name, "unequal").query(CELLS[which]).dropna(subset=["share"])
    interval = again.mean_over_draws(rows["share"], rows["draw"])
    return Found([interval], HALF if which.endswith("more") else (0.0, 0.5), **size(rows))


# claim 15


def inner(set_name, overlap, margin):
    rows = kept(set_name, "inner").query(f"overlap == {overlap}")
    assert ((rows["pure"] > 1 - 1e-6) == rows["found"]).all()
    return more_than(rows, rows["found"], (SCULPTING[int(overlap)] - float(margin), 1.0))


PATTERNS = {
    r"tickets find (\w+) blocks exactly, of 1000 examples, in most draws": blocks,
    r"a single block is never divided, nor loses an input": one_block,
    r"tickets find more than each of (\d+) other methods \((.*)\)": more_than_each,
    r"of at most (\d+) examples tickets are more accurate than dense networks \((\w+), by more "
    r"than ([\d.]+) points\)": more_accurate,
    r"(\d+) tasks and more are found: index above that of random masks \(by more than "
    r"([\d.]+)\)": many_found,
    r"(\d+) tasks and more are found exactly in most runs": many_exactly,
    r"of two unequal tasks the noisier, or lighter, one is lost first, or never learned, in most "
    r"runs": weaker_is_lost,
    r"the task (.*) than half of the weights once the tasks are apart": of_the_weights,
    r"inner functions that share (\d) inputs are found at least as often as by sculpting \(not "
    r"rarer by more than ([\d.]+)\)": inner,
}
