"""Whether the claims of the thesis hold: theirs, ours with its interval, the test, the verdict.

Three verdicts, by one rule: *agrees* where our 95 % interval (or every one of several) lies inside what
the claim says, *differs* where it lies outside, *cannot tell* where it straddles the boundary.  A claim
that something never happens is refuted by one case, and the row then says how likely it was for the
thesis, with its number of runs, not to see any; it is confirmed only by at least as many runs as theirs.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lth_utils.claims import compare, holm, reference, share, theirs_by_level
from lth_utils.connectivity import OUTCOMES
from lth_utils.trials import ever, interval, their_loss

COLUMNS = ["claim", "statement", "theirs", "ours", "runs", "test", "p", "verdict", "note"]
SEPARATED = ("separated", "separated-degraded")
DEGRADED = ("degraded", "separated-degraded")
WILSON = "95 % interval (Wilson)"
ALPHA = 0.05
SAME = 0.005
"""Accuracies that differ by less count as the same."""


def _row(claim: str, statement: str, theirs: str, ours: str, runs: int, test: str, verdict: str, p: float = np.nan, note: str = "") -> dict:
    return dict(zip(COLUMNS, (claim, statement, theirs, ours, runs, test, p, verdict, note), strict=True))


def _verdict(inside: Sequence[bool], outside: Sequence[bool]) -> str:
    return "agrees" if len(inside) and all(inside) else "differs" if any(outside) else "cannot tell"


def _percent(value: float, low: float, high: float) -> str:
    return f"{value:.0%} ({low:.0%} to {high:.0%})"


def _never(claim, statement, count: int, runs: int, theirs: tuple[int, int]) -> dict:
    """A claim that something does not happen; theirs: its count and runs in the thesis."""
    if not runs:
        return _row(claim, statement, f"{theirs[0]} of {theirs[1]}", "no runs", 0, WILSON, "cannot tell")
    value, low, high = share(count, runs)
    chance = (1 - value) ** theirs[1]
    note = f"the thesis had a chance of {chance:.1%} to see none in {theirs[1]} runs" if count else f"at most {high:.1%} by our interval"
    verdict = "differs" if count else "agrees" if runs >= theirs[1] else "cannot tell"
    return _row(claim, statement, f"{theirs[0]} of {theirs[1]}", f"{count} of {runs}, {_percent(value, low, high)}", runs, WILSON, verdict, note=note)


def _ever(levels: pd.DataFrame, words: Sequence[str]) -> tuple[int, int]:
    return int(levels[list(words)].to_numpy().sum()), int(levels["runs"].sum())


def ever_separated(levels: pd.DataFrame, network: str, first: int) -> dict:
    """How many runs of a family ever separated, at extension level `first` and above, as plain values with a sentence."""
    count, runs = _ever(levels[(levels["network"] == network) & (levels["extension"] >= first)], SEPARATED)
    if not runs:
        return {"separated": 0, "runs": 0, "sentence": f"no two-layer network was extended {first} levels or more"}
    value, low, high = share(count, runs)
    return {"separated": count, "runs": runs, "share": value, "share_low": low, "share_high": high,
            "sentence": f"{count} of {runs} two-layer networks extended {first} levels or more separated, {value:.0%} "
                        f"(95 % interval {low:.0%} to {high:.0%})"}


def _bootstrap(values: np.ndarray, statistic=np.mean, draws: int = 2000) -> tuple[float, float]:
    """95 % percentile interval of a statistic of the rows of `values`."""
    values = np.asarray(values, float)
    picks = np.random.default_rng(0).integers(0, len(values), (draws, len(values)))
    low, high = np.percentile([statistic(values[p]) for p in picks], [2.5, 97.5])
    return float(low), float(high)


# ---------------------------------------------------------------------- the extension sweep
def extension(levels: pd.DataFrame, runs: pd.DataFrame, table: pd.DataFrame, layers: pd.DataFrame) -> pd.DataFrame:
    """Claims 1, 2, 4, 5 and 6.

    levels, runs: as ``claims.by_level`` and ``claims.outcomes`` of both readings; table: level rows of the
    two-layer runs; layers: as ``claims.layers``, of three-layer runs that separated.
    """
    theirs = theirs_by_level()
    rows = [*_outcome_counts(levels, theirs), *_where_it_separates(levels[levels["network"] == "2"], theirs[theirs["network"] == "2"]),
            *_weights(runs[runs["network"] == "2"].dropna(subset=["level"])), *_loss(table),
            *_one_layer(levels[levels["network"] == "1"], theirs[theirs["network"] == "1"]), *_layers(layers)]
    return pd.DataFrame(rows, columns=COLUMNS).sort_values("claim", kind="stable", ignore_index=True)


def _outcome_counts(levels: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    rows = []
    for network, name in (("1", "one"), ("2", "two"), ("3", "three")):
        ours = levels[levels["network"] == network]
        both = compare(ours, theirs[theirs["network"] == network], ["extension"], list(OUTCOMES))
        if both.empty:
            continue
        least, differ = both["p_corrected"].min(), int((both["p_corrected"] < ALPHA).sum())
        where = f" (levels {', '.join(map(str, both.loc[both['p_corrected'] < ALPHA, 'extension']))})" if differ else ""
        rows.append(_row("1", f"{name}-layer networks: the counts of outcomes at every extension level", f"{both['runs_thesis'].max()} runs each",
                         f"{differ} of {len(both)} levels differ{where}", int(both["runs"].sum()), "exact test per level, corrected after Holm",
                         "differs" if differ else "agrees" if (both["runs"] >= both["runs_thesis"]).all() else "cannot tell", least,
                         f"smallest uncorrected p {both['p'].min():.2g}; few runs of theirs, so only large differences can show"))
    return rows


def _where_it_separates(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    def upto(table, top):
        return table[table["extension"] <= top]

    rows = [_never("1", "two-layer networks do not separate below extension level 7",
                   *_ever(upto(ours, 6), SEPARATED), _ever(upto(theirs, 6), SEPARATED))]
    above, given = ours[ours["extension"] >= 9], theirs[theirs["extension"] >= 9]
    given_share = given[list(SEPARATED)].sum(axis=1) / given["runs"]
    if len(above):
        least = above.loc[above["share"].idxmin()]
        rows.append(_row("1", "most two-layer networks separate at each level from 9 on", f"{given_share.min():.0%} to {given_share.max():.0%} of 4",
                         f"least at level {least['extension']}: {_percent(*least[['share', 'share_low', 'share_high']])}",
                         int(above["runs"].sum()), f"{WILSON} of every level against one half",
                         _verdict(above["share_low"] > 0.5, above["share_high"] < 0.5)))
        count, total = _ever(above, SEPARATED)
        rows.append(_row("1", "most two-layer networks separate at levels 9 and above taken together", "{} of {}".format(*_ever(given, SEPARATED)),
                         f"{count} of {total}, {_percent(*share(count, total))}", total, f"{WILSON} against one half",
                         _verdict([share(count, total)[1] > 0.5], [share(count, total)[2] < 0.5])))
    rows.append(_never("1", "two-layer networks do not degrade before extension level 10",
                       *_ever(upto(ours, 9), DEGRADED), _ever(upto(theirs, 9), DEGRADED)))
    return rows


def _weights(there: pd.DataFrame) -> list[dict]:
    groups = {level: rows for level, rows in there.groupby("extension") if len(rows) >= 3}
    if not groups:
        return []
    split = reference("active_available_at_split").query("network == '2'").set_index("extension_level")
    rows, bounds = [], {level: _bootstrap(g["active"].to_numpy(float)) for level, g in groups.items()}
    means = {level: float(g["active"].mean()) for level, g in groups.items()}
    off = [level for level, (low, high) in bounds.items() if high < 80 or low > 120]
    rows.append(_row("2", "mean active weights at separation stay between 80 and 120 at every level (two layers)",
                     f"{split['active_mean'].min():.0f} to {split['active_mean'].max():.0f}",
                     f"{min(means.values()):.0f} to {max(means.values()):.0f}" + (f"; outside at levels {', '.join(map(str, off))}" if off else ""),
                     len(there), "95 % interval per level (bootstrap)",
                     _verdict([low >= 80 and high <= 120 for low, high in bounds.values()], [bool(off)])))
    top = max(groups)
    low, high = _bootstrap(groups[top]["available"].to_numpy(float))
    first, theirs = min(groups), split["available_mean"]
    rows.append(_row("2", "available weights at separation grow from 112 to about 900 (two layers)",
                     f"{theirs.iloc[0]:.0f} at level {split.index[0]}, {theirs.iloc[-1]:.0f} at level {split.index[-1]}",
                     f"{groups[first]['available'].mean():.0f} at level {first}, "
                     f"{groups[top]['available'].mean():.0f} ({low:.0f} to {high:.0f}) at level {top}",
                     len(there), "95 % interval at the highest level (bootstrap)", "cannot tell" if top < split.index[-1] else
                     _verdict([low <= theirs.iloc[-1] <= high], [not low <= theirs.iloc[-1] <= high])))
    return rows


def _loss(table: pd.DataFrame) -> list[dict]:
    """How a separated state ranks among the others of about as many active weights, and how often it lost a task."""
    apart = table["status"] == "separated"
    if not apart.any():
        return []
    like = table["active"].between(*table.loc[apart, "active"].quantile([0.05, 0.95]))
    lost, total = int((table.loc[apart].groupby("run")["loss"].last() > 0.08).sum()), table.loc[apart, "run"].nunique()
    rows = []
    for others, which in ((~apart, "a network of any size that is not"), (~apart & like, "one of as many active weights that is not")):
        if not others.any():
            continue
        values = np.sort(table.loc[others, "loss"].to_numpy())
        beats = 1 - np.searchsorted(values, table.loc[apart, "loss"]) / len(values)
        by_run = pd.Series(beats).groupby(table.loc[apart, "run"].to_numpy()).mean().to_numpy()
        low, high = _bootstrap(by_run)
        rows.append(_row("4", f"separated networks are among those of lowest validation loss: chance that one has a lower loss than {which}",
                         "above 0.5", f"{by_run.mean():.2f} ({low:.2f} to {high:.2f})", total, "95 % interval over runs (bootstrap)",
                         _verdict([low > 0.5], [high < 0.5])))
    cluster = reference("performance_clusters").query("cluster == 'low-loss cluster' and category == 'separated'").iloc[0]
    solved = table.loc[apart].groupby("run")["loss"].first()
    solved = solved[solved < 0.08].to_numpy()
    low, high = _bootstrap(solved, np.median) if len(solved) else (np.nan, np.nan)
    least, most = cluster["val_loss_min"], cluster["val_loss_max"]
    return [*rows,
        _row("4", "separated networks that solve both tasks have a validation loss between "
             f"{least} and {most}", f"centre {cluster['val_loss_centre']}", f"median {np.median(solved) if len(solved) else np.nan:.4f} "
             f"({low:.4f} to {high:.4f})", len(solved), "95 % interval of the median (bootstrap)",
             _verdict([least <= low and high <= most], [low > most or high < least]),
             note="the loss that can be reached depends on which points were drawn: see the variants"),
        _row("4", "a separated network may have lost a task: some have a loss above 0.08", "about 12 dots",
             f"{lost} of {total} runs, {_percent(*share(lost, total))}", total, WILSON, "agrees" if lost else "cannot tell",
             note="separation does not mean that both tasks are solved")]


def _one_layer(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    return [_never("5", "one-layer networks do not separate from extension level 14 on", *_ever(ours[ours["extension"] >= 14], SEPARATED),
                   _ever(theirs[theirs["extension"] >= 14], SEPARATED))]


def _layers(layers: pd.DataFrame) -> list[dict]:
    """Order and time in which layers decide; `layers` of runs of one width."""
    if layers.empty:
        return []
    last = int(layers["layer"].max())
    seen = layers.pivot_table(index="run", columns="layer", values="decided_outputs", aggfunc="mean")
    ordered = (seen[list(range(last))].diff(axis=1).iloc[:, 1:] > 0).all(axis=1)
    count, total = int(ordered.sum()), len(ordered)
    value, low, high = share(count, total)
    rows = [_row("6", "seen from the outputs, the last hidden layer decides first, then the one before, the inputs last", "one run: yes",
                 f"{count} of {total}, {_percent(value, low, high)}", total, f"{WILSON} against one half", _verdict([low > 0.5], [high < 0.5]))]
    half = {}      # the level at which half of a layer is decided, relative to the level at which the last layer is
    for side, layer in (("outputs", last - 1), ("inputs", last)):
        levels = layers[layers["layer"] == layer].pivot_table(index="run", columns="level", values=f"decided_{side}")
        half[side] = (levels >= 0.5).idxmax(axis=1)
    later = (half["inputs"] - half["outputs"]).to_numpy(float)
    given = reference("layer_separation").query("share_decided >= 0.5").groupby(["view_from", "layer"])["prunings_done"].min()
    low, high = _bootstrap(later)
    rows.append(_row("6", "seen from the inputs it happens late: the outputs are half decided so many prunings after the last hidden layer "
                     "is, seen from the outputs",
                     f"one run: {given['inputs', 'output'] - given['outputs', 'hidden-3']}",
                     f"{later.mean():.1f} ({low:.1f} to {high:.1f})", total, "95 % interval over runs (bootstrap)",
                     _verdict([low > 0], [high < 0])))
    return rows


# ---------------------------------------------------------------------- the pruning-level sweep
def pruning_levels(runs: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Claim 3.

    runs: as ``claims.outcomes`` with columns ``width`` and ``rate`` (effective, per level);
    theirs: ``claims.reference("separations_by_size_and_levels")``.
    """
    ever = runs.assign(ever=runs["outcome"].isin(SEPARATED))
    rows = []
    for width in (31, 38):
        mine, given = ever[ever["width"] == width], theirs[theirs["hidden_width"] == width]
        rows.append(_never("3", f"width {width} never separates at target 112", int(mine["ever"].sum()), len(mine),
                           (int(given["n_separated"].sum()), int(given["n_runs"].sum()))))
    for width in (48, 57):
        mine, given = ever[ever["width"] == width], theirs[theirs["hidden_width"] == width]
        if len(mine):
            value, low, high = share(int(mine["ever"].sum()), len(mine))
            rows.append(_row("3", f"width {width} does separate at target 112", f"{given['n_separated'].sum()} of {given['n_runs'].sum()}",
                             f"{mine['ever'].sum()} of {len(mine)}, {_percent(value, low, high)}", len(mine), WILSON,
                             "agrees" if value else "differs"))
    rows += _rates(ever[ever["width"] == 48], theirs[theirs["hidden_width"] == 48])
    names = {"hidden_width": "width", "pruning_levels": "levels", "n_separated": "apart", "n_runs": "runs"}
    cells = ever.groupby(["width", "levels"])["ever"].agg(apart="sum", runs="size").reset_index()
    cells, given = (t.assign(rest=t["runs"] - t["apart"]) for t in (cells, theirs.rename(columns=names)))
    both = compare(cells, given, ["width", "levels"], ["apart", "rest"])
    if len(both):
        differ = int((both["p_corrected"] < ALPHA).sum())
        rows.append(_row("3", "the number of separated runs in every cell of the grid", "4 runs each", f"{differ} of {len(both)} cells differ",
                         int(both["runs"].sum()), "exact test per cell, corrected after Holm", "differs" if differ else "agrees",
                         both["p_corrected"].min(), f"smallest uncorrected p {both['p'].min():.2g}"))
    return pd.DataFrame(rows, columns=COLUMNS)


