"""What the thesis reports, and how our runs compare with it.

The tables in ``lth_utils/thesis`` hold numbers read from the thesis and its files, as data.
"""
from __future__ import annotations

from importlib import resources

import numpy as np
import pandas as pd

from lth_utils.config import choose
from lth_utils.connectivity import outcome


def reference(name: str) -> pd.DataFrame:
    """A table of numbers reported by the thesis: ``reference("trajectory")``.

    >>> reference("trajectory").query("network == '2' and extension_level == 9")["weights"].item()
    3591
    """
    folder = resources.files("lth_utils").joinpath("thesis")
    choose(name, sorted(p.name.removesuffix(".csv") for p in folder.iterdir()), "reference table")
    with folder.joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def outcomes(table: pd.DataFrame) -> pd.DataFrame:
    """One row per run of ``Store.table``: its outcome, and what it was at the first separated level.

    Columns ``run, seed, outcome`` and, missing where the run never separated, ``level, available,
    active, loss, accuracy`` there.
    """
    rows = []
    for run, levels in table.groupby("run", sort=False):
        separated = levels[levels["status"] == "separated"]
        there = separated.iloc[0] if len(separated) else {}
        rows.append({"run": run, "seed": levels["seed"].iloc[0], "outcome": outcome(list(levels["status"])),
                     **{name: there.get(name, np.nan) for name in ("level", "available", "active", "loss", "accuracy")}})
    return pd.DataFrame(rows).astype({"level": "Int64", "available": "Int64", "active": "Int64"})


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
