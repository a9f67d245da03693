"""Prune neural networks, and see what structure is left.

Many small networks are trained and pruned at once, each with its own mask. Exact graph counts then
say whether what survives is still one network or several independent ones.

    import lth_utils as lth

    spec = lth.RunSpec(lth.data.spec("moons_circles"))   # data, network, training, pruning
    lth.sweep(lth.expand(spec, {"seed": [0, 1]}))        # compute what is not finished yet
    ticket = lth.Store().ticket(lth.run_id(spec))        # the network a finished run found
    lth.status(ticket.masks, ticket.tasks)               # ['separated'], or another word

Every name of ``lth.__all__`` is loaded on first use. ``lth.sweep`` is the function
``runs.sweep.run``; ``lth.data``, ``lth.imp``, ``lth.plots`` and ``lth.studies`` are modules.

Axis letters, the same everywhere:

    M members (seeds)     B examples            O outputs and I inputs of a layer
    W all weights, flat   P all parameters      U units (neurons)
    K tasks               J subnetworks         L weight layers

A *mask* is a list over the weight layers of bool tensors ``[M, O, I]``. True means that the weight
is available, False that it was pruned. The *shape* of a network is the tuple of its layer widths,
inputs first: ``(4, 57, 57, 2)``. Flat weights are ordered layer by layer, each row by row of
``[O, I]``.

A network may begin with convolutions of an image, see ``config.Shape``. Their weights and masks are
``[M, O, I, k, k]``, and their units are channels.

Glossary:

    run               one network, trained and pruned level by level from one seed
    spec, RunSpec     all that was asked of a run: data, network, training, pruning, seed
    run id            the name of a run, computed from its spec; also the name of its folder
    pruning level     number of prunings so far; level 0 is the dense network
    rewind            give the weights that are left their initial values back before training again
    ticket            a network at one pruning level: its mask, its values before and after training
    split             the training examples, or the test examples
    available         not pruned
    active            available, and on a path from an input to an output
    inactive          available, but no path leads on from it to an output
    zombie            available and leads to an output, but no path from an input arrives
    subnetwork        active weights that hang together (a weakly connected component)
    coverage          how much of a task a subnetwork contains: the share of the task's inputs times
                      the share of its outputs; "output" coverage is the second share alone
    status            one word for a network at one level:
      interconnected    every task is covered, and some subnetwork serves several tasks
      separated         every task is covered, each by one subnetwork of its own
      fragmented        every task is covered, none is shared, but there are more subnetworks
      degraded          some task has lost an input or an output
    outcome           one word for a whole run; separated-degraded is first the one, later the other
    decided           of a unit: it leads to the outputs of exactly one task (or, seen from the
                      inputs, is reached from the inputs of exactly one); a task-specific unit
    extension level   how many times larger than its base network a run begins, counted in prunings:
                      pruned that often, the extended network has as many weights as the base
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lth_utils import data, imp, plots, studies
    from lth_utils.config import (
        DataSpec,
        PruneSpec,
        RunSpec,
        TrainSpec,
        VariantSpec,
        expand,
        run_id,
    )
    from lth_utils.connectivity import (
        ACTIVE,
        INACTIVE,
        PRUNED,
        ZOMBIE,
        components,
        coverage,
        decided,
        graded,
        measure,
        status,
        to_networkx,
        unit_states,
        weight_states,
    )
    from lth_utils.data import Dataset, Task, from_arrays, from_file, from_frame
    from lth_utils.explorer import explore
    from lth_utils.networks.compaction import compact
    from lth_utils.networks.population import init, rewind
    from lth_utils.networks.ticket import Ticket
    from lth_utils.one_call.structure import Structure, structure
    from lth_utils.one_call.study import Study, study
    from lth_utils.pruning import CRITERIA, extend, keep_largest, prune, trajectory
    from lth_utils.runs.model_files import export, load_model
    from lth_utils.runs.retraining import retrained
    from lth_utils.runs.store import Store
    from lth_utils.runs.sweep import run as sweep
    from lth_utils.training.trainer import evaluate, train

__all__ = [
    "ACTIVE",
    "CRITERIA",
    "INACTIVE",
    "PRUNED",
    "ZOMBIE",
    "DataSpec",
    "Dataset",
    "PruneSpec",
    "RunSpec",
    "Store",
    "Structure",
    "Study",
    "Task",
    "Ticket",
    "TrainSpec",
    "VariantSpec",
    "compact",
    "components",
    "coverage",
    "data",
    "decided",
    "evaluate",
    "expand",
    "explore",
    "export",
    "extend",
    "from_arrays",
    "from_file",
    "from_frame",
    "graded",
    "imp",
    "init",
    "keep_largest",
    "load_model",
    "measure",
    "plots",
    "prune",
    "retrained",
    "rewind",
    "run_id",
    "status",
    "structure",
    "studies",
    "study",
    "sweep",
    "to_networkx",
    "train",
    "trajectory",
    "unit_states",
    "weight_states",
]

try:
    __version__ = version("lth_utils")
except PackageNotFoundError:  # a bare checkout on sys.path
    __version__ = "0+unknown"

FOLDERS = (
    "config",
    "data",
    "connectivity",
    "networks",
    "pruning",
    "training",
    "imp",
    "runs",
    "plots",
    "viewer",
    "studies",
    "publish",
    "explorer",
    "one_call",
    "selftest",
)
"""The folders of the package, and ``imp``; each imports only from those before it."""

_HOMES = {
    "config": ("DataSpec", "PruneSpec", "RunSpec", "TrainSpec", "VariantSpec", "expand", "run_id"),
    "connectivity": (
        "PRUNED",
        "ACTIVE",
        "INACTIVE",
        "ZOMBIE",
        "components",
        "coverage",
        "decided",
        "graded",
        "measure",
        "status",
        "to_networkx",
        "unit_states",
        "weight_states",
    ),
    "data": ("Dataset", "Task", "from_arrays", "from_file", "from_frame"),
    "explorer": ("explore",),
    "one_call.structure": ("Structure", "structure"),
    "one_call.study": ("Study", "study"),
    "networks.compaction": ("compact",),
    "networks.population": ("init", "rewind"),
    "networks.ticket": ("Ticket",),
    "pruning": ("CRITERIA", "extend", "keep_largest", "prune", "trajectory"),
    "runs.model_files": ("export", "load_model"),
    "runs.retraining": ("retrained",),
    "runs.store": ("Store",),
    "runs.sweep": ("sweep",),
    "training.trainer": ("evaluate", "train"),
}
"""The module that each public name lives in, below this package."""

_CALLED_THERE = {"sweep": "run"}
"""Names that differ from those in their module."""


def __getattr__(name: str) -> Any:
    """Load a public name, or a folder of the package, the first time it is asked for."""
    if name in FOLDERS:
        return importlib.import_module(f"lth_utils.{name}")
    for home, names in _HOMES.items():
        if name in names:
            module = importlib.import_module(f"lth_utils.{home}")
            value = getattr(module, _CALLED_THERE.get(name, name))
            globals()[name] = value
            return value
    import difflib  # only here: nothing slow is loaded with the package

    guess = difflib.get_close_matches(name, __dir__(), n=1, cutoff=0.5)
    hint = f"; did you mean {guess[0]}?" if guess else ""
    raise AttributeError(f"lth_utils has no {name}{hint}", name=name)


def __dir__() -> list[str]:
    """The public names and the folders."""
    return sorted({*__all__, *FOLDERS, "__version__"})
