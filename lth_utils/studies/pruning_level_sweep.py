"""Study of notebook 04: size against number of prunings."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lth_utils import pruning
from lth_utils.config import PruneSpec, RunSpec, expand
from lth_utils.studies.parameters import PointsParameters, Span, StudyParameters, unique
from lth_utils.studies.statistics import compare, share
from lth_utils.studies.verdict import (
    ALPHA,
    COLUMNS,
    SEPARATED,
    WILSON,
    in_percent,
    judge,
    never_row,
    verdict_row,
)


@dataclass(frozen=True)
class Grid(StudyParameters):
    """Every width with every number of levels and every seed."""

    widths: tuple[int, ...]
    levels: Span
    seeds: Span


@dataclass(frozen=True)
class Twenty(StudyParameters):
    """Widths of the extension sweep, by extension level."""

    extensions: Span
    seeds: Span


@dataclass(frozen=True)
class Many(StudyParameters):
    """One width, more and more levels."""

    width: int
    levels: Span
    seeds: Span


@dataclass(frozen=True)
class Draws(StudyParameters):
    """Part of the grid on other draws of the points; data: their seeds."""

    data: tuple[int, ...]
    widths: tuple[int, ...]
    levels: Span
    seeds: Span


@dataclass(frozen=True)
class Parameters(PointsParameters):
    """What notebook 04 asks for; `rate` is that of the extension that gives the widths of `twenty`.

    Args:
        target: weights left after the last level.
        grid: every width with every number of levels.
        twenty: widths of the extension sweep, all with 20 levels.
        many: one network, more and more levels.
        draws: a part of the grid on other draws of the data.
    """

    target: int = 112
    grid: Grid = Grid((31, 38, 48, 57), "1-10", "0-3")
    twenty: tuple[Twenty, ...] = (Twenty("0-12", "0-3"),)
    many: tuple[Many, ...] = (Many(127, "0-25", "0-1"),)
    draws: Draws = Draws((1, 2), (38, 48), "6-10", "0-3")

    def square(self) -> list[RunSpec]:
        """The grid."""
        return expand(self._pruned(), _grid_axes(self.grid))

    def always_twenty(self) -> list[RunSpec]:
        """Networks of all sizes with twenty levels each."""
        specs = []
        for part in self.twenty:
            shapes = pruning.extend((4, 8, 8, 2), self.rate, max(part.extensions))
            bases = [shapes[level] for level in part.extensions]
            specs += expand(self._pruned(), {"base": bases, "seed": part.seeds})
        return specs

    def more_and_more(self) -> list[RunSpec]:
        """One width by number of levels; level 0 is the dense network."""
        dense, specs = replace(self._pruned(), prune=PruneSpec(levels=0)), []
        for part in self.many:
            axes = {"base": [[4, part.width, part.width, 2]], "seed": part.seeds}
            if 0 in part.levels:
                specs += expand(dense, axes)
            pruned = [levels for levels in part.levels if levels]
            specs += expand(self._pruned(), axes | {"prune.levels": pruned})
        return specs

    def redrawn(self) -> dict[str, list[RunSpec]]:
        """Runs by the draw of the data, those ``as the thesis`` first."""
        spec, axes = self._pruned(), _grid_axes(self.draws)
        groups = {"as the thesis": expand(spec, axes)}
        for seed in self.draws.data:
            groups[f"data seed {seed}"] = expand(replace(spec, data=self.points(seed)), axes)
        return groups

    def specs(self) -> list[RunSpec]:
        """All runs, each once."""
        return unique(
            self.square(), self.always_twenty(), self.more_and_more(), *self.redrawn().values()
        )

    def _pruned(self) -> RunSpec:
        return self.spec(PruneSpec(levels=20, target=self.target))


def _grid_axes(grid: Grid | Draws) -> dict:
    bases = [[4, width, width, 2] for width in grid.widths]
    return {"base": bases, "prune.levels": grid.levels, "seed": grid.seeds}


def pruning_levels(runs: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Claim 3.

    runs: as ``claims.outcomes`` with columns ``width`` and ``rate`` (effective, per level);
    theirs: ``claims.reference("separations_by_size_and_levels")``.
    """
    ever = runs.assign(ever=runs["outcome"].isin(SEPARATED))
    rows = []
    for width in (31, 38):
        mine, given = ever[ever["width"] == width], theirs[theirs["hidden_width"] == width]
        rows.append(
            never_row(
                "3",
                f"width {width} never separates at target 112",
                int(mine["ever"].sum()),
                len(mine),
                (int(given["n_separated"].sum()), int(given["n_runs"].sum())),
            )
        )
    for width in (48, 57):
        mine, given = ever[ever["width"] == width], theirs[theirs["hidden_width"] == width]
        if len(mine):
            value, low, high = share(int(mine["ever"].sum()), len(mine))
            rows.append(
                verdict_row(
                    "3",
                    f"width {width} does separate at target 112",
                    f"{given['n_separated'].sum()} of {given['n_runs'].sum()}",
                    f"{mine['ever'].sum()} of {len(mine)}, {in_percent(value, low, high)}",
                    len(mine),
                    WILSON,
                    "agrees" if value else "differs",
                )
            )
    rows += _rates(ever[ever["width"] == 48], theirs[theirs["hidden_width"] == 48])
    names = {
        "hidden_width": "width",
        "pruning_levels": "levels",
        "n_separated": "apart",
        "n_runs": "runs",
    }
    cells = ever.groupby(["width", "levels"])["ever"].agg(apart="sum", runs="size").reset_index()
    cells, given = (
        t.assign(rest=t["runs"] - t["apart"]) for t in (cells, theirs.rename(columns=names))
    )
    both = compare(cells, given, ["width", "levels"], ["apart", "rest"])
    if len(both):
        differ = int((both["p_corrected"] < ALPHA).sum())
        rows.append(
            verdict_row(
                "3",
                "the number of separated runs in every cell of the grid",
                "4 runs each",
                f"{differ} of {len(both)} cells differ",
                int(both["runs"].sum()),
                "exact test per cell, corrected after Holm",
                "differs" if differ else "agrees",
                both["p_corrected"].min(),
                f"smallest uncorrected p {both['p'].min():.2g}",
            )
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _rates(ever: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    """Width 48: what the pruning rate per level decides."""
    low_rates, given = ever[ever["rate"] < 0.41], theirs[theirs["pruning_levels"] >= 6]
    rows = []
    if len(low_rates):
        cells = low_rates.groupby("levels")["ever"].agg(["sum", "size"])
        bounds = [share(k, n) for k, n in cells.itertuples(index=False)]
        value, low, high = share(int(low_rates["ever"].sum()), len(low_rates))
        rows.append(
            verdict_row(
                "3",
                "rates below 0.41 separate width 48 consistently (most runs at each number of levels)",
                f"{', '.join(map(str, given['n_separated']))} of {given['n_runs'].max()}",
                f"{in_percent(value, low, high)} taken together, by level {min(bounds)[0]:.0%} to {max(bounds)[0]:.0%}",
                len(low_rates),
                f"{WILSON} of every number of levels against one half",
                judge([b[1] > 0.5 for b in bounds], [b[2] < 0.5 for b in bounds]),
            )
        )
    if ever["ever"].any():
        top = ever.loc[ever["ever"], "rate"].max()
        at_top = ever[np.isclose(ever["rate"], top)]
        their_top = (
            theirs[theirs["n_separated"] > 0].nlargest(1, "pruning_rate_effective_mean").iloc[0]
        )
        rows.append(
            verdict_row(
                "3",
                "the largest rate that separates width 48 is about 0.65",
                f"{their_top['pruning_rate_effective_mean']:.3f} ({their_top['n_separated']:.0f} of {their_top['n_runs']:.0f})",
                f"{top:.3f} ({int(at_top['ever'].sum())} of {len(at_top)})",
                len(ever),
                "largest rate seen",
                "agrees"
                if abs(top - their_top["pruning_rate_effective_mean"]) < 0.02
                else "differs",
                note="more runs see rarer events: a maximum can only grow with their number",
            )
        )
    return rows
