"""Study of notebook 01: one size of network on the toy data."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from lth_utils.config import PruneSpec, RunSpec, Shape, expand
from lth_utils.studies.parameters import PointsParameters, Span
from lth_utils.studies.reference import reference
from lth_utils.studies.statistics import share


@dataclass(frozen=True)
class Parameters(PointsParameters):
    """What notebook 01 asks for.

    Args:
        seeds: one network each.
        base: layer widths before the extension.
        levels: extension levels, and prunings that lead back.
    """

    seeds: Span = "0-7"
    base: Shape = (4, 8, 8, 2)
    levels: int = 9

    def specs(self) -> list[RunSpec]:
        """One run per seed."""
        prune = PruneSpec(rate=self.rate, levels=self.levels, schedule="extension")
        return expand(self.spec(prune, base=self.base), {"seed": self.seeds})


def thesis_separation(base: list[int], levels: int) -> dict | None:
    """What the thesis reports for a base network extended `levels` levels, or None where it has no such runs.

    Its accuracy and level of separation are not reported; the latter follows from the available weights.
    """
    shape = "-".join(map(str, base))
    # the rows that count levels from the base network itself (one family is reported in two readings)
    there = reference("extension_outcomes").query(
        f"extended_from_base_shape == '{shape}' and extension_level == code_extension_levels == {levels}"
    )
    if there.empty:
        return None
    row = there.iloc[0]
    facts = {
        "runs": int(row["n_runs"]),
        "separated": int(row["n_separated"] + row["n_separated_degraded"]),
    }
    split = reference("active_available_at_split").query(
        f"network == '{row['network']}' and extension_level == {levels}"
    )
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
    ours = {
        "runs": len(summary),
        "separated": len(there),
        "share": value,
        "share_low": low,
        "share_high": high,
        "levels": [int(n) for n in there["level"]],
        "seeds": [int(n) for n in there["seed"]],
    }
    for kind in ("active", "available", "accuracy", "loss"):
        for what in ("mean", "min", "max") if len(there) else ():
            ours[f"{kind}_{what}"] = float(getattr(there[kind], what)())
    headline = (
        f"{len(there)} of {len(summary)} runs separated (95 % interval {low:.0%} to {high:.0%})"
    )
    if len(there):
        headline += (
            f", with {ours['active_mean']:.0f} active weights on average ({ours['active_min']:.0f} to {ours['active_max']:.0f}) "
            f"at a mean accuracy of {ours['accuracy_mean']:.1%}"
        )
    if theirs:
        headline += f"; the thesis: {theirs['separated']} of {theirs['runs']}"
        if "active_mean" in theirs:
            headline += f", {theirs['active_mean']:.0f} ({theirs['active_min']:.0f} to {theirs['active_max']:.0f}) active"
    return {
        "headline": headline,
        "outcomes": summary["outcome"].value_counts().to_dict(),
        "ours": ours,
        "thesis": theirs,
    }
