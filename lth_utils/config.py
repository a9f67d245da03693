"""Hyper-parameters as typed, frozen, hashable data; a run's address is computed from them.

Nothing here imports torch.  Values of the wrong type or out of range raise :class:`SpecError`,
which says what arrived, what is allowed and the nearest guess.
"""
from __future__ import annotations

import contextlib
import dataclasses
import difflib
import hashlib
import itertools
import json
import math
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import yaml


class SpecError(ValueError):
    """A parameter that does not exist, has the wrong type, or is out of its range."""


def nearest(word: str, known) -> str:
    """``" (did you mean rate?)"`` for the nearest of `known`, or nothing where none is near.

    >>> nearest("rat", ["rate", "levels"])
    ' (did you mean rate?)'
    """
    guess = difflib.get_close_matches(str(word), [str(k) for k in known], n=1, cutoff=0.5)
    return f" (did you mean {guess[0]}?)" if guess else ""


def choose(value, known, what: str):
    """`value` if it is one of `known`, else a :class:`SpecError` that lists them."""
    if value not in known:
        raise SpecError(f"{what} is {value!r}; allowed: {', '.join(map(str, known))}{nearest(value, known)}")
    return value


def coerce(value, kind, where: str):
    """`value` as type `kind`, where YAML's or JSON's reading of it is unambiguous.

    Accepts ``"1e-3"`` and ``1`` for a float, a whole float for an int, a list for a tuple (of several
    types, the one for lists); refuses everything else, bool for a number included.

    >>> coerce("1e-3", float, "lr"), coerce([1, 2], tuple[int, ...], "base"), coerce(None, int | None, "target")
    (0.001, (1, 2), None)
    """
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        listed, kinds = isinstance(value, (list, tuple, range)), [a for a in args if a is not type(None)]
        *first, last = [k for k in kinds if (typing.get_origin(k) is tuple) == listed] or kinds[:1]
        for kind in first:
            with contextlib.suppress(SpecError):
                return coerce(value, kind, where)
        return coerce(value, last, where)
    if kind is typing.Any:
        return _frozen(value)
    if dataclasses.is_dataclass(kind):
        return value if isinstance(value, kind) else parse(kind, value, where)
    if kind is tuple or origin is tuple:
        if isinstance(value, (list, tuple, range)):
            return tuple(coerce(v, args[0] if args else typing.Any, f"{where}[{i}]") for i, v in enumerate(value))
    elif kind in (int, float):
        try:
            number = math.nan if isinstance(value, bool) else float(value)
            if kind is float and math.isfinite(number):
                return number
            if kind is int and math.isfinite(number) and number == int(number):
                return int(value) if not isinstance(value, float) else int(number)
        except (TypeError, ValueError, OverflowError):
            pass
    elif isinstance(value, kind):
        return value
    raise SpecError(f"{where} is {value!r} ({type(value).__name__}); expected {getattr(kind, '__name__', kind)}")


def _frozen(value):
    if isinstance(value, dict):
        return tuple(sorted((str(k), _frozen(v)) for k, v in value.items()))
    return tuple(_frozen(v) for v in value) if isinstance(value, (list, tuple, range)) else value


class _Checked:
    """Coerces every field to its annotated type and then calls ``check``."""

    def __post_init__(self):
        hints = typing.get_type_hints(type(self))
        for f in dataclasses.fields(self):
            value = coerce(getattr(self, f.name), hints[f.name], f"{type(self).__name__}.{f.name}")
            object.__setattr__(self, f.name, value)
        self.check()

    def check(self):
        pass

    def _require(self, holds: bool, name: str, allowed: str):
        if not holds:
            raise SpecError(f"{type(self).__name__}.{name} is {getattr(self, name)!r}; allowed: {allowed}")


Shape = tuple[int | tuple[int, ...], ...]
"""A network's unit layers, inputs first; whole numbers are the widths of dense layers.

A convolutional network begins with an image, ``(channels, side)``, and one or more valid convolutions
with square kernels, each with ReLU and max pooling (1: none), ``(channels, kernel, pool)``:
``((3, 32), (6, 5, 2), (16, 5, 2), 120, 84, 10)``.  A pooling leaves out the rows and columns that do not fill it.
"""


