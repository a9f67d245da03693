"""Study of notebook 07: all at once, or in rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lth_utils import data
from lth_utils.config import PruneSpec, RunSpec, Shape, TrainSpec, VariantSpec, choose, expand
from lth_utils.networks.layers import n_weights
from lth_utils.studies.parameters import Span, StudyParameters
from lth_utils.studies.statistics import interval, share
from lth_utils.studies.verdict import COLUMNS, WILSON, in_percent, in_points, judge, verdict_row

METHODS = {
    "iterative": {},
    "one-shot": {"prune.one_shot": [True]},
    "random": {"prune.criterion": ["random"]},
}
"""What distinguishes the ways of pruning, as axes of :func:`expand`."""


@dataclass(frozen=True)
class Images(StudyParameters):
    """The image network, its data, its prunings and its training.

    Args:
        base: its shape.
        size: pixels per side.
        per_class: training images per class, 0: all.
        rate: share of the remaining weights removed per level, in (0, 1).
        levels: number of prunings.
        batch: examples per step.
        epochs: of every training.
        seeds: one trial each.
    """

    base: Shape
    size: int
    per_class: int
    rate: float
    levels: int
    batch: int
    epochs: int
    seeds: Span


@dataclass(frozen=True)
class Steps(StudyParameters):
    """The same share left after more and more rounds; target: that share, in (0, 1)."""

    target: float
    rounds: tuple[int, ...]
    seeds: Span


@dataclass(frozen=True)
class Toy(StudyParameters):
    """Networks on moons and circles: see :class:`PointsParameters`."""

    base: Shape
    rate: float
    levels: int
    seeds: Span
    n_samples: int
    patience: int


@dataclass(frozen=True)
class Parameters(StudyParameters):
    """What notebook 07 asks for.

    Args:
        mnist: the image network.
        scopes: ``global``, ``layer`` or both; controls are run for the first.
        many: the same share left after more and more rounds.
        toy: networks on moons and circles.
        lr: Adam's learning rate.
    """

    mnist: Images = Images((784, 300, 100, 10), 28, 500, 0.5, 7, 64, 15, "0-2")
    scopes: tuple[str, ...] = ("global", "layer")
    many: Steps = Steps(0.02, (1, 2, 4), "0-2")
    toy: Toy = Toy((4, 8, 8, 2), 0.32, 9, "0-15", 1000, 30)
    lr: float = 0.001

    def check(self):
        for scope in self.scopes:
            choose(scope, ("global", "layer"), "Parameters.scopes")

    def dense(self) -> int:
        """Weights of the image network before pruning."""
        return n_weights(self.mnist.base)

    def methods(self) -> dict[tuple[str, str], list[RunSpec]]:
        """Runs on images by scope and way of pruning, with two controls for the first scope."""
        spec, seeds, groups = self._images(), {"seed": self.mnist.seeds}, {}
        for scope in self.scopes:
            for name, axes in METHODS.items():
                if name != "random" or scope == self.scopes[0]:
                    groups[scope, name] = expand(spec, seeds | {"prune.scope": [scope]} | axes)
        control = []
        for found in groups[self.scopes[0], "iterative"]:
            for level in range(1, self.mnist.levels + 1):
                control.append(replace(found, variant=VariantSpec(spec.train, level, "fresh")))
        groups[self.scopes[0], "fresh initialisation"] = control
        return groups

    def steps(self) -> dict[tuple[int], list[RunSpec]]:
        """Runs on images by number of rounds to the same share of weights."""
        groups, target = {}, round(self.many.target * self.dense())
        for rounds in self.many.rounds:
            spec = replace(self._images(), prune=PruneSpec(levels=rounds, target=target))
            groups[(rounds,)] = expand(spec, {"seed": self.many.seeds})
        return groups

    def toys(self) -> dict[str, list[RunSpec]]:
        """Runs on moons and circles by way of pruning."""
        toy = self.toy
        spec = RunSpec(
            data=data.spec("moons_circles", n_samples=toy.n_samples),
            base=toy.base,
            train=TrainSpec(lr=self.lr, patience=toy.patience),
            prune=PruneSpec(rate=toy.rate, levels=toy.levels, schedule="extension"),
            stop_at=[],
        )
        return {name: expand(spec, {"seed": toy.seeds} | axes) for name, axes in METHODS.items()}

    def points(self) -> list[RunSpec]:
        """All runs on moons and circles."""
        return [spec for group in self.toys().values() for spec in group]

    def specs(self) -> list[RunSpec]:
        """All runs, those on images first."""
        groups = [*self.methods().values(), *self.steps().values(), self.points()]
        return [spec for group in groups for spec in group]

    def _images(self) -> RunSpec:
        images = self.mnist
        return RunSpec(
            data=data.spec("mnist", size=images.size, per_class=images.per_class or None),
            base=images.base,
            train=TrainSpec(
                lr=self.lr,
                batch_size=images.batch,
                patience=images.epochs,
                max_epochs=images.epochs,
                record=True,
            ),
            prune=PruneSpec(rate=images.rate, levels=images.levels),
            coverage="output",
            stop_at=[],
        )


def smallest_lossless_share(
    found: pd.DataFrame, keys: Sequence[str], within: float = 0.01
) -> pd.DataFrame:
    """Per key and seed: the smallest ``share`` of weights down to which the accuracy stays at most `within` below the dense network's.

    found: as :func:`measured` with ``share``, which is 1 for the dense network.
    """

    def reach(at):
        at = at.sort_values("share", ascending=False)
        kept = (at["accuracy"] >= at["accuracy"].iloc[0] - within).cummin()
        return at.loc[kept, "share"].min()

    return (
        found.groupby([*keys, "seed"], sort=False)[["share", "accuracy"]]
        .apply(reach)
        .rename("share")
        .reset_index()
    )


def separated_at_any_level(table: pd.DataFrame) -> pd.DataFrame:
    """How many runs were ``apart`` at some level: columns ``apart`` and ``runs``, one row per ``method``."""
    runs = table.groupby(["method", "run"], sort=False)["apart"].any()
    return runs.groupby("method", sort=False).agg(apart="sum", runs="size")


def one_shot(lost: pd.DataFrame, sizes: pd.DataFrame, toy: pd.DataFrame) -> pd.DataFrame:
    """Claim 9: iterative pruning keeps accuracy at smaller sizes than one-shot pruning; and does one-shot pruning separate networks?

    lost: as ``trials.against`` with columns ``scope, measure, share, method`` and the base ``iterative``; sizes: as ``trials.smallest``;
    toy: level rows of the moons-circles runs with columns ``method`` and ``apart``.
    """
    rows = []
    for (scope, measure), at in sizes.groupby(["scope", "measure"], sort=False):
        pairs = at.pivot(index="seed", columns="method", values="share")[
            ["iterative", "one-shot"]
        ].dropna()
        factor, low, high = np.exp(interval(np.log(pairs["one-shot"] / pairs["iterative"])))
        apart = lost[
            (lost["method"] == "one-shot") & (lost["scope"] == scope) & (lost["measure"] == measure)
        ]
        last, between = (
            apart.loc[apart["share"].idxmin()],
            "" if np.isnan(low) else f" (95 % interval {low:.1f} to {high:.1f})",
        )
        rows.append(
            verdict_row(
                "9",
                "iterative pruning keeps the dense network's accuracy (within a point) at smaller sizes than one-shot "
                f"({scope}, {measure})",
                "by figure",
                f"to {pairs['iterative'].median():.1%} of the weights, one-shot to {pairs['one-shot'].median():.1%} (medians): "
                f"{factor:.1f} times{between}; one-shot's loss where {last['share']:.1%} is left "
                f"{in_points(last['lost'], last['lost_low'], last['lost_high'])}",
                len(pairs),
                "Student's interval of the ratio's logarithm, within a trial",
                judge([low > 1], [high < 1]),
            )
        )
    counts = separated_at_any_level(toy)
    if {"iterative", "one-shot"} <= set(counts.index):
        from scipy.stats import fisher_exact

        (k, n), (j, m) = counts.loc["one-shot"], counts.loc["iterative"]
        rows.append(
            verdict_row(
                "9",
                "one-shot pruning separates networks, too (moons-circles, at any size)",
                "not asked",
                f"{k} of {n}, {in_percent(*share(k, n))}; iterative {j} of {m}, {in_percent(*share(j, m))}",
                int(n + m),
                f"{WILSON}; Fisher's exact test between them",
                "cannot tell" if not k else "agrees",
                fisher_exact([[k, n - k], [j, m - j]]).pvalue,
            )
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def one_shot_headline(lost: pd.DataFrame, toy: pd.DataFrame) -> str:
    """One sentence: what one-shot pruning loses at the smallest size, and how many of its networks separate."""
    last = lost[(lost["method"] == "one-shot") & (lost["share"] == lost["share"].min())].iloc[-1]
    counts = ", ".join(
        f"{name} {k} of {n}" for name, (k, n) in separated_at_any_level(toy).iterrows()
    )
    return (
        f"one-shot pruning loses {in_points(last['lost'], last['lost_low'], last['lost_high'])} against iterative where {last['share']:.1%} "
        f"of the weights is left; moons-circles networks that separate: {counts}"
    )
