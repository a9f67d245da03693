"""What the thesis reports, and how our runs compare with it.

The tables in ``lth_utils/thesis`` hold numbers read from the thesis and its files, as data.
"""
from __future__ import annotations

import itertools
from collections.abc import Sequence
from importlib import resources

import numpy as np
import pandas as pd
import torch

from lth_utils import data, pruning
from lth_utils.config import choose
from lth_utils.connectivity import ACTIVE, OUTCOMES, decided, outcome, weight_states
from lth_utils.data import Dataset
from lth_utils.population import Ticket
from lth_utils.store import Store


def reference(name: str) -> pd.DataFrame:
    """A table of numbers reported by the thesis: ``reference("trajectory")``.

    >>> reference("trajectory").query("network == '2' and extension_level == 9")["weights"].item()
    3591
    """
    folder = resources.files("lth_utils").joinpath("thesis")
    choose(name, sorted(p.name.removesuffix(".csv") for p in folder.iterdir()), "reference table")
    with folder.joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


NETWORKS = {"1": "4-20-2", "2": "4-8-8-2", "3": "4-4-4-4-2", "3mini": "4-4-4-4-2"}
"""The families of the extension sweep, named as in the reference tables, with their base networks."""

SHIFT, READ_TO = 2, 108
"""The thesis reads its three-layer runs (network 3) two levels lower than they ran, and only down to so many weights."""

AT_SEPARATION = ["level", "available", "active", "loss", "accuracy"]


