"""Parameters of notebook 10, and the runs that they ask for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from lth_utils.config import DataSpec, PruneSpec, RunSpec, SpecError, TrainSpec
from lth_utils.data import spec
from lth_utils.studies.parameters import NETWORKS_PER_DRAW, Span, StudyParameters

LEFT = 4
"""Weights per output that are left at the last level, beside one for each input."""


@dataclass(frozen=True)
class Condition(StudyParameters):
    """One way to hide blocks, see ``data.hidden``.

    Args:
        title: in tables and figures, one line of text.
        n_samples: examples that may be learned from.
        noise: share of their labels that are flipped.
        distractors: inputs that tell nothing.
        k: number of blocks.
        block: inputs per block.
        outputs: outputs per block.
    """

    title: str
    n_samples: int = 1000
    noise: float = 0.0
    distractors: int = 0
    k: int = 3
    block: int = 3
    outputs: int = 2

    @property
    def blocks(self) -> dict[str, int]:
        """The options of ``data.hidden_blocks``."""
        names = ("k", "block", "outputs", "distractors")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class ManyTasks(StudyParameters):
    """Toy problems of points side by side, see ``data.points``.

    Args:
        k: numbers of tasks, each 2 or more.
        draws: seeds of the data.
        seeds: of the networks on each draw.
        units: of each hidden layer, for each task.
    """

    k: Span = "2, 4"
    draws: Span = "0-1"
    seeds: Span = "0"
    units: int = 20


@dataclass(frozen=True)
class Unequal(StudyParameters):
    """Two tasks of which the second is harder or counts less, see ``data.unequal``.

    Args:
        noise: shares of the second task's labels that are flipped,
        weight: beside each weight of its loss.
        inputs: numbers of inputs of the second task,
        distractors: beside each number of inputs that tell nothing.
        draws: seeds of the data.
        seeds: of the networks on each draw.
    """

    noise: tuple[float, ...] = (0.0, 0.3)
    weight: tuple[float, ...] = (1.0, 0.1)
    inputs: tuple[int, ...] = ()
    distractors: tuple[int, ...] = ()
    draws: Span = "0-1"
    seeds: Span = "0"


@dataclass(frozen=True)
class Gates(StudyParameters):
    """Boolean functions with common inner functions, see ``data.gates``.

    Args:
        overlap: how many inputs the two inner functions share, each 0 to 3.
        reuse: numbers of outputs that use both.
        draws: seeds of the functions.
        seeds: of the networks on each draw.
    """

    overlap: Span = "0"
    reuse: Span = "8"
    draws: Span = "0-1"
    seeds: Span = "0"


@dataclass(frozen=True)
class Asked:
    """The runs on one draw of hidden blocks.

    Attributes:
        bank: what the outputs are.
        condition: how they are hidden.
        draw: the seed of the data.
        data: the data.
        runs: the networks.
    """

    bank: str
    condition: Condition
    draw: int
    data: DataSpec
    runs: list[RunSpec]


@dataclass(frozen=True)
class Parameters(StudyParameters):
    """What notebook 10 asks for.

    Args:
        conditions: how blocks are hidden.
        banks: of ``data.hidden``.
        draws: seeds of the data.
        seeds: of the networks on each draw, 0 to 99.
        many: numbers of tasks.
        unequal: two unequal tasks.
        gates: Boolean functions with inner functions.
        width: units of each of two hidden layers, where nothing else is said.
        rate: share of the remaining weights removed per level.
        weight_decay: Adam's L2 penalty.
        max_epochs: most epochs per level.
        tolerance: how far the validation score may fall below the dense network's.
    """

    conditions: tuple[Condition, ...] = (
        Condition("150 examples", 150),
        Condition("1000 examples", 1000),
    )
    banks: tuple[str, ...] = ("joint", "parity")
    draws: Span = "0-1"
    seeds: Span = "0-1"
    many: ManyTasks = ManyTasks()
    unequal: Unequal = Unequal()
    gates: Gates = Gates()
    width: int = 40
    rate: float = 0.32
    weight_decay: float = 1e-3
    max_epochs: int = 500
    tolerance: float = 0.02

    def check(self):
        """Refuse seeds that would be those of another draw, and titles that repeat."""
        for of, seeds in (("seeds", self.seeds), ("many.seeds", self.many.seeds)):
            if max(seeds, default=0) >= NETWORKS_PER_DRAW:
                raise SpecError(f"{of} reach {max(seeds)}; allowed: 0 to {NETWORKS_PER_DRAW - 1}")
        titles = [condition.title for condition in self.conditions]
        if len(set(titles)) < len(titles):
            raise SpecError(f"conditions share a title: {', '.join(titles)}")
        self._require(self.width >= 1, "width", "1 or more")
        self._require(0 <= self.tolerance < 1, "tolerance", "0 or more, below 1")

    def specs(self) -> list[RunSpec]:
        """All runs, draw by draw, so that the first ones are a smaller study of everything."""
        hidden = [run for asked in self.questions() for run in asked.runs]
        runs = [*hidden, *self.many_runs(), *self.unequal_runs(), *self.gate_runs()]
        return sorted(runs, key=lambda run: run.seed // NETWORKS_PER_DRAW)

    @property
    def examples(self) -> dict[str, int]:
        """The number of examples of each condition, by its title."""
        return {condition.title: condition.n_samples for condition in self.conditions}

    @property
    def sizes(self) -> dict[str, int]:
        """The same of conditions that differ from the plain ones in nothing else."""
        plain = [Condition(c.title, c.n_samples) for c in self.conditions]
        return {c.title: c.n_samples for c in self.conditions if c in plain}

    def questions(self) -> list[Asked]:
        """Every condition and bank on every draw."""
        asked = []
        for draw, condition, bank in itertools.product(self.draws, self.conditions, self.banks):
            options = {**condition.blocks, "n_samples": condition.n_samples}
            data = spec("hidden", bank=bank, noise=condition.noise, seed=draw, **options)
            n_inputs = condition.k * condition.block + condition.distractors
            ends = (n_inputs, condition.k * condition.outputs)
            runs = self._runs(data, ends, (self.width,) * 2, draw, self.seeds)
            asked.append(Asked(bank, condition, draw, data, runs))
        return asked

    def many_runs(self) -> list[RunSpec]:
        """Runs on several toy problems."""
        runs = []
        for draw, k in itertools.product(self.many.draws, self.many.k):
            data, hidden = spec("points", k=k, seed=draw), (self.many.units * k,) * 2
            runs += self._runs(data, (2 * k, k), hidden, draw, self.many.seeds)
        return runs

    def unequal_runs(self) -> list[RunSpec]:
        """Runs on two unequal tasks: of both grids, what they have in common once."""
        asked = self.unequal
        cells = [{"noise": n, "weight": w} for n in asked.noise for w in asked.weight]
        cells += [{"inputs": i, "distractors": d} for i in asked.inputs for d in asked.distractors]
        runs: dict[RunSpec, None] = {}
        for draw, cell in itertools.product(asked.draws, cells):
            data = spec("unequal", seed=draw, **cell)
            ends = (2 + int(cell.get("inputs", 2)) + int(cell.get("distractors", 0)), 2)
            found = self._runs(data, ends, (self.width,) * 2, draw, asked.seeds)
            runs |= dict.fromkeys(found)
        return list(runs)

    def gate_runs(self) -> list[RunSpec]:
        """Runs on Boolean functions."""
        asked, runs = self.gates, []
        for draw, overlap, reuse in itertools.product(asked.draws, asked.overlap, asked.reuse):
            data = spec("gates", overlap=overlap, reuse=reuse, seed=draw)
            ends, hidden = (8 - overlap, reuse), (self.width,) * 3
            runs += self._runs(data, ends, hidden, draw, asked.seeds)
        return runs

    def _runs(
        self,
        data: DataSpec,
        ends: tuple[int, int],
        hidden: tuple[int, ...],
        draw: int,
        seeds: Sequence[int],
    ) -> list[RunSpec]:
        """A run per seed; ends: numbers of inputs and outputs."""
        n_inputs, n_outputs = ends
        runs = []
        for seed in seeds:
            run = RunSpec(
                data,
                base=(n_inputs, *hidden, n_outputs),
                seed=NETWORKS_PER_DRAW * draw + seed,
                train=TrainSpec(max_epochs=self.max_epochs, weight_decay=self.weight_decay),
                prune=PruneSpec(rate=self.rate, target=n_inputs + LEFT * n_outputs),
                coverage="output",  # which inputs are needed is what is asked
            )
            runs.append(run)
        return runs
