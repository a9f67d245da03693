"""Claims 7 to 9 from the kept tables: a function for each pattern of statements."""

from functools import cache

import numpy as np
import pandas as pd
import recomputed as again
from recomputed import ABOVE_ZERO, MORE_THAN_RARE, NEVER, NOTHING, Found

from lth_utils.config import run_id

SAME = (-0.005, 0.005)
FEWEST_TRIALS = 8

# claim 7


@cache
def main(set_name):
    specs = again.asked(set_name, "02_mnist_fashion").main()
    return again.of(again.table(set_name, "02_mnist_fashion-levels"), specs)


def at_separation(set_name):
    rows = main(set_name)
    return rows[rows["status"] == "separated"].drop_duplicates("run").set_index("run")


def of_one_draw(intervals, allowed, n, **more):
    return Found([intervals], allowed, n, 1, **more)


def every_seed(set_name):
    runs = main(set_name)["run"].nunique()
    together = runs - len(at_separation(set_name))
    interval = again.exact_share(together, runs)
    return of_one_draw(interval, NEVER, runs, hits=together)


def accuracy(set_name, least, most):
    separated = at_separation(set_name)
    allowed = (int(least) / 100 - 0.005, int(most) / 100 + 0.005)
    return of_one_draw(again.mean(separated["accuracy"]), allowed, len(separated))


def weights(set_name, least, most):
    separated = at_separation(set_name)
    allowed = (float(least), float(most))
    return of_one_draw(again.mean(separated["available"]), allowed, len(separated))


def below_peak(set_name):
    separated = at_separation(set_name)
    peak = main(set_name).groupby("run")["accuracy"].max()
    lost = (peak - separated["accuracy"]).dropna()
    return of_one_draw(again.mean(lost), ABOVE_ZERO, len(separated))


def curve(set_name, sizes):
    ours = main(set_name).pivot(index="available", columns="run", values="accuracy")
    theirs = again.theirs("mnist_fashion")
    theirs = theirs.pivot(index="unpruned_weights", columns="run", values="mean_accuracy")
    both = ours.dropna().add_prefix("ours ").join(theirs.dropna(), how="inner")
    assert len(both) == int(sizes)
    means = both.mean()
    first, second = means.iloc[: ours.shape[1]], means.iloc[ours.shape[1] :]
    allowed = second.min() + SAME[0], second.max() + SAME[1]
    return of_one_draw(again.mean(first), allowed, len(first))


def task_curve(set_name, task):
    theirs = again.theirs("mnist_fashion_taskwise").query("task == @task")
    theirs = theirs[theirs["n_runs"] == theirs["n_runs"].max()]
    theirs = theirs.set_index("unpruned_weights")["accuracy_mean"]
    rows = main(set_name)
    rows = rows[rows["available"].isin(theirs.index)]
    lost = rows[f"accuracy_{task}"] - rows["available"].map(theirs)
    means = lost.groupby(rows["run"]).mean()
    return of_one_draw(again.mean(means), SAME, len(means))


def no_leak(set_name):
    parts = again.table(set_name, "02_mnist_fashion-purity")
    leak = abs(parts["accuracy"] - parts["accuracy_cut"])
    return of_one_draw((leak.min(), leak.max()), (0.0, 1e-6), len(parts))


def own_image(set_name):
    parts = again.table(set_name, "02_mnist_fashion-purity")
    mixed = int((parts["own_inputs"] < parts["inputs"]).sum())
    interval = again.exact_share(mixed, len(parts))
    return of_one_draw(interval, NEVER, len(parts), hits=mixed)


def loss_definition(set_name):
    """The one variant that is trained on another loss, at the sizes and seeds that both have."""
    methods = list(again.asked(set_name, "02_mnist_fashion").methods().values())
    (other,) = [specs for specs in methods if specs[0].train.loss != methods[0][0].train.loss]
    rows = again.table(set_name, "02_mnist_fashion-levels")
    both = again.of(rows, methods[0]).merge(again.of(rows, other), on=["seed", "available"])
    difference = (both["accuracy_y"] - both["accuracy_x"]).groupby(both["seed"]).mean()
    return of_one_draw(again.mean(difference), SAME, len(other))


def varying_pixels(set_name, network):
    rows = again.table(set_name, "02_mnist_fashion-correlation").query("network == @network")
    end = rows.sort_values("level").iloc[-1]
    ends = [end["correlation"] - end[f"permuted_{name}"] for name in ("high", "low")]
    return of_one_draw(tuple(ends), ABOVE_ZERO, 1)


def connected_inputs(set_name):
    rows = again.table(set_name, "02_mnist_fashion-correlation").set_index(["network", "level"])
    ratios, networks = [], set()
    for theirs in again.theirs("input_connectivity").itertuples():
        inputs, width = (int(n) for n in theirs.network.split("-")[:2])
        key = theirs.dataset, theirs.pruning_level
        of_their_size = rows.loc[(theirs.dataset, 0), "available"] == inputs * width
        counts = [rows.loc[key, "connected"], theirs.inputs_connected] if key in rows.index else []
        if of_their_size and counts and min(counts) < theirs.inputs:
            ratios.append(rows.loc[key, "connected"] / theirs.inputs_connected)
            networks.add(theirs.dataset)
    interval = again.mean(np.log(ratios))
    return of_one_draw(tuple(np.exp(interval)), (0.9, 1 / 0.9), len(networks))


# claim 8

