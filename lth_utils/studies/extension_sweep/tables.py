"""Study of notebook 03: how large a network must be to fall apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lth_utils import data, pruning
from lth_utils.connectivity import ACTIVE, OUTCOMES, decided, weight_states
from lth_utils.networks.layers import n_weights
from lth_utils.runs.store import Store
from lth_utils.studies.reference import NETWORKS, READ_TO, SHIFT, reference, theirs_by_level
from lth_utils.studies.statistics import bootstrap, compare, holm, share
from lth_utils.studies.verdict import (
    ALPHA,
    COLUMNS,
    DEGRADED,
    SEPARATED,
    WILSON,
    ever_counts,
    in_percent,
    judge,
    never_row,
    verdict_row,
)


def readings(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of an extension sweep with the ``network`` and its ``extension`` level as the thesis counts them.

    Three-layer runs appear in both readings: ``3mini`` as they ran, ``3`` shifted and cut as in the thesis' figures.
    """
    counted = table.assign(extension=table["prune.levels"])
    parts = [
        counted[counted["base"] == base].assign(network=network)
        for network, base in NETWORKS.items()
    ]
    shifted = parts[2].assign(extension=parts[2]["extension"] - SHIFT)
    parts[2] = shifted[(shifted["extension"] >= 0) & (shifted["available"] >= READ_TO)]
    return pd.concat(parts, ignore_index=True)


def trajectories(rate: float = 0.32, levels: dict[str, int] | None = None) -> pd.DataFrame:
    """Width and weights of every extended network: columns ``network, extension, width, weights``; levels: the highest per family."""
    rows = []
    for network, top in (levels or {"1": 16, "2": 25, "3": 16, "3mini": 18}).items():
        shift = SHIFT if network == "3" else 0
        shapes = pruning.extend([int(w) for w in NETWORKS[network].split("-")], rate, top + shift)[
            shift:
        ]
        rows += [
            {"network": network, "extension": e, "width": s[1], "weights": n_weights(s)}
            for e, s in enumerate(shapes)
        ]
    return pd.DataFrame(rows)


def layers(results: Store, runs: Sequence[str]) -> pd.DataFrame:
    """What every layer of finished runs looks like at every level.

    One row per run, level and layer (0: the inputs): the ``available`` and ``active`` weights that leave it
    (missing for the outputs), and the share of its neurons decided, seen from the outputs and from the inputs.
    """
    rows = []
    for run in runs:
        tasks = data.load(results.spec(run).data).tasks
        for level, masks in enumerate(results.masks(run)):
            available = [int(m.sum()) for m in masks] + [np.nan]
            active = [int((s == ACTIVE).sum()) for s in weight_states(masks)] + [np.nan]
            outputs, inputs = (
                decided(masks, tasks, seen_from=side)[0].tolist() for side in ("outputs", "inputs")
            )
            rows += [
                {
                    "run": run,
                    "level": level,
                    "layer": n,
                    "available": available[n],
                    "active": active[n],
                    "decided_outputs": outputs[n],
                    "decided_inputs": inputs[n],
                }
                for n in range(len(available))
            ]
    return pd.DataFrame(rows)


def ever_separated(levels: pd.DataFrame, network: str, first: int) -> dict:
    """How many runs of a family ever separated, at extension level `first` and above, as plain values with a sentence."""
    count, runs = ever_counts(
        levels[(levels["network"] == network) & (levels["extension"] >= first)], SEPARATED
    )
    if not runs:
        return {
            "separated": 0,
            "runs": 0,
            "sentence": f"no two-layer network was extended {first} levels or more",
        }
    value, low, high = share(count, runs)
    return {
        "separated": count,
        "runs": runs,
        "share": value,
        "share_low": low,
        "share_high": high,
        "sentence": f"{count} of {runs} two-layer networks extended {first} levels or more separated, {value:.0%} "
        f"(95 % interval {low:.0%} to {high:.0%})",
    }


