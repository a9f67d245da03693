"""Study of notebook 04: size against number of prunings."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lth_utils import pruning
from lth_utils.config import PruneSpec, RunSpec
from lth_utils.networks.layers import n_weights
from lth_utils.studies.groups import unique
from lth_utils.studies.parameters import PointsParameters, Span, StudyParameters
from lth_utils.studies.statistics import compare, share
from lth_utils.studies.verdict import (
    ALPHA,
    SEPARATED,
    WILSON,
    count_of,
    count_verdicts,
    headline,
    in_percent,
    judge,
    never_row,
    verdict_row,
    verdict_table,
)


@dataclass(frozen=True)
class Grid(StudyParameters):
    """Every width with every number of levels; seeds of networks on each draw of the data."""

    widths: tuple[int, ...]
    levels: Span
    seeds: Span
    draws: Span = "0"


@dataclass(frozen=True)
class Twenty(StudyParameters):
    """Widths of the extension sweep, by extension level; seeds of networks on each draw."""

    extensions: Span
    seeds: Span
    draws: Span = "0"


@dataclass(frozen=True)
class Many(StudyParameters):
    """One width, more and more levels; seeds of networks on each draw."""

    width: int
    levels: Span
    seeds: Span
    draws: Span = "0"


@dataclass(frozen=True)
class Parameters(PointsParameters):
    """What notebook 04 asks for; `rate` is that of the extension that gives the widths of `twenty`.

    Args:
        target: weights left after the last level.
        grid: every width with every number of levels.
        twenty: widths of the extension sweep, all with 20 levels.
        many: one network, more and more levels.
    """

    target: int = 112
    grid: Grid = Grid((31, 38, 48, 57), "1-10", "0-3")
    twenty: tuple[Twenty, ...] = (Twenty("0-12", "0-3"),)
    many: tuple[Many, ...] = (Many(127, "0-25", "0-1"),)

    def square(self) -> list[RunSpec]:
        """The grid."""
        bases = [[4, width, width, 2] for width in self.grid.widths]
        axes = {"base": bases, "prune.levels": self.grid.levels}
        return self.on_draws(self._pruned(), axes, self.grid.draws, self.grid.seeds)

    def always_twenty(self) -> list[RunSpec]:
        """Networks of all sizes with twenty levels each."""
        specs = []
        for part in self.twenty:
            shapes = pruning.extend((4, 8, 8, 2), self.rate, max(part.extensions))
            axes = {"base": [shapes[level] for level in part.extensions]}
            specs += self.on_draws(self._pruned(), axes, part.draws, part.seeds)
        return specs

    def more_and_more(self) -> list[RunSpec]:
        """One width by number of levels; level 0 is the dense network."""
        specs = []
        for part in self.many:
            spec = replace(self._pruned(), base=(4, part.width, part.width, 2))
            if 0 in part.levels:
                dense = replace(spec, prune=PruneSpec(levels=0))
                specs += self.on_draws(dense, {}, part.draws, part.seeds)
            axes = {"prune.levels": [levels for levels in part.levels if levels]}
            specs += self.on_draws(spec, axes, part.draws, part.seeds)
        return specs

    def specs(self) -> list[RunSpec]:
        """All runs, each once."""
        return unique(self.square(), self.always_twenty(), self.more_and_more())

    def _pruned(self) -> RunSpec:
        return self.spec(PruneSpec(levels=20, target=self.target))


def with_sizes(runs: pd.DataFrame, target: int) -> pd.DataFrame:
    """Runs with the columns ``width`` and ``rate``.

    Args:
        runs: as ``outcomes.outcomes``.
        target: weights left after the last level.

    Returns:
        `runs` with the width of the hidden layers, and the effective share of the remaining weights
        that is removed per level; missing where nothing is pruned.
    """
    shapes = runs["base"].str.split("-")
    weights = {}
    for base in runs["base"].unique():
        weights[base] = n_weights([int(width) for width in base.split("-")])
    left, levels = target / runs["base"].map(weights), runs["levels"].where(runs["levels"] > 0)
    return runs.assign(width=shapes.str[1].astype(int), rate=1 - left ** (1 / levels))


def pruning_levels(runs: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Verdicts on claim 3.

    Args:
        runs: as ``outcomes.outcomes``, with the columns of :func:`with_sizes`.
        theirs: ``reference("separations_by_size_and_levels")``.
    """
    ours = runs.assign(separated=runs["outcome"].isin(SEPARATED))
    rows = []
    for width in (31, 38, 48, 57):
        at, their_at = ours[ours["width"] == width], theirs[theirs["hidden_width"] == width]
        counts = (int(at["separated"].sum()), len(at))
        their_counts = (int(their_at["n_separated"].sum()), int(their_at["n_runs"].sum()))
        if width < 48:
            statement = f"width {width} never separates at target 112"
            rows.append(never_row("3", statement, counts, their_counts))
        elif len(at):
            rows.append(_does_separate(width, counts, their_counts))
    at_48 = ours[ours["width"] == 48]
    rows += _rates(at_48, theirs[theirs["hidden_width"] == 48])
    return verdict_table(rows + _cells(ours, theirs))


