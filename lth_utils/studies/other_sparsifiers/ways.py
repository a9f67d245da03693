"""The ways to make a network sparse, by name: what each changes of iterative pruning."""

from __future__ import annotations

from dataclasses import replace

from lth_utils.config import PruneSpec, RunSpec, SpecError, TrainSpec, nearest

PRUNED_ONCE = {"scored": "initial", "one_shot": True}
RESCORED = {"scored": "initial"}
GROWN = {"scored": "initial", "criterion": "random", "scope": "erk"}

TRAINED, BY_DATA, WITHOUT_DATA, IN_TRAINING = (
    "pruned after training",
    "pruned at initialisation, by the data",
    "pruned at initialisation, without data",
    "masks that change in training",
)
"""The kinds of ways."""

WAYS: dict[str, tuple[str, dict]] = {
    "tickets": (TRAINED, {}),
    "one-shot": (TRAINED, {"one_shot": True}),
    "no rewinding": (TRAINED, {"start": "trained"}),
    "new initialisation": (TRAINED, {"start": "fresh"}),
    "LAMP": (TRAINED, {"criterion": "lamp"}),
    "L1": (TRAINED, {"start": "trained", "one_shot": True}),
    "SNIP": (BY_DATA, {"criterion": "snip"} | PRUNED_ONCE),
    "iterative SNIP": (BY_DATA, {"criterion": "snip"} | RESCORED),
    "GraSP": (BY_DATA, {"criterion": "grasp"} | PRUNED_ONCE),
    "SynFlow": (WITHOUT_DATA, {"criterion": "synflow"} | RESCORED),
    "magnitude": (WITHOUT_DATA, PRUNED_ONCE),
    "random": (WITHOUT_DATA, {"criterion": "random"}),
    "random, uniform": (WITHOUT_DATA, {"criterion": "random", "scope": "layer"} | RESCORED),
    "random, ERK": (WITHOUT_DATA, {"criterion": "random", "scope": "erk"} | RESCORED),
    "gradual": (IN_TRAINING, {"during": "gradual"}),
    "SET": (IN_TRAINING, {"during": "set"} | GROWN),
    "RigL": (IN_TRAINING, {"during": "rigl", "swap": 0.5} | GROWN),
}
"""Per way its kind, and the fields of ``PruneSpec`` that differ from those of tickets."""

ROUNDS = ("iterative SNIP", "SynFlow")
"""Ways that are rescored in rounds on the way to each level."""

KINDS = tuple(dict.fromkeys(kind for kind, _ in WAYS.values()))


def kind_of(way: str) -> str:
    """The kind of a way."""
    return WAYS[way][0]


def check_ways(ways: tuple[str, ...], allowed: tuple[str, ...] = tuple(WAYS)):
    """Refuse names that are no ways.

    Raises:
        SpecError: with the nearest guess.
    """
    for way in ways:
        if way not in allowed:
            raise SpecError(f"way is {way!r}; allowed: {', '.join(allowed)}{nearest(way, allowed)}")


def with_way(
    spec: RunSpec, way: str, *, rounds: int, updates: int, every: int, examples: int, l1: float
) -> RunSpec:
    """A run that is made sparse in another way.

    Args:
        spec: the run of iterative pruning.
        way: a key of ``WAYS``.
        rounds: from one level to the next, of ``ROUNDS``.
        updates, every: of masks that change in training.
        examples: for gradients.
        l1: the penalty of ``L1``.
    """
    _, changes = WAYS[way]
    changes = dict(changes)
    if way in ROUNDS:
        changes["rounds"] = rounds
    if kind_of(way) == IN_TRAINING:
        changes |= {"updates": updates, "every": every}
    if kind_of(way) == BY_DATA or way == "RigL":
        changes["examples"] = examples
    train: TrainSpec = replace(spec.train, l1=l1) if way == "L1" else spec.train
    prune: PruneSpec = replace(spec.prune, **changes)
    return replace(spec, prune=prune, train=train)