def shape_text(shape: Sequence) -> str:
    """A shape as people write it.

    >>> shape_text((4, 8, 2)), shape_text(((3, 32), (6, 5, 2), 10))
    ('4-8-2', '3x32-6x5x2-10')
    """
    return "-".join("x".join(map(str, n)) if isinstance(n, tuple) else str(n) for n in shape)


def convolutions(shape: Shape) -> int:
    """How many of the weight layers are convolutions; :class:`SpecError` where images, convolutions and dense layers are not in order."""
    listed = [len(n) if isinstance(n, tuple) else 0 for n in shape]
    count = sum(map(bool, listed)) - 1
    if count < 0:
        return 0
    if not 1 <= count < len(shape) - 1 or listed != [2] + [3] * count + [0] * (len(shape) - 1 - count):
        raise SpecError(f"shape {shape_text(shape)} is no network; allowed: widths, such as 4, 8, 2, or an image (channels, side), then one or more "
                        "convolutions (channels, kernel, pool), then one or more widths, such as (3, 32), (6, 5, 2), 84, 10")
    return count


def weight_shapes(shape: Shape) -> list[tuple[int, ...]]:
    """The shape of each layer's weights: ``(O, I)``, of a convolution ``(O, I, k, k)``; :class:`SpecError` where a kernel does not fit.

    >>> weight_shapes((4, 8, 2)), weight_shapes(((3, 8), (6, 3, 2), 10))
    ([(8, 4), (2, 8)], [(6, 3, 3, 3), (10, 54)])
    """
    front, sizes, dense = convolutions(shape), [], shape
    if front:
        units, side = shape[0]
        for layer, (channels, kernel, pool) in enumerate(shape[1 : front + 1], start=1):
            if not pool <= side - kernel + 1:
                raise SpecError(f"shape {shape_text(shape)}: convolution {layer} gets {side} x {side} pixels, "
                                f"too few for a kernel of {kernel} and pooling by {pool}")
            sizes.append((channels, units, kernel, kernel))
            units, side = channels, (side - kernel + 1) // pool
        dense = (units * side**2, *shape[front + 1 :])
    return sizes + [(o, i) for i, o in pairwise(dense)]


@dataclass(frozen=True)
class DataSpec(_Checked):
    """A data set by name and its complete options, as ``data.spec`` makes it.

    name: a key of ``data.DATASETS``; options: ``((name, value), …)``, sorted.
    """
    name: str = "moons_circles"
    options: tuple = ()

    def check(self):
        items = dict(self.options)
        object.__setattr__(self, "options", tuple(sorted((k, _frozen(v)) for k, v in items.items())))


@dataclass(frozen=True)
class TrainSpec(_Checked):
    """How one network is trained (thesis, section on the experimental setup).

    lr: Adam's learning rate; batch_size: examples per step, the last batch of an epoch may be
    smaller, and all examples are one batch where there are fewer; patience: epochs above the best loss on
    the test half before training stops (as many as `max_epochs`: a fixed number of epochs); max_epochs: cap;
    loss: ``mean`` or ``sum`` over the tasks; weight_decay: Adam's L2 penalty, as torch defines it, biases
    included; record: keep each epoch's losses and accuracy (see ``store.Store.curves``).
    """
    lr: float = 1e-3
    batch_size: int = 64
    patience: int = 30
    max_epochs: int = 3000
    loss: str = "mean"
    weight_decay: float = 0.0
    record: bool = False

    def check(self):
        self._require(self.lr > 0, "lr", "above 0")
        self._require(self.weight_decay >= 0, "weight_decay", "0 or more")
        for name in ("batch_size", "patience", "max_epochs"):
            self._require(getattr(self, name) >= 1, name, "1 or more")
        choose(self.loss, ("mean", "sum"), "TrainSpec.loss")


