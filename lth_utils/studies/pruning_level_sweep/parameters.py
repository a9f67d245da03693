"""Parameters of notebook 04, and the runs that they ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lth_utils import pruning
from lth_utils.config import PruneSpec, RunSpec
from lth_utils.studies.groups import unique
from lth_utils.studies.parameters import PointsParameters, Span, StudyParameters


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
