"""Parameters of notebook 03, and the runs that they ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lth_utils.config import PruneSpec, RunSpec, expand
from lth_utils.studies.groups import unique
from lth_utils.studies.parameters import PointsParameters, Span, StudyParameters


@dataclass(frozen=True)
class Sizes(StudyParameters):
    """Extension levels of a base network, each with all of the seeds."""

    levels: Span
    seeds: Span


@dataclass(frozen=True)
class Changes(StudyParameters):
    """Two-layer networks of one extension level on other points and with another patience.

    Args:
        level: the extension level.
        seeds: seeds of the networks.
        data: seeds of the other draws of the points.
        patience: other patiences of the early stopping, in epochs.
    """

    level: int
    seeds: Span
    data: tuple[int, ...]
    patience: tuple[int, ...]


@dataclass(frozen=True)
class Parameters(PointsParameters):
    """What notebook 03 asks for.

    Args:
        one_layer: extension levels of 4-20-2, and their seeds.
        two_layers: of 4-8-8-2.
        three_layers: of 4-4-4-4-2.
        layerwise: one-layer networks pruned layer by layer.
        variants: other data seeds, other patience.
    """

    one_layer: tuple[Sizes, ...] = (Sizes("0-16", "1-5"),)
    two_layers: tuple[Sizes, ...] = (Sizes("0-12", "0-3"),)
    three_layers: tuple[Sizes, ...] = (Sizes("0-16", "1-3"),)
    layerwise: Sizes = Sizes("12-16", "1-5")
    variants: Changes = Changes(9, "0-19", (1,), (10,))

    def families(self) -> list[RunSpec]:
        """Every size of every base network."""
        sizes = {
            (4, 20, 2): self.one_layer,
            (4, 8, 8, 2): self.two_layers,
            (4, 4, 4, 4, 2): self.three_layers,
        }
        specs = []
        for base, parts in sizes.items():
            for part in parts:
                axes = {"base": [base], "prune.levels": part.levels, "seed": part.seeds}
                specs += expand(self._extended(), axes)
        return specs

    def by_layer(self) -> list[RunSpec]:
        """One-layer networks that lose the same share of each layer."""
        spec = replace(self._extended(scope="layer"), base=(4, 20, 2))
        axes = {"prune.levels": self.layerwise.levels, "seed": self.layerwise.seeds}
        return expand(spec, axes)

    def varied(self) -> dict[str, list[RunSpec]]:
        """Runs by the name of what is changed, those ``as the thesis`` first."""
        spec, changes = self._extended(), self.variants
        axes = {"prune.levels": [changes.level], "seed": changes.seeds}
        groups = {"as the thesis": expand(spec, axes)}
        for seed in changes.data:
            groups[f"data seed {seed}"] = expand(replace(spec, data=self.points(seed)), axes)
        for epochs in changes.patience:
            groups[f"patience {epochs}"] = expand(spec, axes | {"train.patience": [epochs]})
        return groups

    def specs(self) -> list[RunSpec]:
        """All runs, each once."""
        return unique(self.families(), self.by_layer(), *self.varied().values())

    def _extended(self, scope: str = "global") -> RunSpec:
        prune = PruneSpec(rate=self.rate, levels=9, schedule="extension", scope=scope)
        return self.spec(prune)