VARIANTS = {
    "the ticket's mask with resampled weights": "resampled, trained",
    "the same as its paper says": "resampled, initial",
    "with the mask shuffled within each layer it is worse, too, from trained": "remasked, trained",
    "with the mask shuffled within each layer it is worse, too, from initial": "remasked, initial",
    "control: the mask with a fresh initialisation": "fresh",
    "control: signs kept, magnitudes drawn anew": "signs",
}


@cache
def lost(set_name):
    """Per network, rounds and variant what its trials lose against their tickets, with p."""
    trials = again.table(set_name, "06_weight_distributions-trials")
    rows = []
    for (network, rounds), at in trials.groupby(["network", "rounds"]):
        wide = at.pivot(index="seed", columns="variant", values="best_accuracy")
        for variant in set(wide) - {"ticket"} if "ticket" in wide else ():
            drops = (wide["ticket"] - wide[variant]).dropna()
            rows.append((network, rounds, variant, drops, again.paired(drops)))
    names = ["network", "rounds", "variant", "drops", "p"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(corrected=again.holm(table["p"]))


def worse(set_name, what, network):
    rows = lost(set_name)
    (variant,) = [name for words, name in VARIANTS.items() if what.startswith(words)]
    rows = rows[(rows["network"] == network) & (rows["variant"] == variant)]
    trials = min(map(len, rows["drops"]))
    enough = trials >= FEWEST_TRIALS
    intervals = [again.mean(drops) for drops in rows["drops"]] if enough else [NOTHING]
    return Found(intervals, (0.0, 1.0), trials, 1, rows["p"].max(), rows["corrected"].max())


# claim 9


def smallest(at):
    """The smallest size down to which all sizes keep the largest one's accuracy within a point."""
    at = at.sort_values("available", ascending=False)
    kept = at["available"].iloc[0]
    for row in at.itertuples():
        if row.accuracy < at["accuracy"].iloc[0] - 0.01:
            break
        kept = row.available
    return kept


def smaller_sizes(set_name, scope, measure):
    column = "early" if measure == "at the lowest test loss" else "final"
    rows = again.table(set_name, "07_one_shot_or_iterative-trials").query("scope == @scope")
    rows = rows.assign(accuracy=rows[f"{column}_accuracy"])
    sizes = {key: smallest(at) for key, at in rows.groupby(["method", "seed"])}
    sizes = pd.Series(sizes).unstack(0)
    pairs = sizes[["iterative", "one-shot"]].dropna()
    low, high = again.mean(np.log(pairs["one-shot"] / pairs["iterative"]))
    found = np.unique(sizes.stack())
    step = min(found[1:] / found[:-1]) if len(found) > 1 else np.inf
    return of_one_draw((np.exp(low) / step, np.exp(high) * step), (1.0, np.inf), len(pairs))


def equal_compute(set_name, most, epochs, measure):
    column = "early_accuracy" if measure == "at the lowest test loss" else "final_accuracy"
    rounds = again.table(set_name, "07_one_shot_or_iterative-rounds")
    once = again.table(set_name, "07_one_shot_or_iterative-equal-compute")
    once = once[once["epochs"] == epochs]
    last = {}
    for name, rows in {"many": rounds[rounds["rounds"] == int(most)], "once": once}.items():
        last[name] = rows.sort_values("level").groupby("seed")[column].last()
    gains = (last["many"] - last["once"]).dropna()
    return of_one_draw(again.mean(gains), (0.0, np.inf), len(gains))


def one_shot_separates(set_name):
    specs = again.asked(set_name, "07_one_shot_or_iterative").toys()["one-shot"]
    rows = again.table(set_name, "07_one_shot_or_iterative-levels")
    rows = rows[rows["run"].isin([run_id(spec) for spec in specs])]
    rows = rows.assign(draw=again.draw_of(rows), apart=rows["status"] == "separated")
    runs = rows.groupby(["run", "draw"])["apart"].any().reset_index()
    interval = again.share(runs["apart"], runs["draw"])
    return Found([interval], MORE_THAN_RARE, len(runs), runs["draw"].nunique())


PATTERNS = {
    r"image networks separate in every seed: none stays together": every_seed,
    r"they separate at (\d+) to (\d+) % mean accuracy": accuracy,
    r"they separate with (\d+) to (\d+) weights left, on average": weights,
    r"at separation the accuracy is below the peak of the same run": below_peak,
    r"at equal size their mean accuracy is ours, within 0\.5 points.* (\d+) sizes\)": curve,
    r"at equal size the accuracy on (\w+) is ours, within 0\.5 points": task_curve,
    r"separated means no leak: cut out, each part is as accurate as in the whole": no_leak,
    r"no part receives input from the other image": own_image,
    r"the loss: whether it is the mean of the tasks' .*less than 0\.5 points": loss_definition,
    r"the remaining weights gather at the pixels that vary \((\w+), last level\)": varying_pixels,
    r"as many inputs are connected as in the thesis' pictures, within a tenth": connected_inputs,
    r"(.* than the ticket.*|the same as .*|with the mask shuffled .*) \((\w+)\)": worse,
    r"iterative pruning keeps the dense network's accuracy \(within a point\) at smaller sizes "
    r"than one-shot \((\w+), (.*)\)": smaller_sizes,
    r"(\d+) rounds of pruning are more accurate than one with as many epochs in all, (.*) "
    r"\((.*)\)": equal_compute,
    r"one-shot pruning separates networks, too: more than 2%.*": one_shot_separates,
}