@dataclass(frozen=True)
class PruneSpec(_Checked):
    """How many weights survive each level, and which.

    rate: share of the remaining weights removed per level, in (0, 1); levels: number of prunings;
    target: weights left after the last level.  schedule ``rate``: two of the three fix the third
    and the counts are rounded powers.  schedule ``extension``: the run's base network is extended
    `levels` levels at `rate`, and the counts are those of the extended networks.  criterion: a key
    of ``pruning.CRITERIA``; scope: ``global`` over all layers or ``layer``, the same share in each;
    alive: weights on no path from an input to an output go first, so they take no room in the budget;
    rewind: weights are put back to what they were after so many epochs of the dense training (0: initialisation);
    one_shot: every level is pruned straight from the trained dense network; biases: ``reset`` with the weights, or
    ``kept`` as the level before left them.
    """
    rate: float | None = None
    levels: int | None = None
    target: int | None = None
    schedule: str = "rate"
    criterion: str = "magnitude"
    scope: str = "global"
    alive: bool = False
    rewind: int = 0
    one_shot: bool = False
    biases: str = "reset"

    def check(self):
        self._require(self.rate is None or 0 < self.rate < 1, "rate", "above 0 and below 1")
        self._require(self.levels is None or self.levels >= 0, "levels", "0 or more")
        self._require(self.target is None or self.target >= 1, "target", "1 or more")
        self._require(self.rewind >= 0, "rewind", "0 or more epochs")
        choose(self.schedule, ("rate", "extension"), "PruneSpec.schedule")
        choose(self.scope, ("global", "layer"), "PruneSpec.scope")
        choose(self.biases, ("reset", "kept"), "PruneSpec.biases")
        if self.levels == 0 and self.target is not None:
            raise SpecError(f"PruneSpec.levels is 0 and target is {self.target}: "
                            "without a pruning no target can be reached; give levels of 1 or more, or no target")
        given = [n for n in ("rate", "levels", "target") if getattr(self, n) is not None]
        if self.schedule == "extension" and given != ["rate", "levels"]:
            raise SpecError(f"PruneSpec with schedule extension needs exactly rate and levels; given: {given}")
        if self.schedule == "rate" and len(given) != 2 and self.levels != 0:
            raise SpecError(f"PruneSpec needs exactly two of rate, levels and target; given: {', '.join(given) or 'none'}")


@dataclass(frozen=True)
class VariantSpec(_Checked):
    """A ticket of which something is drawn anew before it is trained once more: what of it carries the performance?

    found: how the run that found the ticket was trained; its other fields are those of the variant's run.
    level: the pruning level of the ticket.  values: ``initial``, the ticket's own; ``fresh``, drawn anew as
    at initialisation; ``signs``, their own signs with such magnitudes; ``resampled_initial``, drawn with
    replacement from the initial values of the weights that survived; ``resampled_trained``, from what they
    were trained to before the last pruning.  pooled: draw for all layers from one pool, else layer by layer.
    permuted: the mask is shuffled within each layer.
    """
    found: TrainSpec
    level: int
    values: str = "initial"
    pooled: bool = False
    permuted: bool = False

    def check(self):
        choose(self.values, ("initial", "fresh", "signs", "resampled_initial", "resampled_trained"), "VariantSpec.values")
        resampled = self.values.startswith("resampled")
        self._require(self.level >= (self.values == "resampled_trained"), "level", "0 or more; 1 or more for resampled_trained")
        self._require(resampled or not self.pooled, "pooled", f"false where values are {self.values}: nothing is resampled")
        self._require(resampled or self.values == "fresh" or not self.permuted, "permuted",
                      f"false where values are {self.values}: weights that the ticket lacks have none")


