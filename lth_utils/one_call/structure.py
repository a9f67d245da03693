"""What is left of any pruned torch model, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from lth_utils.connectivity.any_model.build import model_graph
from lth_utils.connectivity.any_model.export import as_networkx
from lth_utils.connectivity.any_model.graph import ModelGraph
from lth_utils.connectivity.any_model.serving import served, unit_tasks
from lth_utils.connectivity.any_model.tables import layer_table, subnetwork_table, unit_table
from lth_utils.data import Task
from lth_utils.data.tasks import as_tasks

if TYPE_CHECKING:
    import networkx
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Structure:
    """What is left of a pruned model; printing it gives the report.

    Attributes:
        name: of the model.
        graph: its units and links, with a state for each, see ``ModelGraph``.
        tasks: as they were given.
        coverage: float ``[J, K]`` for the tasks, see ``lth.coverage``; None without tasks.
        status: ``interconnected``, ``separated``, ``fragmented`` or ``degraded``; empty without
            tasks.
    """

    name: str
    graph: ModelGraph
    tasks: tuple[Task, ...] = ()
    coverage: np.ndarray | None = None
    status: str = ""

    def table(self) -> pd.DataFrame:
        """One row per weight of a layer: counts of weights by state, and both compressions."""
        return layer_table(self.graph)

    def units(self) -> pd.DataFrame:
        """One row per group of units, such as a layer's channels: how many are in which state."""
        return unit_table(self.graph)

    def subnetworks(self) -> pd.DataFrame:
        """One row per subnetwork: how many units, inputs and outputs it has."""
        return subnetwork_table(self.graph)

    def states(self, weight: str) -> np.ndarray:
        """uint8 of the weight's shape, each ``lth.PRUNED, ACTIVE, INACTIVE`` or ``ZOMBIE``."""
        return self.graph.weight_states[weight]

    def connections(self, tasks: bool = False) -> pd.DataFrame:
        """Which inputs reach which outputs: True where a path of active weights leads.

        Args:
            tasks: rows and columns are the tasks given, instead of single inputs and outputs.
        """
        if not tasks:
            return pd.DataFrame(self.graph.reach()).rename_axis(index="input", columns="output")
        places = {unit: place for place, unit in enumerate(self.graph.inputs.tolist())}
        reach = self.graph.reach([list(task.outputs) for task in self.tasks])
        names = [task.name for task in self.tasks]
        rows = []
        for inputs, _ in unit_tasks(self.graph, self.tasks):
            rows.append(reach[[places[unit] for unit in inputs]].any(0))
        return pd.DataFrame(np.array(rows), names, names).rename_axis(
            index="inputs of", columns="reach outputs of"
        )

    def figure(self) -> Figure:
        """States of the weights that are left, and both compressions, layer by layer."""
        from lth_utils.plots.any_network import layers  # slow to import, and needed here alone

        return layers(self.table(), self.name)

    def to_networkx(self, active: bool = False) -> networkx.MultiDiGraph:
        """The units as a graph, see ``connectivity.any_model.export.as_networkx``."""
        return as_networkx(self.graph, active)

    def words(self) -> list[str]:
        """What was found, in sentences."""
        total = self.table()[["weights", "available", "active", "inactive", "zombie"]].sum()
        if not total["weights"]:
            return ["no layer of it has weights", *(f"note: {note}" for note in self.graph.notes)]
        left = f"{total['available']:,} of {total['weights']:,} weights are left"
        words = [
            f"{left} in {len(self.table())} layers (direct compression "
            f"{_times(total['weights'], total['available'])}); {total['active']:,} are active "
            f"(effective compression {_times(total['weights'], total['active'])})",
            f"{total['inactive']:,} inactive weights lead to no output; {total['zombie']:,} "
            "zombies lead to one, but no input reaches them",
        ]
        words.append(self._words_on_subnetworks())
        if self.tasks:
            words.append(f"the tasks are {self.status}")
        return words + [f"note: {note}" for note in self.graph.notes]

    def _words_on_subnetworks(self) -> str:
        """How many there are, and which inputs and outputs are left."""
        found = self.subnetworks()
        n_in, n_out = len(self.graph.inputs), len(self.graph.outputs)
        reached = f"{found['inputs'].sum()} of {n_in} inputs and {found['outputs'].sum()} of "
        reached += f"{n_out} outputs are connected"
        if not len(found):
            return "nothing is active: no input reaches an output"
        if len(found) == 1:
            return f"what is active is one network: {reached}"
        return f"{len(found)} subnetworks: {reached}"

    def __str__(self) -> str:
        """The report."""
        table = self.table().drop(columns=["weight"])
        for column in ("direct_compression", "effective_compression"):
            table[column] = table[column].map("{:.1f}".format)
        table.columns = [name.replace("_compression", "") for name in table.columns]
        lines = [self.name, *self.words(), "", table.to_string(index=False)]
        return "\n".join(lines)


def _times(weights: int, left: int) -> str:
    """A compression as text."""
    return f"{weights / left:.1f}" if left else "without limit"


def structure(
    model: torch.nn.Module | torch.export.ExportedProgram,
    example_inputs: Any = None,
    tasks: Sequence[Task] | Task | None = None,
    *,
    masks: Mapping[str, Any] | None = None,
    kind: str = "total",
) -> Structure:
    """What structure any pruned torch model has: which weights, units, inputs and outputs matter.

    A weight that is zero is pruned. The others are active if a path leads over them from an input
    to an output, and else inactive (no output) or zombies (no input); nothing is trained, computed
    on data or changed. What mixes everything it touches, such as attention or LayerNorm, is taken
    to connect all of it, and the report says so. What is not understood is refused by name.

    Args:
        model: a module, or what ``torch.export.export`` made of it.
        example_inputs: what the model is called with: a tensor such as
            ``torch.zeros(1, 3, 224, 224)``, a tuple in order, or a dict by name. Only shapes
            matter. None for an exported program.
        tasks: which inputs and outputs belong to which task. Inputs count the model's features or
            channels, or else the values of one example, flattened, such as pixels.
        masks: by parameter name bool of its shape, False where pruned, on top of the zeros.
        kind: of coverage, see ``lth.coverage``.

    Returns:
        The structure: print it, or ask for ``table()``, ``units()``, ``subnetworks()``,
        ``connections()``, ``figure()``, ``to_networkx()`` and ``states(weight)``.

    Raises:
        SpecError: a model, example, task or mask that is not understood, with the reason.
    """
    graph = model_graph(model, example_inputs, masks)
    name = type(model).__name__
    if tasks is None:
        return Structure(name, graph)
    tasks = as_tasks(tasks)
    return Structure(name, graph, tasks, *served(graph, tasks, kind))