def extension(
    levels: pd.DataFrame, runs: pd.DataFrame, table: pd.DataFrame, layers: pd.DataFrame
) -> pd.DataFrame:
    """Claims 1, 2, 4, 5 and 6.

    levels, runs: as ``claims.by_level`` and ``claims.outcomes`` of both readings; table: level rows of the
    two-layer runs; layers: as ``claims.layers``, of three-layer runs that separated.
    """
    theirs = theirs_by_level()
    rows = [
        *_outcome_counts(levels, theirs),
        *_where_it_separates(levels[levels["network"] == "2"], theirs[theirs["network"] == "2"]),
        *_weights(runs[runs["network"] == "2"].dropna(subset=["level"])),
        *_loss(table),
        *_one_layer(levels[levels["network"] == "1"], theirs[theirs["network"] == "1"]),
        *_layers(layers),
    ]
    return pd.DataFrame(rows, columns=COLUMNS).sort_values(
        "claim", kind="stable", ignore_index=True
    )


def _outcome_counts(levels: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    rows = []
    for network, name in (("1", "one"), ("2", "two"), ("3", "three")):
        ours = levels[levels["network"] == network]
        both = compare(ours, theirs[theirs["network"] == network], ["extension"], list(OUTCOMES))
        if both.empty:
            continue
        least, differ = both["p_corrected"].min(), int((both["p_corrected"] < ALPHA).sum())
        where = (
            f" (levels {', '.join(map(str, both.loc[both['p_corrected'] < ALPHA, 'extension']))})"
            if differ
            else ""
        )
        rows.append(
            verdict_row(
                "1",
                f"{name}-layer networks: the counts of outcomes at every extension level",
                f"{both['runs_thesis'].max()} runs each",
                f"{differ} of {len(both)} levels differ{where}",
                int(both["runs"].sum()),
                "exact test per level, corrected after Holm",
                "differs"
                if differ
                else "agrees"
                if (both["runs"] >= both["runs_thesis"]).all()
                else "cannot tell",
                least,
                f"smallest uncorrected p {both['p'].min():.2g}; few runs of theirs, so only large differences can show",
            )
        )
    return rows


def _where_it_separates(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    def upto(table, top):
        return table[table["extension"] <= top]

    rows = [
        never_row(
            "1",
            "two-layer networks do not separate below extension level 7",
            *ever_counts(upto(ours, 6), SEPARATED),
            ever_counts(upto(theirs, 6), SEPARATED),
        )
    ]
    above, given = ours[ours["extension"] >= 9], theirs[theirs["extension"] >= 9]
    given_share = given[list(SEPARATED)].sum(axis=1) / given["runs"]
    if len(above):
        least = above.loc[above["share"].idxmin()]
        rows.append(
            verdict_row(
                "1",
                "most two-layer networks separate at each level from 9 on",
                f"{given_share.min():.0%} to {given_share.max():.0%} of 4",
                f"least at level {least['extension']}: {in_percent(*least[['share', 'share_low', 'share_high']])}",
                int(above["runs"].sum()),
                f"{WILSON} of every level against one half",
                judge(above["share_low"] > 0.5, above["share_high"] < 0.5),
            )
        )
        count, total = ever_counts(above, SEPARATED)
        rows.append(
            verdict_row(
                "1",
                "most two-layer networks separate at levels 9 and above taken together",
                "{} of {}".format(*ever_counts(given, SEPARATED)),
                f"{count} of {total}, {in_percent(*share(count, total))}",
                total,
                f"{WILSON} against one half",
                judge([share(count, total)[1] > 0.5], [share(count, total)[2] < 0.5]),
            )
        )
    rows.append(
        never_row(
            "1",
            "two-layer networks do not degrade before extension level 10",
            *ever_counts(upto(ours, 9), DEGRADED),
            ever_counts(upto(theirs, 9), DEGRADED),
        )
    )
    return rows


def _weights(there: pd.DataFrame) -> list[dict]:
    groups = {level: rows for level, rows in there.groupby("extension") if len(rows) >= 3}
    if not groups:
        return []
    split = (
        reference("active_available_at_split").query("network == '2'").set_index("extension_level")
    )
    rows, bounds = (
        [],
        {level: bootstrap(g["active"].to_numpy(float)) for level, g in groups.items()},
    )
    means = {level: float(g["active"].mean()) for level, g in groups.items()}
    off = [level for level, (low, high) in bounds.items() if high < 80 or low > 120]
    rows.append(
        verdict_row(
            "2",
            "mean active weights at separation stay between 80 and 120 at every level (two layers)",
            f"{split['active_mean'].min():.0f} to {split['active_mean'].max():.0f}",
            f"{min(means.values()):.0f} to {max(means.values()):.0f}"
            + (f"; outside at levels {', '.join(map(str, off))}" if off else ""),
            len(there),
            "95 % interval per level (bootstrap)",
            judge([low >= 80 and high <= 120 for low, high in bounds.values()], [bool(off)]),
        )
    )
    top = max(groups)
    low, high = bootstrap(groups[top]["available"].to_numpy(float))
    first, theirs = min(groups), split["available_mean"]
    rows.append(
        verdict_row(
            "2",
            "available weights at separation grow from 112 to about 900 (two layers)",
            f"{theirs.iloc[0]:.0f} at level {split.index[0]}, {theirs.iloc[-1]:.0f} at level {split.index[-1]}",
            f"{groups[first]['available'].mean():.0f} at level {first}, "
            f"{groups[top]['available'].mean():.0f} ({low:.0f} to {high:.0f}) at level {top}",
            len(there),
            "95 % interval at the highest level (bootstrap)",
            "cannot tell"
            if top < split.index[-1]
            else judge([low <= theirs.iloc[-1] <= high], [not low <= theirs.iloc[-1] <= high]),
        )
    )
    return rows


def _loss(table: pd.DataFrame) -> list[dict]:
    """How a separated state ranks among the others of about as many active weights, and how often it lost a task."""
    apart = table["status"] == "separated"
    if not apart.any():
        return []
    like = table["active"].between(*table.loc[apart, "active"].quantile([0.05, 0.95]))
    lost, total = (
        int((table.loc[apart].groupby("run")["loss"].last() > 0.08).sum()),
        table.loc[apart, "run"].nunique(),
    )
    rows = []
    for others, which in (
        (~apart, "a network of any size that is not"),
        (~apart & like, "one of as many active weights that is not"),
    ):
        if not others.any():
            continue
        values = np.sort(table.loc[others, "loss"].to_numpy())
        beats = 1 - np.searchsorted(values, table.loc[apart, "loss"]) / len(values)
        by_run = pd.Series(beats).groupby(table.loc[apart, "run"].to_numpy()).mean().to_numpy()
        low, high = bootstrap(by_run)
        rows.append(
            verdict_row(
                "4",
                f"separated networks are among those of lowest validation loss: chance that one has a lower loss than {which}",
                "above 0.5",
                f"{by_run.mean():.2f} ({low:.2f} to {high:.2f})",
                total,
                "95 % interval over runs (bootstrap)",
                judge([low > 0.5], [high < 0.5]),
            )
        )
    cluster = (
        reference("performance_clusters")
        .query("cluster == 'low-loss cluster' and category == 'separated'")
        .iloc[0]
    )
    solved = table.loc[apart].groupby("run")["loss"].first()
    solved = solved[solved < 0.08].to_numpy()
    low, high = bootstrap(solved, np.median) if len(solved) else (np.nan, np.nan)
    least, most = cluster["val_loss_min"], cluster["val_loss_max"]
    return [
        *rows,
        verdict_row(
            "4",
            "separated networks that solve both tasks have a validation loss between "
            f"{least} and {most}",
            f"centre {cluster['val_loss_centre']}",
            f"median {np.median(solved) if len(solved) else np.nan:.4f} ({low:.4f} to {high:.4f})",
            len(solved),
            "95 % interval of the median (bootstrap)",
            judge([least <= low and high <= most], [low > most or high < least]),
            note="the loss that can be reached depends on which points were drawn: see the variants",
        ),
        verdict_row(
            "4",
            "a separated network may have lost a task: some have a loss above 0.08",
            "about 12 dots",
            f"{lost} of {total} runs, {in_percent(*share(lost, total))}",
            total,
            WILSON,
            "agrees" if lost else "cannot tell",
            note="separation does not mean that both tasks are solved",
        ),
    ]


def _one_layer(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    return [
        never_row(
            "5",
            "one-layer networks do not separate from extension level 14 on",
            *ever_counts(ours[ours["extension"] >= 14], SEPARATED),
            ever_counts(theirs[theirs["extension"] >= 14], SEPARATED),
        )
    ]


def _layers(layers: pd.DataFrame) -> list[dict]:
    """Order and time in which layers decide; `layers` of runs of one width."""
    if layers.empty:
        return []
    last = int(layers["layer"].max())
    seen = layers.pivot_table(
        index="run", columns="layer", values="decided_outputs", aggfunc="mean"
    )
    ordered = (seen[list(range(last))].diff(axis=1).iloc[:, 1:] > 0).all(axis=1)
    count, total = int(ordered.sum()), len(ordered)
    value, low, high = share(count, total)
    rows = [
        verdict_row(
            "6",
            "seen from the outputs, the last hidden layer decides first, then the one before, the inputs last",
            "one run: yes",
            f"{count} of {total}, {in_percent(value, low, high)}",
            total,
            f"{WILSON} against one half",
            judge([low > 0.5], [high < 0.5]),
        )
    ]
    half = {}  # the level at which half of a layer is decided, relative to the level at which the last layer is
    for side, layer in (("outputs", last - 1), ("inputs", last)):
        levels = layers[layers["layer"] == layer].pivot_table(
            index="run", columns="level", values=f"decided_{side}"
        )
        half[side] = (levels >= 0.5).idxmax(axis=1)
    later = (half["inputs"] - half["outputs"]).to_numpy(float)
    given = (
        reference("layer_separation")
        .query("share_decided >= 0.5")
        .groupby(["view_from", "layer"])["prunings_done"]
        .min()
    )
    low, high = bootstrap(later)
    rows.append(
        verdict_row(
            "6",
            "seen from the inputs it happens late: the outputs are half decided so many prunings after the last hidden layer "
            "is, seen from the outputs",
            f"one run: {given['inputs', 'output'] - given['outputs', 'hidden-3']}",
            f"{later.mean():.1f} ({low:.1f} to {high:.1f})",
            total,
            "95 % interval over runs (bootstrap)",
            judge([low > 0], [high < 0]),
        )
    )
    return rows


def variants(runs: pd.DataFrame, column: str = "variant") -> pd.DataFrame:
    """Does a change of the experiment change the share that separates?  One row per variant against the one named ``as the thesis``.

    runs: as ``claims.outcomes`` with a column that names the variant.  ``median_loss``: at separation.
    """
    counts = (
        runs.assign(apart=runs["outcome"].isin(SEPARATED))
        .groupby(column, sort=False)["apart"]
        .agg(["sum", "size"])
    )
    if "as the thesis" not in counts.index:
        return pd.DataFrame()
    from scipy.stats import fisher_exact

    base = counts.loc["as the thesis"]
    rows = []
    for name, (k, n) in counts.iterrows():
        value, low, high = share(k, n)
        p = (
            np.nan
            if name == "as the thesis"
            else fisher_exact([[k, n - k], [base["sum"], base["size"] - base["sum"]]]).pvalue
        )
        loss = runs.loc[runs[column] == name, "loss"].median()
        rows.append(
            {
                column: name,
                "separated": int(k),
                "runs": int(n),
                "share": value,
                "share_low": low,
                "share_high": high,
                "p": p,
                "median_loss": loss,
            }
        )
    found = pd.DataFrame(rows)
    tested = found["p"].notna()
    found.loc[tested, "p_corrected"] = holm(found.loc[tested, "p"])
    return found