@dataclass(frozen=True)
class RunSpec(_Checked):
    """Everything that decides a run's result: one seed's network through all its levels.

    data: made by ``data.spec``; base: the network, a :data:`Shape`; with schedule ``extension`` the one before its extension.
    coverage: ``total`` (inputs times outputs) or ``output``; stop_at: statuses that end the run.  init: ``kaiming_normal`` with
    zero biases, or ``torch``, uniform within one over the root of the fan-in, biases too, as torch's layers have it.
    variant: None, or what is changed about the ticket of another run; then the run has one level.
    """
    data: DataSpec
    base: Shape = (4, 8, 8, 2)
    seed: int = 0
    train: TrainSpec = field(default_factory=TrainSpec)
    prune: PruneSpec = field(default_factory=lambda: PruneSpec(rate=0.32, levels=9, schedule="extension"))
    coverage: str = "total"
    stop_at: tuple[str, ...] = ("degraded",)
    init: str = "kaiming_normal"
    variant: VariantSpec | None = None

    def check(self):
        choose(self.init, ("kaiming_normal", "torch"), "RunSpec.init")
        if self.variant is not None:
            self._require(self.prune.rewind == 0, "variant", "none where prune.rewind is above 0: the values a ticket was reset to are not kept")
        smallest = [min(n, default=0) if isinstance(n, tuple) else n for n in self.base]
        self._require(len(self.base) >= 2 and min(smallest, default=0) >= 1, "base", "two or more widths, each 1 or more")
        weight_shapes(self.base)
        self._require(self.seed >= 0, "seed", "0 or more")
        choose(self.coverage, ("total", "output"), "RunSpec.coverage")
        for word in self.stop_at:
            choose(word, ("interconnected", "separated", "fragmented", "degraded"), "RunSpec.stop_at")


def parse(cls, mapping, where: str):
    """The dataclass `cls` from a mapping (of YAML or JSON); unknown keys raise :class:`SpecError`."""
    if not isinstance(mapping, dict):
        raise SpecError(f"{where} is {mapping!r}; expected a mapping with the fields of {cls.__name__}")
    known = [f.name for f in dataclasses.fields(cls)]
    for key in mapping:
        if key not in known:
            raise SpecError(f"{where}.{key} is not a field; {cls.__name__} has {', '.join(known)}{nearest(key, known)}")
    empty = dataclasses.MISSING
    if lacking := [f.name for f in dataclasses.fields(cls) if f.name not in mapping and f.default is f.default_factory is empty]:
        raise SpecError(f"{where} lacks {', '.join(lacking)}")
    return cls(**mapping)


def read(path: str | Path) -> dict:
    """The mapping in a YAML file; a key given twice, or anything but a mapping, raises :class:`SpecError`."""
    class Strict(yaml.SafeLoader):
        pass

    def no_duplicates(loader, node):
        keys = [loader.construct_object(k) for k, _ in node.value]
        if twice := {k for k in keys if keys.count(k) > 1}:
            raise SpecError(f"{path}: {', '.join(sorted(map(str, twice)))} given twice")
        return yaml.SafeLoader.construct_mapping(loader, node, deep=True)

    Strict.add_constructor("tag:yaml.org,2002:map", no_duplicates)
    try:
        content = yaml.load(Path(path).read_text(encoding="utf-8"), Strict)
    except yaml.YAMLError as error:
        raise SpecError(f"{path}: not valid YAML: {error}") from None
    if content is not None and not isinstance(content, dict):
        raise SpecError(f"{path}: expected a mapping of parameter names to values, found {type(content).__name__}")
    return content or {}


