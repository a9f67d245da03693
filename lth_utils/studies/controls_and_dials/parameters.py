"""Parameters of notebook 09, and the runs that they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from lth_utils import data
from lth_utils.config import DataSpec, PruneSpec, RunSpec, SpecError, TrainSpec, choose
from lth_utils.data.toy_points import FRESH
from lth_utils.studies.groups import unique
from lth_utils.studies.parameters import NETWORKS_PER_DRAW, Span, StudyParameters

DIALS = ("dependence", "rotation", "overlap")
"""What can be turned, from two independent tasks to none."""

ROTATED, SHARED = "rotated by 45 degrees", "one shared input"

CONTROLS: dict[str, dict] = {
    "random pruning": {},
    "circles shuffled": {"control": "circles shuffled"},
    "moons shuffled": {"control": "moons shuffled"},
    "both shuffled": {"control": "both shuffled"},
    "twice": {"control": "twice"},
    "exclusive or": {"control": "exclusive or"},
    ROTATED: {"rotation": 45.0},
    SHARED: {"overlap": 1},
}
"""Conditions under which the tasks should not part, and the options of their data."""

TRANSPLANTED_TO = 500
"""What is added to a draw's number for the other draw that its masks are trained on."""


class Condition(NamedTuple):
    """What distinguishes some of the runs.

    Attributes:
        dial: one of :data:`DIALS`, or a name of :data:`CONTROLS`.
        n_samples: points per split.
        value: where the dial stands; 0 of a control.
    """

    dial: str
    n_samples: int
    value: float


PAIR = Condition("dependence", 1000, 0.0)
"""Two independent tasks, which all others are compared with."""


@dataclass(frozen=True)
class Dial(StudyParameters):
    """Where a dial stands, on several draws of the data.

    Args:
        values: where it stands.
        seeds: of the networks on each draw, 0 to 99.
        draws: seeds of the data.
        n_samples: points per split.
    """

    values: tuple[float, ...]
    seeds: Span
    draws: Span
    n_samples: int = 1000


@dataclass(frozen=True)
class Controls(StudyParameters):
    """Controls; names: of :data:`CONTROLS`; the others as of :class:`Dial`."""

    names: tuple[str, ...]
    seeds: Span
    draws: Span

    def check(self):
        for name in self.names:
            choose(name, CONTROLS, "a control")


@dataclass(frozen=True)
class Parameters(StudyParameters):
    """What notebook 09 asks for.

    Args:
        dependence: dial 1, 0 to 1, by number of points.
        rotation: dial 2, 0 to 45 degrees.
        overlap: dial 3, 0 to 3 shared inputs.
        controls: which, on how many draws.
        rate: share of the remaining weights removed per level, in (0, 1).
        levels: prunings, and extension level of 4-8-8-2.
        max_epochs: cap on the epochs of one training.
        fresh: points beyond those that training watches, on which networks are scored.
        tolerance: how far a task's accuracy may fall below the run's own dense network.
        nulls: random masks that each ticket is compared with.
    """

    dependence: tuple[Dial, ...] = (Dial((0.0, 0.5, 1.0), "0", "10-14"),)
    rotation: tuple[Dial, ...] = (Dial((0.0, 5.0, 45.0), "0", "10-14"),)
    overlap: tuple[Dial, ...] = (Dial((0.0, 3.0), "0", "10-14"),)
    controls: tuple[Controls, ...] = (
        Controls(("random pruning", "both shuffled", "twice"), "0", "10-14"),
    )
    rate: float = 0.32
    levels: int = 9
    max_epochs: int = 500
    fresh: int = FRESH
    tolerance: float = 0.02
    nulls: int = 20

    def check(self):
        self._require(0 <= self.tolerance < 1, "tolerance", "0 or more, below 1")
        self._require(self.nulls >= 1, "nulls", "1 or more")
        self._require(self.fresh >= 2, "fresh", "2 or more")
        for part in (*self.dependence, *self.rotation, *self.overlap, *self.controls):
            if max(part.seeds) >= NETWORKS_PER_DRAW:
                raise SpecError(
                    f"seeds reach {max(part.seeds)}; allowed: 0 to {NETWORKS_PER_DRAW - 1}, "
                    "the networks on each draw"
                )
            if max(part.draws) >= TRANSPLANTED_TO:
                raise SpecError(
                    f"draws reach {max(part.draws)}; allowed: 0 to {TRANSPLANTED_TO - 1}; "
                    "larger ones are for transplants"
                )

    def groups(self) -> dict[Condition, list[RunSpec]]:
        """Runs by condition: first the three dials at the size of the pair, then all others."""
        dials: list[tuple[Condition, list[RunSpec]]] = []
        for dial in DIALS:
            for part in getattr(self, dial):
                for value in part.values:
                    condition = Condition(dial, part.n_samples, value)
                    runs = self._runs(part.draws, part.seeds, part.n_samples, {dial: value})
                    dials.append((condition, runs))
        controls = []
        for part in self.controls:
            for name in part.names:
                n = PAIR.n_samples
                criterion = "random" if name == "random pruning" else "magnitude"
                runs = self._runs(part.draws, part.seeds, n, CONTROLS[name], criterion)
                controls.append((Condition(name, n, 0.0), runs))
        first = [entry for entry in dials if entry[0].n_samples == PAIR.n_samples]
        later = [entry for entry in dials if entry[0].n_samples != PAIR.n_samples]
        return _merged([*first, *controls, *later])

    def specs(self) -> list[RunSpec]:
        """All runs, each once, in the order of :meth:`groups`."""
        return unique(*self.groups().values())

    def data_of(self, draw: int, n_samples: int = PAIR.n_samples, **options) -> DataSpec:
        """The data of a condition; options: of ``data.dials``, or ``overlap``."""
        overlap = options.pop("overlap", None)
        shared = {"n_samples": n_samples, "seed": draw, "fresh": self.fresh}
        if overlap is None:
            return data.spec("dials", **shared, **options)
        return data.spec("overlapping", overlap=int(overlap), **shared)

    def train_spec(self) -> TrainSpec:
        """How every network is trained."""
        return TrainSpec(max_epochs=self.max_epochs)

    def _runs(
        self,
        draws: Sequence[int],
        seeds: Sequence[int],
        n_samples: int,
        options: dict,
        criterion: str = "magnitude",
    ) -> list[RunSpec]:
        """Runs of one condition; draw d has the networks ``100 d + seed``."""
        overlap = options.get("overlap")
        inputs = 4 if overlap is None else 6 - int(overlap)
        prune = PruneSpec(self.rate, self.levels, schedule="extension", criterion=criterion)
        specs = []
        for draw in draws:
            own = self.data_of(draw, n_samples, **options)
            spec = RunSpec(own, base=(inputs, 8, 8, 2), train=self.train_spec(), prune=prune)
            specs += [replace(spec, seed=NETWORKS_PER_DRAW * draw + seed) for seed in seeds]
        return specs


def _merged(entries: list[tuple[Condition, list[RunSpec]]]) -> dict[Condition, list[RunSpec]]:
    """The runs of each condition, each once."""
    groups: dict[Condition, list[RunSpec]] = {}
    for condition, runs in entries:
        groups[condition] = unique(groups.get(condition, []), runs)
    return groups