def _rates(ever: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    """Width 48: what the pruning rate per level decides."""
    low_rates, given = ever[ever["rate"] < 0.41], theirs[theirs["pruning_levels"] >= 6]
    rows = []
    if len(low_rates):
        cells = low_rates.groupby("levels")["ever"].agg(["sum", "size"])
        bounds = [share(k, n) for k, n in cells.itertuples(index=False)]
        value, low, high = share(int(low_rates["ever"].sum()), len(low_rates))
        rows.append(_row("3", "rates below 0.41 separate width 48 consistently (most runs at each number of levels)",
                         f"{', '.join(map(str, given['n_separated']))} of {given['n_runs'].max()}",
                         f"{_percent(value, low, high)} taken together, by level {min(bounds)[0]:.0%} to {max(bounds)[0]:.0%}",
                         len(low_rates), f"{WILSON} of every number of levels against one half",
                         _verdict([b[1] > 0.5 for b in bounds], [b[2] < 0.5 for b in bounds])))
    if ever["ever"].any():
        top = ever.loc[ever["ever"], "rate"].max()
        at_top = ever[np.isclose(ever["rate"], top)]
        their_top = theirs[theirs["n_separated"] > 0].nlargest(1, "pruning_rate_effective_mean").iloc[0]
        rows.append(_row("3", "the largest rate that separates width 48 is about 0.65",
                         f"{their_top['pruning_rate_effective_mean']:.3f} ({their_top['n_separated']:.0f} of {their_top['n_runs']:.0f})",
                         f"{top:.3f} ({int(at_top['ever'].sum())} of {len(at_top)})", len(ever), "largest rate seen",
                         "agrees" if abs(top - their_top["pruning_rate_effective_mean"]) < 0.02 else "differs",
                         note="more runs see rarer events: a maximum can only grow with their number"))
    return rows


# ---------------------------------------------------------------------- images
def images(table: pd.DataFrame, purity: pd.DataFrame, correlation: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Claim 7; its numbers of weights and accuracies only where the networks are of the thesis' size.

    table: level rows of the main networks; purity: as ``claims.purity`` for those that separated;
    correlation: as ``claims.pixel_correlation``; found: as :func:`ways`.
    """
    given = reference("mnist_fashion")
    ends = given[given["separated_here"] == 1]
    apart = table[table["status"] == "separated"].groupby("run").first()
    count, runs = len(apart), table["run"].nunique()
    value, low, high = share(count, runs)
    dense = int(table["available"].max())
    alike = dense == given["unpruned_weights"].max()
    rows = [_row("7", "image networks separate in every seed", f"{len(ends)} of {given['run'].nunique()}",
                 f"{count} of {runs}, {_percent(value, low, high)}", runs, WILSON,
                 "differs" if count < runs else "agrees" if runs >= given["run"].nunique() else "cannot tell",
                 note="" if alike else f"smaller images: networks of {dense} weights, theirs of {given['unpruned_weights'].max()}")]
    if count:
        best = table.groupby("run")["accuracy"].max().loc[apart.index]
        their_best = given.groupby("run")["mean_accuracy"].max()
        outside = apart["accuracy"].min() > ends["mean_accuracy"].max() or apart["accuracy"].max() < ends["mean_accuracy"].min()
        few = count < len(ends)
        same_size = [
            _row("7", "they separate at 83 to 86 % mean accuracy", _range(ends["mean_accuracy"]), _range(apart["accuracy"]), count,
                 "ranges overlap or not", "differs" if outside else "cannot tell" if few else "agrees"),
            _row("7", "they separate with about 900 to 1300 weights left", _range(ends["unpruned_weights"], "{:.0f}"),
                 _range(apart["available"], "{:.0f}"), count, "ranges overlap or not",
                 "differs" if apart["available"].min() > ends["unpruned_weights"].max() or apart["available"].max() < ends["unpruned_weights"].min()
                 else "cannot tell" if few else "agrees")]
        rows += [
            *(same_size if alike else ()),
            _row("7", "at separation the accuracy is below the peak of the same run", _range(their_best) + " at the peak",
                 f"{_range(best)} at the peak, {(best - apart['accuracy']).min():.1%} or more above", count, "every run",
                 "differs" if (best <= apart["accuracy"]).any() else "cannot tell" if few else "agrees"),
            _row("7", "separated means no leak: cut out, each part is as accurate as in the whole", "not reported",
                 f"largest difference {(purity['accuracy'] - purity['accuracy_cut']).abs().max():.2%}", len(purity), "every part",
                 "agrees" if np.allclose(purity["accuracy"], purity["accuracy_cut"]) else "differs"),
            _row("7", "the parts hear their own image alone", _their_purity(), f"{_range(purity['own_share'])} of the inputs",
                 len(purity), "every part", "agrees" if (purity["own_share"] == 1).all() else "differs",
                 note="output coverage does not ask for it")]
    rows += _loss_definition(found)
    above = correlation[correlation["level"] > 0].assign(beyond=lambda t: t["correlation"] > t["permuted_high"])
    rows.append(_row("7", "the remaining weights gather at the pixels that vary", "by eye",
                     ", ".join(f"{name}: {g['correlation'].iloc[-1]:.2f} at the last level, beyond chance at {g['beyond'].sum()} of {len(g)} levels"
                               for name, g in above.groupby("network", sort=False)), len(above), "rank correlation against random pixels, 95 %",
                     _verdict(list(above["beyond"]), list(above["correlation"] < above["permuted_low"]))))
    return pd.DataFrame(rows, columns=COLUMNS)


def _loss_definition(found: pd.DataFrame) -> list[dict]:
    """Whether it matters that the thesis' text sums the tasks' losses and its code takes their mean."""
    base, other = found.iloc[0], found[found["loss"] != found["loss"].iloc[0]]
    return [_row("7", "the loss: whether it is the mean of the tasks' (their code) or the sum (their text) changes the accuracy at equal size "
                 f"by less than {100 * SAME} points", "not compared",
                 f"{_points(r.difference, r.difference_low, r.difference_high)} with the {r.loss}; "
                 f"{r.separated} of {r.runs} separate, {base['separated']} of {base['runs']} with the {base['loss']}", r.runs,
                 "95 % interval over seeds (t), same seeds and sizes", _verdict([r.difference_low > -SAME and r.difference_high < SAME],
                                                                                 [r.difference_low > SAME or r.difference_high < -SAME]),
                 note="Adam divides by the size of the gradient: a factor of two is left to rounding") for r in other.itertuples()]


def _their_purity() -> str:
    given = reference("mnist_fashion_active_weights").dropna(subset="mnist_component_inputs").iloc[-1]
    return f"{given['mnist_component_inputs_from_fashion_half']:.0f} of {given['mnist_component_inputs']:.0f} inputs of one part are not"


def _range(values: pd.Series, form: str = "{:.1%}") -> str:
    return " to ".join(dict.fromkeys(form.format(v) for v in (values.min(), values.max())))


def images_headline(table: pd.DataFrame, purity: pd.DataFrame) -> str:
    """One sentence on the main image networks."""
    apart, runs = table[table["status"] == "separated"].groupby("run").first(), table["run"].nunique()
    more = int((table.groupby("run")["status"].last() == "fragmented").sum())
    text = f"{len(apart)} of {runs} image networks separated (95 % interval {'{1:.0%} to {2:.0%}'.format(*share(len(apart), runs))})"
    if more:
        text += f" and {more} fell apart into more parts than tasks"
    if len(apart):
        text += (f", at {_range(apart['accuracy'])} mean accuracy (dense: {_range(table[table['level'] == 0]['accuracy'])}) with "
                 f"{_range(apart['available'], '{:.0f}')} weights; {_range(purity['own_share'])} of what their parts hear is their own image")
    return text


def _mean(values: pd.Series, name: str) -> dict:
    """Mean of a few values and its 95 % interval (Student), missing where there are less than two."""
    from scipy.stats import t
    n = len(values)
    reach = t.ppf(0.975, n - 1) * values.std() / n**0.5 if n > 1 else np.nan
    return {name: values.mean(), f"{name}_low": values.mean() - reach, f"{name}_high": values.mean() + reach}


def ways(table: pd.DataFrame) -> pd.DataFrame:
    """What each way of pruning reaches: one row per variant, the first being the one that the others are compared with.

    table: level rows with columns ``variant, decided, decided_hidden``.  Accuracies ``gain`` and ``gain_hidden`` are against the same
    run before pruning: at separation, and at the first level at which the tasks share no hidden neuron, only inputs; ``as_good``
    counts separated networks with a gain of 0 or more.  ``difference`` is against the first variant at the same sizes and seeds.
    """
    rows, by_size = [], table.groupby(["variant", "seed", "available"])["accuracy"].mean()
    base = by_size[table["variant"].iloc[0]]
    for name, at in table.groupby("variant", sort=False):
        dense = at[at["level"] == 0].set_index("run")["accuracy"]
        first, hidden = (at[there].groupby("run").first() for there in
                         (at["status"] == "separated", (at["decided_hidden"] == 1) & (at["status"] != "degraded")))
        gain, gain_hidden = (f["accuracy"] - dense.loc[f.index] for f in (first, hidden))
        difference = (by_size[name] - base).dropna().groupby("seed").mean()
        runs, count = at["run"].nunique(), len(first)
        rows.append({"variant": name, "loss": at["train.loss"].iloc[0], "runs": runs, "separated": count,
                     **dict(zip(("share", "share_low", "share_high"), share(count, runs), strict=True)), "accuracy": first["accuracy"].mean(),
                     "available": first["available"].mean(), "active": first["active"].mean(), "dense_accuracy": dense.mean(),
                     "peak_accuracy": at.groupby("run")["accuracy"].max().mean(), **_mean(gain, "gain"), "as_good": int((gain >= 0).sum()),
                     "hidden": len(hidden), **_mean(gain_hidden, "gain_hidden"), **_mean(difference, "difference")})
    return pd.DataFrame(rows)


def _surest(found: pd.DataFrame, gain: str) -> pd.Series:
    """The row whose interval begins highest; where there are no intervals, whose value is."""
    low = found[f"{gain}_low"]
    return found.loc[(low if low.notna().any() else found[gain]).idxmax()]


def frontier(found: pd.DataFrame) -> str:
    """One sentence: is there a separated network as accurate as the dense one?  found: as :func:`ways`."""
    count = int(found["separated"].sum())
    if not count:
        return f"none of {found['runs'].sum()} networks separated"
    best, hidden = _surest(found, "gain"), _surest(found, "gain_hidden")
    return (f"{found['as_good'].sum()} of {count} separated networks are at least as accurate as the same network before pruning; "
            f"the surest of {len(found)} ways, {best['variant']}, separates {best['separated']} of {best['runs']}, {best['as_good']} of them so "
            f"accurate, on average {_points(*best[['gain', 'gain_low', 'gain_high']])} from it; hidden neurons are no longer shared, though "
            f"inputs may be, at up to {_points(*hidden[['gain_hidden', 'gain_hidden_low', 'gain_hidden_high']])}, in {hidden['hidden']} of "
            f"{hidden['runs']} ({hidden['variant']})")


def _points(value: float, low: float, high: float, digits: int = 1) -> str:
    """A difference of accuracies in percentage points, with its interval where there is one."""
    between = "" if np.isnan(low) else f" (95 % interval {100 * low:+.{digits}f} to {100 * high:+.{digits}f})"
    return f"{100 * value:+.{digits}f} points{between}"


def variants(runs: pd.DataFrame, column: str = "variant") -> pd.DataFrame:
    """Does a change of the experiment change the share that separates?  One row per variant against the one named ``as the thesis``.

    runs: as ``claims.outcomes`` with a column that names the variant.  ``median_loss``: at separation.
    """
    counts = runs.assign(apart=runs["outcome"].isin(SEPARATED)).groupby(column, sort=False)["apart"].agg(["sum", "size"])
    if "as the thesis" not in counts.index:
        return pd.DataFrame()
    from scipy.stats import fisher_exact
    base = counts.loc["as the thesis"]
    rows = []
    for name, (k, n) in counts.iterrows():
        value, low, high = share(k, n)
        p = np.nan if name == "as the thesis" else fisher_exact([[k, n - k], [base["sum"], base["size"] - base["sum"]]]).pvalue
        loss = runs.loc[runs[column] == name, "loss"].median()
        rows.append({column: name, "separated": int(k), "runs": int(n), "share": value, "share_low": low, "share_high": high, "p": p,
                     "median_loss": loss})
    found = pd.DataFrame(rows)
    tested = found["p"].notna()
    found.loc[tested, "p_corrected"] = holm(found.loc[tested, "p"])
    return found


# ---------------------------------------------------------------------- the other two studies
def distributions(lost: pd.DataFrame) -> pd.DataFrame:
    """Claim 8: neither the mask alone nor the weights' distribution alone carries the ticket.

    lost: as ``trials.against`` with columns ``network, rounds, variant``: what each variant loses against the ticket.
    """
    said = {"resampled, trained": "the ticket's mask with resampled weights is worse than the ticket: as its code draws them, from trained weights",
            "resampled, initial": "the same as its paper says: from the surviving initial weights",
            "remasked, trained": "with the mask shuffled within each layer it is worse, too, from trained weights",
            "remasked, initial": "with the mask shuffled within each layer it is worse, too, from initial weights",
            "fresh": "control: the mask with a fresh initialisation is worse than the ticket",
            "signs": "control: signs kept, magnitudes drawn anew, it is worse than the ticket"}
    rows = []
    for name, statement in said.items():
        for network, at in lost[lost["variant"] == name].groupby("network", sort=False):
            ours = dict(zip(at["rounds"], zip(at["lost"], at["lost_low"], at["lost_high"], strict=True), strict=True))
            theirs = {n: loss for n in ours if (loss := their_loss(network, name, n))}
            unsure = [f"{n} rounds" for n, (_, low, _) in theirs.items() if low <= 0]
            rows.append(_row("8", f"{statement} ({network})", _after_rounds(theirs) or "not reported", _after_rounds(ours), at["trials"].max(),
                             "95 % interval (Student, within a trial) after each number of rounds; largest p after Holm",
                             _verdict(list(at["lost_low"] > 0), list(at["lost_high"] < 0)), at["p_corrected"].max(),
                             f"their own trials do not show it after {' and '.join(unsure)}: the interval includes zero" if unsure else ""))
    return pd.DataFrame(rows, columns=COLUMNS)


def _after_rounds(losses: dict[int, tuple[float, float, float]]) -> str:
    return "; ".join(f"{_points(*loss, digits=2)} after {n} rounds" for n, loss in losses.items())


def distributions_headline(lost: pd.DataFrame) -> str:
    """One sentence: what resampling costs, in both readings, where it was taken last."""
    parts = []
    for network, at in lost.groupby("network", sort=False):
        last = at[at["rounds"] == at["rounds"].max()].set_index("variant")
        parts += [f"{name} {_points(*last.loc[name, ['lost', 'lost_low', 'lost_high']], digits=2)}" for name in
                  ("resampled, trained", "resampled, initial", "fresh", "signs") if name in last.index]
        parts[-1] += f" ({network}, {at['rounds'].max()} rounds)"
    return f"lost against the ticket: {'; '.join(parts)}"


def one_shot(lost: pd.DataFrame, sizes: pd.DataFrame, toy: pd.DataFrame) -> pd.DataFrame:
    """Claim 9: iterative pruning keeps accuracy at smaller sizes than one-shot pruning; and does one-shot pruning separate networks?

    lost: as ``trials.against`` with columns ``scope, measure, share, method`` and the base ``iterative``; sizes: as ``trials.smallest``;
    toy: level rows of the moons-circles runs with columns ``method`` and ``apart``.
    """
    rows = []
    for (scope, measure), at in sizes.groupby(["scope", "measure"], sort=False):
        pairs = at.pivot(index="seed", columns="method", values="share")[["iterative", "one-shot"]].dropna()
        factor, low, high = np.exp(interval(np.log(pairs["one-shot"] / pairs["iterative"])))
        apart = lost[(lost["method"] == "one-shot") & (lost["scope"] == scope) & (lost["measure"] == measure)]
        last, between = apart.loc[apart["share"].idxmin()], "" if np.isnan(low) else f" (95 % interval {low:.1f} to {high:.1f})"
        rows.append(_row("9", "iterative pruning keeps the dense network's accuracy (within a point) at smaller sizes than one-shot "
                              f"({scope}, {measure})", "by figure",
                         f"to {pairs['iterative'].median():.1%} of the weights, one-shot to {pairs['one-shot'].median():.1%} (medians): "
                         f"{factor:.1f} times{between}; one-shot's loss where {last['share']:.1%} is left "
                         f"{_points(last['lost'], last['lost_low'], last['lost_high'])}",
                         len(pairs), "Student's interval of the ratio's logarithm, within a trial", _verdict([low > 1], [high < 1])))
    counts = ever(toy)
    if {"iterative", "one-shot"} <= set(counts.index):
        from scipy.stats import fisher_exact
        (k, n), (j, m) = counts.loc["one-shot"], counts.loc["iterative"]
        rows.append(_row("9", "one-shot pruning separates networks, too (moons-circles, at any size)", "not asked",
                         f"{k} of {n}, {_percent(*share(k, n))}; iterative {j} of {m}, {_percent(*share(j, m))}", int(n + m),
                         f"{WILSON}; Fisher's exact test between them", "cannot tell" if not k else "agrees",
                         fisher_exact([[k, n - k], [j, m - j]]).pvalue))
    return pd.DataFrame(rows, columns=COLUMNS)


def one_shot_headline(lost: pd.DataFrame, toy: pd.DataFrame) -> str:
    """One sentence: what one-shot pruning loses at the smallest size, and how many of its networks separate."""
    last = lost[(lost["method"] == "one-shot") & (lost["share"] == lost["share"].min())].iloc[-1]
    counts = ", ".join(f"{name} {k} of {n}" for name, (k, n) in ever(toy).iterrows())
    return (f"one-shot pruning loses {_points(last['lost'], last['lost_low'], last['lost_high'])} against iterative where {last['share']:.1%} "
            f"of the weights is left; moons-circles networks that separate: {counts}")


def headline(verdicts: pd.DataFrame) -> str:
    """One sentence: how many statements agree, differ, cannot be told."""
    words = verdicts["verdict"].value_counts()
    return ", ".join(f"{words.get(w, 0)} {w}" for w in ("agrees", "differs", "cannot tell")) + f" of {len(verdicts)} statements of the thesis"


def markdown(verdicts: pd.DataFrame) -> str:
    """Verdicts as the table of a text file: claim, statement, theirs, ours, verdict with its note."""
    lines = ["| claim | the thesis says | theirs | ours | verdict |", "|---|---|---|---|---|"]
    for row in verdicts.fillna("").itertuples():
        note = f" ({row.note})" if row.note else ""
        lines.append(f"| {row.claim} | {row.statement} | {row.theirs} | {row.ours} | **{row.verdict}**{note} |")
    return "\n".join(lines)
