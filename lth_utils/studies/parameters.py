"""Typed parameters of a study: what the parameters of all notebooks share."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from lth_utils import data
from lth_utils.config import DataSpec, PruneSpec, RunSpec, SpecError, TrainSpec, expand, span
from lth_utils.config.checks import Checked
from lth_utils.data.toy_points import FRESH

NETWORKS_PER_DRAW = 100
"""How many seeds of networks belong to one draw of the data."""


class Span(tuple):
    """Whole numbers as people write them: ``"0-3, 7"``, a single number, or a list of them."""

    def __new__(cls, numbers=()):
        """Raises :class:`SpecError` where `numbers` cannot be read."""
        return super().__new__(cls, span(numbers))


class StudyParameters(Checked):
    """A frozen dataclass of parameters; an unknown or mistyped one is an error at any depth.

    Fields of type :class:`Span` are read as spans; an optional field given as ``{}`` is None.
    """

    def __post_init__(self):
        hints = typing.get_type_hints(type(self))
        for field in fields(self):
            value = getattr(self, field.name)
            if hints[field.name] is Span:
                object.__setattr__(self, field.name, self._span(field.name, value))
            elif value == {} and types.NoneType in typing.get_args(hints[field.name]):
                object.__setattr__(self, field.name, None)
        super().__post_init__()

    def _span(self, name: str, value) -> Span:
        try:
            return Span(value)
        except SpecError as error:
            raise SpecError(f"{type(self).__name__}.{name}: {error}") from None


@dataclass(frozen=True)
class PointsParameters(StudyParameters):
    """What all studies of the moons-circles data ask for.

    Args:
        rate: share of the remaining weights removed per level, in (0, 1).
        n_samples: points per split, of each task.
        noise: standard deviation, in data units before scaling.
        draw: how the points are drawn, ``own`` or ``thesis``, see ``data.moons_circles``.
        fresh: points beyond those that training watches, on which networks are scored.
        lr: Adam's learning rate.
        batch_size: examples per step.
        patience: epochs above the best loss before training stops.
        max_epochs: cap on the epochs of one training.
    """

    rate: float = 0.32
    n_samples: int = 1000
    noise: float = 0.1
    draw: str = "own"
    fresh: int = FRESH
    lr: float = 0.001
    batch_size: int = 64
    patience: int = 30
    max_epochs: int = 3000

    def points(self, seed: int = 0, **options) -> DataSpec:
        """The moons-circles data, drawn with `seed`; options: further ones of the data set."""
        return data.spec(
            "moons_circles",
            n_samples=self.n_samples,
            noise=self.noise,
            seed=seed,
            draw=self.draw,
            fresh=self.fresh,
            **options,
        )

    def on_draws(
        self, spec: RunSpec, axes: Mapping[str, Sequence], draws: Sequence[int], seeds: Span
    ) -> list[RunSpec]:
        """A grid of runs on several draws of the data, with other networks on each.

        Args:
            spec: one of them.
            axes: what else differs, see :func:`lth_utils.config.expand`.
            draws: seeds of the data.
            seeds: of the networks on each draw, 0 to 99; draw d has ``100 d + seed``.

        Raises:
            SpecError: a seed of 100 or more beside several draws.
        """
        if max(draws) and max(seeds) >= NETWORKS_PER_DRAW:
            raise SpecError(
                f"seeds reach {max(seeds)}; with several draws of the data allowed: "
                f"0 to {NETWORKS_PER_DRAW - 1}, the networks on each"
            )
        specs = []
        for draw in draws:
            own = [NETWORKS_PER_DRAW * draw + seed for seed in seeds]
            specs += expand(replace(spec, data=self.points(draw)), {**axes, "seed": own})
        return specs

    def spec(self, prune: PruneSpec, **others) -> RunSpec:
        """One run on the points; others: further fields of the :class:`RunSpec`."""
        train = TrainSpec(
            lr=self.lr,
            batch_size=self.batch_size,
            patience=self.patience,
            max_epochs=self.max_epochs,
        )
        return RunSpec(data=self.points(), train=train, prune=prune, **others)
