"""Parameters of notebook 03, and the runs that they ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lth_utils.config import PruneSpec, RunSpec, expand
from lth_utils.studies.groups import unique
from lth_utils.studies.parameters import PointsParameters, Span, StudyParameters


@dataclass(frozen=True)
class Sizes(StudyParameters):
    """Extension levels of a base network, each with all draws of the data.

    Args:
        levels: the extension levels.
        seeds: of the networks on each draw.
        draws: seeds of the data.
    """

    levels: Span
    seeds: Span
    draws: Span = "0"


@dataclass(frozen=True)
class Changes(StudyParameters):
    """Two-layer networks of one extension level with another patience.

    Args:
        level: the extension level.
        seeds: of the networks on each draw.
        patience: other patiences of the early stopping, in epochs.
        draws: seeds of the data.
    """

    level: int
    seeds: Span
    patience: tuple[int, ...]
    draws: Span = "0"


@dataclass(frozen=True)
class Collapse(Sizes):
    """One-layer networks that begin or train otherwise, one change at a time.

    Args:
        gains: factors of the initial weights that lead to the outputs.
        rates: learning rates.
        epochs: caps on the epochs of one training.
    """

    gains: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()
    epochs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Parameters(PointsParameters):
    """What notebook 03 asks for.

    Args:
        one_layer: extension levels of 4-20-2, and their seeds.
        two_layers: of 4-8-8-2.
        three_layers: of 4-4-4-4-2.
        layerwise: one-layer networks pruned layer by layer.
        variants: other patience.
        unit: two-layer networks on inputs from 0 to 1, as the poster had them.
        collapse: one-layer networks that begin or train otherwise.
    """

    one_layer: tuple[Sizes, ...] = (Sizes("0-16", "1-5"),)
    two_layers: tuple[Sizes, ...] = (Sizes("0-12", "0-3"),)
    three_layers: tuple[Sizes, ...] = (Sizes("0-16", "1-3"),)
    layerwise: Sizes = Sizes("12-16", "1-5")
    variants: Changes = Changes(9, "0-19", (10,))
    unit: Sizes = Sizes("4-12", "0-3")
    collapse: Collapse = Collapse("8, 12, 16", "0-3", gains=(4.0,))

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
                spec = replace(self._extended(), base=base)
                axes = {"prune.levels": part.levels}
                specs += self.on_draws(spec, axes, part.draws, part.seeds)
        return specs

    def by_layer(self) -> list[RunSpec]:
        """One-layer networks that lose the same share of each layer."""
        spec = replace(self._extended(scope="layer"), base=(4, 20, 2))
        part = self.layerwise
        return self.on_draws(spec, {"prune.levels": part.levels}, part.draws, part.seeds)

    def varied(self) -> dict[str, list[RunSpec]]:
        """Runs by the name of what is changed, those ``as the thesis`` first."""
        changes = self.variants
        spec = self._extended(levels=changes.level)
        groups = {"as the thesis": self.on_draws(spec, {}, changes.draws, changes.seeds)}
        for epochs in changes.patience:
            patient = replace(spec, train=replace(spec.train, patience=epochs))
            runs = self.on_draws(patient, {}, changes.draws, changes.seeds)
            groups[f"patience {epochs}"] = runs
        return groups

    def scaled_to_unit(self) -> list[RunSpec]:
        """Two-layer networks on inputs from 0 to 1; one draw of the points."""
        spec = replace(self._extended(), data=self.points(scaled="unit"))
        axes = {"prune.levels": self.unit.levels, "seed": self.unit.seeds}
        return expand(spec, axes)

    def collapsing(self) -> dict[tuple[float, float, int], list[RunSpec]]:
        """One-layer runs by gain of the output weights, learning rate and cap on the epochs."""
        usual = (1.0, self.lr, self.max_epochs)
        changes = [usual]
        changes += [(gain, *usual[1:]) for gain in self.collapse.gains]
        changes += [(1.0, rate, self.max_epochs) for rate in self.collapse.rates]
        changes += [(*usual[:2], epochs) for epochs in self.collapse.epochs]
        groups = {}
        for gain, rate, epochs in changes:
            spec = replace(self._extended(), base=(4, 20, 2), output_gain=gain)
            spec = replace(spec, train=replace(spec.train, lr=rate, max_epochs=epochs))
            axes = {"prune.levels": self.collapse.levels}
            runs = self.on_draws(spec, axes, self.collapse.draws, self.collapse.seeds)
            groups[gain, rate, epochs] = runs
        return groups

    def specs(self) -> list[RunSpec]:
        """All runs, each once."""
        return unique(
            self.families(),
            self.by_layer(),
            *self.varied().values(),
            self.scaled_to_unit(),
            *self.collapsing().values(),
        )

    def _extended(self, scope: str = "global", levels: int = 9) -> RunSpec:
        prune = PruneSpec(rate=self.rate, levels=levels, schedule="extension", scope=scope)
        return self.spec(prune)