def facts(runs: pd.DataFrame, verdicts: pd.DataFrame, *, target: int, n_runs: int) -> dict:
    """The facts of notebook 04.

    Args:
        runs: the grid, as ``outcomes.outcomes`` with the column ``width``.
        verdicts: as :func:`pruning_levels`.
        target: weights left after the last level.
        n_runs: how many runs it is about.
    """
    separated = runs["outcome"].isin(SEPARATED)
    counts = {}
    for width, at in separated.groupby(runs["width"]):
        counts[str(width)] = [int(at.sum()), len(at)]
    texts = [f"{width}: {count} of {total}" for width, (count, total) in counts.items()]
    by_width = f"separated at {target} weights, by width: {', '.join(texts)}"
    return {
        "headline": f"{by_width}; {headline(verdicts)}",
        "runs": n_runs,
        "verdicts": count_verdicts(verdicts),
        "separated": counts,
    }


def _does_separate(width: int, ours: tuple[int, int], theirs: tuple[int, int]) -> dict:
    return verdict_row(
        "3",
        f"width {width} does separate at target 112",
        theirs=f"{theirs[0]} of {theirs[1]}",
        ours=count_of(*ours),
        runs=ours[1],
        test=WILSON,
        verdict="agrees" if ours[0] else "differs",
    )


def _rates(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    """Width 48: what the pruning rate per level decides."""
    rows, low_rates = [], ours[ours["rate"] < 0.41]
    if len(low_rates):
        rows.append(_low_rates(low_rates, theirs[theirs["pruning_levels"] >= 6]))
    if ours["separated"].any():
        rows.append(_largest_rate(ours, theirs[theirs["n_separated"] > 0]))
    return rows


def _low_rates(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict:
    counts = ours.groupby("levels")["separated"].agg(["sum", "size"])
    shares = [share(count, total) for count, total in counts.itertuples(index=False)]
    values, lows, highs = np.transpose(shares)
    together = in_percent(*share(int(ours["separated"].sum()), len(ours)))
    return verdict_row(
        "3",
        "rates below 0.41 separate width 48 consistently (most runs at each number of levels)",
        theirs=f"{', '.join(map(str, theirs['n_separated']))} of {theirs['n_runs'].max()}",
        ours=f"{together} taken together, by level {values.min():.0%} to {values.max():.0%}",
        runs=len(ours),
        test=f"{WILSON} of every number of levels against one half",
        verdict=judge(lows > 0.5, highs < 0.5),
    )


def _largest_rate(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict:
    top = ours.loc[ours["separated"], "rate"].max()
    at_top = ours.loc[np.isclose(ours["rate"], top), "separated"]
    their_top = theirs.nlargest(1, "pruning_rate_effective_mean").iloc[0]
    their_rate = their_top["pruning_rate_effective_mean"]
    their_count = f"{their_top['n_separated']:.0f} of {their_top['n_runs']:.0f}"
    return verdict_row(
        "3",
        "the largest rate that separates width 48 is about 0.65",
        theirs=f"{their_rate:.3f} ({their_count})",
        ours=f"{top:.3f} ({int(at_top.sum())} of {len(at_top)})",
        runs=len(ours),
        test="largest rate seen",
        verdict="agrees" if abs(top - their_rate) < 0.02 else "differs",
        note="more runs see rarer events: a maximum can only grow with their number",
    )


def _cells(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    """Every cell of the grid, compared with theirs."""
    names = {
        "hidden_width": "width",
        "pruning_levels": "levels",
        "n_separated": "apart",
        "n_runs": "runs",
    }
    groups = ours.groupby(["width", "levels"])["separated"]
    counts = groups.agg(apart="sum", runs="size").reset_index()
    theirs = theirs.rename(columns=names)
    counts = counts.assign(rest=counts["runs"] - counts["apart"])
    theirs = theirs.assign(rest=theirs["runs"] - theirs["apart"])
    both = compare(counts, theirs, ["width", "levels"], ["apart", "rest"])
    if both.empty:
        return []
    differ = int((both["p_corrected"] < ALPHA).sum())
    return [
        verdict_row(
            "3",
            "the number of separated runs in every cell of the grid",
            theirs="4 runs each",
            ours=f"{differ} of {len(both)} cells differ",
            runs=int(both["runs"].sum()),
            test="exact test per cell, corrected after Holm",
            verdict="differs" if differ else "agrees",
            p=both["p_corrected"].min(),
            note=f"smallest uncorrected p {both['p'].min():.2g}",
        )
    ]