def readings(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of an extension sweep with the ``network`` and its ``extension`` level as the thesis counts them.

    Three-layer runs appear in both readings: ``3mini`` as they ran, ``3`` shifted and cut as in the thesis' figures.
    """
    counted = table.assign(extension=table["prune.levels"])
    parts = [counted[counted["base"] == base].assign(network=network) for network, base in NETWORKS.items()]
    shifted = parts[2].assign(extension=parts[2]["extension"] - SHIFT)
    parts[2] = shifted[(shifted["extension"] >= 0) & (shifted["available"] >= READ_TO)]
    return pd.concat(parts, ignore_index=True)


def outcomes(table: pd.DataFrame) -> pd.DataFrame:
    """One row per run of ``Store.table`` (and per reading of it): its outcome, and what it was at the first separated level.

    Columns ``network`` and ``extension`` where the table has them, ``run, base, levels, seed, outcome``, the weights
    ``available_end, active_end`` at its last level and, missing where it never separated, ``level, available, active,
    loss, accuracy`` at separation.
    """
    keys = [*[c for c in ("network", "extension") if c in table], "run"]
    groups = table.groupby(keys, sort=False)
    last = groups[["available", "active"]].last().add_suffix("_end")
    words = groups["status"].agg(lambda status: outcome(list(status))).rename("outcome")
    there = table[table["status"] == "separated"].groupby(keys, sort=False)[AT_SEPARATION].first()
    about = groups[["base", "prune.levels", "seed"]].first().rename(columns={"prune.levels": "levels"})
    found = pd.concat([about, words, last], axis=1).join(there).reset_index()
    return found.astype({"level": "Int64", "available": "Int64", "active": "Int64"})


def trajectories(rate: float = 0.32, levels: dict[str, int] | None = None) -> pd.DataFrame:
    """Width and weights of every extended network: columns ``network, extension, width, weights``; levels: the highest per family."""
    rows = []
    for network, top in (levels or {"1": 16, "2": 25, "3": 16, "3mini": 18}).items():
        shift = SHIFT if network == "3" else 0
        shapes = pruning.extend([int(w) for w in NETWORKS[network].split("-")], rate, top + shift)[shift:]
        rows += [{"network": network, "extension": e, "width": s[1], "weights": pruning.n_weights(s)} for e, s in enumerate(shapes)]
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
            outputs, inputs = (decided(masks, tasks, seen_from=side)[0].tolist() for side in ("outputs", "inputs"))
            rows += [{"run": run, "level": level, "layer": n, "available": available[n], "active": active[n],
                      "decided_outputs": outputs[n], "decided_inputs": inputs[n]} for n in range(len(available))]
    return pd.DataFrame(rows)


def pixels(results: Store, runs: dict[str, str]) -> pd.DataFrame:
    """Per pixel and level, how many weights leave it: columns ``network, level, pixel, available, active``; runs: name to run id."""
    parts = []
    for name, run in runs.items():
        for level, masks in enumerate(results.masks(run)):
            available, active = leaving(masks)
            parts.append(pd.DataFrame({"network": name, "level": level, "pixel": np.arange(len(available)),
                                       "available": available, "active": active}))
    return pd.concat(parts, ignore_index=True)


def leaving(masks: Sequence[torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """How many weights leave each input of one network, int64 ``[I]``: available ones, and active ones."""
    return masks[0][0].sum(0).numpy(), (weight_states(masks)[0][0] == ACTIVE).sum(0).numpy()


def pixel_correlation(degrees: pd.DataFrame, variances: dict[str, np.ndarray], draws: int = 200) -> pd.DataFrame:
    """Spearman's rank correlation of a pixel's active outgoing weights with its variance, per network and level.

    degrees: as :func:`pixels`; variances: by network, ``[pixels]``.  ``permuted_low`` and ``permuted_high`` hold 95 % of
    the correlations when the same number of weights falls on random places of the layer, that is, on random pixels.
    """
    from scipy.stats import rankdata
    rows, generator = [], np.random.default_rng(0)

    def ranks(values):
        centred = rankdata(values, axis=-1)
        centred -= centred.mean(-1, keepdims=True)
        return centred / np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), 1e-12)

    for (network, level), at in degrees.groupby(["network", "level"], sort=False):
        variance, count = ranks(variances[network]), int(at["active"].sum())
        width = int(degrees.loc[(degrees["network"] == network) & (degrees["level"] == 0), "available"].max())
        random = generator.multivariate_hypergeometric(np.full(len(at), width), count, size=draws, method="marginals")
        low, high = np.percentile(ranks(random) @ variance, [2.5, 97.5])
        rows.append({"network": network, "level": level, "available": int(at["available"].sum()), "active": count,
                     "connected": int((at["active"] > 0).sum()), "correlation": float(ranks(at["active"].to_numpy()) @ variance),
                     "permuted_low": float(low), "permuted_high": float(high)})
    return pd.DataFrame(rows)


def decided_share(results: Store, runs: Sequence[str]) -> pd.DataFrame:
    """The degree of separation of whole networks: columns ``run, level, decided, decided_hidden``.

    decided: share of a layer's active units that lead to the outputs of one task alone, mean over the inputs and the hidden
    layers; 1 where no subnetwork serves two tasks.  decided_hidden: the same without the inputs.
    """
    rows = []
    for run in runs:
        tasks = data.load(results.spec(run).data).tasks
        for level, masks in enumerate(results.masks(run)):
            layers = decided(masks, tasks)[0, :-1]
            rows.append({"run": run, "level": level, "decided": float(layers.nanmean()), "decided_hidden": float(layers[1:].nanmean())})
    return pd.DataFrame(rows)


PURITY = ["task", "weights", "inputs", "own_inputs", "own_share", "accuracy", "accuracy_cut", "accuracy_own_image", "seed"]


def join(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables as :func:`purity` makes them one below the other; of none, an empty one."""
    return pd.concat(parts, ignore_index=True) if len(parts) else pd.DataFrame(columns=PURITY)


def purity(ticket: Ticket, dataset: Dataset) -> pd.DataFrame:
    """How pure each task's subnetwork is: the inputs it hears, and its accuracy in the whole, cut out, and on its own image alone.

    Columns ``task, weights, inputs, own_inputs, own_share, accuracy, accuracy_cut, accuracy_own_image``; for the last one the
    other tasks' inputs are held at their mean, zero.  For a separated ticket ``accuracy_cut`` equals ``accuracy``.
    """
    rows, x = [], torch.from_numpy(dataset.x_test)
    for k, task in enumerate(ticket.tasks):
        part = ticket.cut(k)
        heard = part.masks[0][0].any(0).numpy()
        own = np.zeros(len(heard), dtype=bool)
        own[task.inputs.start : task.inputs.stop] = True
        with torch.no_grad():
            logits = [ticket.model()(x), part.model()(x), part.model()(x * torch.from_numpy(own))]
        hits = [(_predicted(z[:, task.outputs.start : task.outputs.stop]) == dataset.y_test[:, k]).mean() for z in logits]
        rows.append({"task": task.name, "weights": sum(int(m.sum()) for m in part.masks), "inputs": int(heard.sum()),
                     "own_inputs": int((heard & own).sum()), "own_share": float((heard & own).sum() / max(1, heard.sum())),
                     **dict(zip(("accuracy", "accuracy_cut", "accuracy_own_image"), map(float, hits), strict=True))})
    return pd.DataFrame(rows)


def _predicted(logits: torch.Tensor) -> np.ndarray:
    return (logits[:, 0] > 0).numpy().astype(int) if logits.shape[1] == 1 else logits.argmax(1).numpy()


def by_level(runs: pd.DataFrame, keys: tuple[str, ...] = ("network", "extension")) -> pd.DataFrame:
    """Counts of each outcome over runs as :func:`outcomes` gives them, with the share that ever separated and its interval."""
    counts = runs.groupby(list(keys))["outcome"].value_counts().unstack(fill_value=0).reindex(columns=list(OUTCOMES), fill_value=0)
    counts["runs"] = counts.sum(axis=1)
    separated = counts["separated"] + counts["separated-degraded"]
    shares = [share(k, n) for k, n in zip(separated, counts["runs"], strict=True)]
    counts[["share", "share_low", "share_high"]] = pd.DataFrame(shares, index=counts.index)
    return counts.reset_index()


def theirs_by_level() -> pd.DataFrame:
    """The thesis' outcomes per family and extension level, with the columns of :func:`by_level`."""
    there = reference("extension_outcomes").rename(columns={"extension_level": "extension", "n_runs": "runs"})
    names = {f"n_{word.replace('-', '_')}": word for word in OUTCOMES}
    return there.rename(columns=names).assign(fragmented=0).astype({"network": str})[["network", "extension", "runs", *OUTCOMES]]


def exact(ours: Sequence[int], theirs: Sequence[int]) -> float:
    """p-value of the Fisher-Freeman-Halton exact test that two rows of counts are draws from one distribution.

    >>> round(exact([8, 2], [1, 5]), 4)      # Fisher's own, where there are two columns
    0.035
    """
    from scipy.stats import multivariate_hypergeom
    total = np.add(ours, theirs)
    tables = [t for t in itertools.product(*(range(min(k, sum(theirs)) + 1) for k in total)) if sum(t) == sum(theirs)]
    chance = multivariate_hypergeom.pmf(tables, total, sum(theirs))
    seen = multivariate_hypergeom.pmf(list(theirs), total, sum(theirs))
    return float(min(1.0, chance[chance <= seen * (1 + 1e-9)].sum()))


def holm(p: Sequence[float]) -> np.ndarray:
    """p-values corrected for their number after Holm (1979).

    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p)
    corrected = np.maximum.accumulate(np.asarray(p, float)[order] * np.arange(len(p), 0, -1))
    return np.minimum(corrected, 1)[np.argsort(order)]


def compare(ours: pd.DataFrame, theirs: pd.DataFrame, keys: Sequence[str], words: Sequence[str]) -> pd.DataFrame:
    """Counts of `words`, ours beside theirs per combination of `keys`: exact p-values, and corrected for the number of rows."""
    both = ours[[*keys, "runs", *words]].merge(theirs[[*keys, "runs", *words]], on=list(keys), suffixes=("", "_thesis"))
    both["p"] = [exact([r[w] for w in words], [r[f"{w}_thesis"] for w in words]) for _, r in both.iterrows()]
    return both.assign(p_corrected=holm(both["p"]))


def share(count: int, runs: int) -> tuple[float, float, float]:
    """A share and its 95 % interval after Wilson (1927).

    >>> [round(v, 2) for v in share(4, 4)]
    [1.0, 0.51, 1.0]
    """
    from scipy.stats import binomtest  # slow to import
    interval = binomtest(int(count), int(runs)).proportion_ci(method="wilson")
    return count / runs, float(interval.low), float(interval.high)


def thesis_separation(base: list[int], levels: int) -> dict | None:
    """What the thesis reports for a base network extended `levels` levels, or None where it has no such runs.

    Its accuracy and level of separation are not reported; the latter follows from the available weights.
    """
    shape = "-".join(map(str, base))
    # the rows that count levels from the base network itself (one family is reported in two readings)
    there = reference("extension_outcomes").query(
        f"extended_from_base_shape == '{shape}' and extension_level == code_extension_levels == {levels}")
    if there.empty:
        return None
    row = there.iloc[0]
    facts = {"runs": int(row["n_runs"]), "separated": int(row["n_separated"] + row["n_separated_degraded"])}
    split = reference("active_available_at_split").query(f"network == '{row['network']}' and extension_level == {levels}")
    for kind in ("active", "available"):
        for what in ("mean", "min", "max") if len(split) else ():
            facts[f"{kind}_{what}"] = float(split[f"{kind}_{what}"].iloc[0])
    return facts


def separation(summary: pd.DataFrame, theirs: dict | None) -> dict:
    """The facts about the separation of one family of runs, as plain values, ours beside theirs.

    summary: as :func:`outcomes` makes it; theirs: as :func:`thesis_separation` makes it.
    """
    there = summary.dropna(subset="level")
    value, low, high = share(len(there), len(summary))
    ours = {"runs": len(summary), "separated": len(there), "share": value, "share_low": low, "share_high": high,
            "levels": [int(n) for n in there["level"]], "seeds": [int(n) for n in there["seed"]]}
    for kind in ("active", "available", "accuracy", "loss"):
        for what in ("mean", "min", "max") if len(there) else ():
            ours[f"{kind}_{what}"] = float(getattr(there[kind], what)())
    headline = f"{len(there)} of {len(summary)} runs separated (95 % interval {low:.0%} to {high:.0%})"
    if len(there):
        headline += (f", with {ours['active_mean']:.0f} active weights on average ({ours['active_min']:.0f} to {ours['active_max']:.0f}) "
                     f"at a mean accuracy of {ours['accuracy_mean']:.1%}")
    if theirs:
        headline += f"; the thesis: {theirs['separated']} of {theirs['runs']}"
        if "active_mean" in theirs:
            headline += f", {theirs['active_mean']:.0f} ({theirs['active_min']:.0f} to {theirs['active_max']:.0f}) active"
    return {"headline": headline, "outcomes": summary["outcome"].value_counts().to_dict(), "ours": ours, "thesis": theirs}