def span(text) -> list[int]:
    """Whole numbers from the way people write them: ``"0-3, 7"``, a single number, or a list of them.

    >>> span("0-3, 7"), span(5), span([1, 2])
    ([0, 1, 2, 3, 7], [5], [1, 2])
    """
    if isinstance(text, (list, tuple, range)):
        return [coerce(v, int, "number") for v in text]
    numbers = []
    for part in str(text).split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdigit() or not (last.isdigit() or "-" not in part) or int(last or first) < int(first):
            raise SpecError(f"{text!r} is no span of whole numbers; expected something like 0-3, 7")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def expand(spec: RunSpec, axes: dict[str, list], limit: int = 1_000_000) -> list[RunSpec]:
    """All combinations of `axes` over `spec`; the keys are fields, nested ones dotted.

    Raises :class:`SpecError` for an empty axis, a value that repeats, and a grid of more than `limit` runs.

    >>> [s.seed for s in expand(RunSpec(DataSpec()), {"seed": [0, 1]})]
    [0, 1]
    >>> [s.prune.levels for s in expand(RunSpec(DataSpec()), {"prune.levels": [0, 9]})]
    [0, 9]
    """
    values = {}
    for name, given in axes.items():
        kind = _kind(type(spec), name.split("."), name)
        if not isinstance(given, (list, tuple, range)) or not len(given):
            raise SpecError(f"axis {name} is {given!r}; expected a list with at least one value")
        values[name] = [coerce(v, kind, f"axis {name}") for v in given]
        if repeated := [v for n, v in enumerate(values[name]) if v in values[name][:n]]:
            raise SpecError(f"axis {name} repeats {repeated}; a run is computed once")
    if (size := math.prod(map(len, values.values()))) > limit:
        raise SpecError(f"the grid has {size} runs, more than {limit}; if that is meant, call expand(..., limit={size})")
    specs = []
    for point in itertools.product(*values.values()):
        mapping = asdict(spec)
        for name, value in zip(values, point, strict=True):
            *path, last = name.split(".")
            inner = mapping
            for key in path:
                inner = inner[key]
            inner[last] = value
        specs.append(parse(type(spec), mapping, "spec"))      # checked only here: what two axes say may fit only together
    return specs


def _kind(cls, path: list[str], name: str):
    """The type of the field that a dotted name means."""
    known = [f.name for f in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []
    if path[0] not in known:
        has = f"{cls.__name__} has {', '.join(known)}" if known else f"{getattr(cls, '__name__', cls)} has no fields"
        raise SpecError(f"{name} is not a field; {has}{nearest(path[0], known)}")
    kind = typing.get_type_hints(cls)[path[0]]
    return kind if len(path) == 1 else _kind(kind, path[1:], name)


def asdict(spec: RunSpec) -> dict:
    """All fields of a spec as nested dicts; tuples stay tuples."""
    return dataclasses.asdict(spec)


LATER = {"prune": {"alive": False, "rewind": 0, "one_shot": False, "biases": "reset"},
         "train": {"weight_decay": 0.0, "record": False},
         "init": "kaiming_normal", "variant": None}
"""Fields that runs of the first version did not have, with the value that means what was done then."""


def canonical(spec: RunSpec) -> str:
    """The one JSON text of a spec, keys sorted; what the run's address is computed from.

    All fields, but for those of ``LATER`` that have their neutral value: older runs keep their address.
    """
    return json.dumps(_without(asdict(spec), LATER), sort_keys=True, separators=(",", ":"))


def _without(mapping: dict, neutral: dict) -> dict:
    """`mapping` less the fields that have their neutral value."""
    nested = {k: _without(v, neutral[k]) if isinstance(v, dict) and isinstance(neutral.get(k), dict) else v for k, v in mapping.items()}
    return {k: v for k, v in nested.items() if k not in neutral or v != neutral[k]}


def run_id(spec: RunSpec) -> str:
    """The run's address: a readable prefix and the hash of all its fields.

    >>> run_id(RunSpec(DataSpec(), seed=3)).split("--")[0]
    'moons_circles-4-8-8-2-levels9-seed3'
    """
    levels = "" if spec.prune.levels is None else f"-levels{spec.prune.levels}"
    prefix = f"{spec.data.name}-{shape_text(spec.base)}{levels}-seed{spec.seed}"
    return f"{prefix}--{hashlib.sha256(canonical(spec).encode()).hexdigest()[:12]}"


def rng(seed: int, *names: str | int) -> np.random.Generator:
    """The named random stream of a run: ``rng(3, "init")``; streams of other names are independent."""
    words = [int.from_bytes(hashlib.sha256(str(n).encode()).digest()[:4], "little") for n in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))
