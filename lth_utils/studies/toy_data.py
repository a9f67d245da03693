"""Study of notebook 01: one size of network on the toy data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from lth_utils.config import PruneSpec, RunSpec, Shape
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.store import Store
from lth_utils.studies.parameters import PointsParameters, Span
from lth_utils.studies.reference import reference
from lth_utils.studies.statistics import clustered_share, columns


@dataclass(frozen=True)
class Parameters(PointsParameters):
    """What notebook 01 asks for.

    Args:
        seeds: one network each, on each draw.
        draws: seeds of the data.
        base: layer widths before the extension.
        levels: extension levels, and prunings that lead back.
    """

    seeds: Span = "0-7"
    draws: Span = "0"
    base: Shape = (4, 8, 8, 2)
    levels: int = 9

    def specs(self) -> list[RunSpec]:
        """One run per seed and draw."""
        prune = PruneSpec(rate=self.rate, levels=self.levels, schedule="extension")
        return self.on_draws(self.spec(prune, base=self.base), {}, self.draws, self.seeds)


def tickets_on_the_way(results: Store, run: str) -> list[Ticket]:
    """Six tickets of a run from the dense network to its last level, more of them at the end."""
    last = len(results.history(run).rows) - 1
    levels = sorted({round(last * share) for share in (0, 0.35, 0.6, 0.8, 0.9, 1)})
    return [results.ticket(run, level) for level in levels]


def thesis_separation(base: Sequence[int], levels: int) -> dict | None:
    """What the thesis reports for one size of network.

    Its accuracy and level of separation are not reported; the level follows from the available
    weights.

    Args:
        base: layer widths before the extension.
        levels: extension levels.

    Returns:
        Plain values, or None where the thesis has no such runs.
    """
    shape = "-".join(map(str, base))
    rows = reference("extension_outcomes").query(
        f"extended_from_base_shape == '{shape}' and extension_level == {levels}"
    )
    # One family is reported in two readings: take the one that counts from the base network.
    rows = rows[rows["code_extension_levels"] == levels]
    if rows.empty:
        return None
    row = rows.iloc[0]
    facts = {
        "runs": int(row["n_runs"]),
        "separated": int(row["n_separated"] + row["n_separated_degraded"]),
    }
    at_separation = reference("active_available_at_split").query(
        f"network == '{row['network']}' and extension_level == {levels}"
    )
    if len(at_separation):
        for kind in ("active", "available"):
            for what in ("mean", "min", "max"):
                facts[f"{kind}_{what}"] = float(at_separation[f"{kind}_{what}"].iloc[0])
    return facts


def separation(runs: pd.DataFrame, theirs: dict | None) -> dict:
    """The facts about the separation of one size of network, ours beside theirs.

    Args:
        runs: as ``outcomes.outcomes``.
        theirs: as :func:`thesis_separation`.

    Returns:
        Plain values: ``headline, outcomes, ours, thesis``.
    """
    separated = runs.dropna(subset="level")
    ours = {
        "runs": len(runs),
        "separated": len(separated),
        **columns("share", clustered_share(runs["level"].notna(), runs["draw"])),
        "levels": [int(level) for level in separated["level"]],
        "seeds": [int(seed) for seed in separated["seed"]],
    }
    if len(separated):
        for kind in ("active", "available", "accuracy", "loss"):
            for what in ("mean", "min", "max"):
                ours[f"{kind}_{what}"] = float(getattr(separated[kind], what)())
    return {
        "headline": _headline(ours, theirs),
        "outcomes": runs["outcome"].value_counts().to_dict(),
        "ours": ours,
        "thesis": theirs,
    }


def _headline(ours: dict, theirs: dict | None) -> str:
    """One sentence on what :func:`separation` found."""
    text = (
        f"{ours['separated']} of {ours['runs']} runs separated "
        f"(95 % interval {ours['share_low']:.0%} to {ours['share_high']:.0%})"
    )
    if ours["separated"]:
        text += (
            f", with {ours['active_mean']:.0f} active weights on average "
            f"({ours['active_min']:.0f} to {ours['active_max']:.0f}) "
            f"at a mean accuracy of {ours['accuracy_mean']:.1%}"
        )
    if theirs is None:
        return text
    text += f"; the thesis: {theirs['separated']} of {theirs['runs']}"
    if "active_mean" not in theirs:
        return text
    low, high = theirs["active_min"], theirs["active_max"]
    return f"{text}, {theirs['active_mean']:.0f} ({low:.0f} to {high:.0f}) active"
