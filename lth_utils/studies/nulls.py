"""Structure of runs beside that of random masks: what is claimed as learned is the excess."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

from lth_utils.config import SpecError, rng
from lth_utils.connectivity import (
    ACTIVE,
    decided,
    degree_preserving,
    measure,
    nested_random_masks,
    weight_states,
)
from lth_utils.data import Task
from lth_utils.runs.history import History
from lth_utils.runs.store import Store
from lth_utils.studies import statistics

KINDS = ("run", "counts", "degrees")
"""The run itself; random masks with its number of weights in each layer, nested from level to
level; and random masks in which also every unit keeps its number of weights in and out."""

MOST_WEIGHTS = 20_000
"""Levels with more weights have no random masks with the same degrees: they would take long, and
nearly all weights are active there. Their rows hold NaN."""

AT_ONCE = 2**24
"""Weights that are measured together, which bounds the working memory."""


ABOUT = ["run", "base", "levels", "draw", "repeat", "level"]

COUNTS = ["available", "active", "inactive", "zombie", "subnetworks"]

COMPARED = ["null", "measure"]
COMPARED += [
    f"{name}{end}" for name in ("run", "null_mean", "excess") for end in ("", "_low", "_high")
]
COMPARED += ["runs", "draws", "left_out"]
"""Columns of :func:`compare_to_null`."""


class Drawn(NamedTuple):
    """The masks of one kind for all levels of one run.

    Attributes:
        about: what its rows say of the run and the kind.
        levels: the pruning levels that are measured.
        masks: over layers bool ``[levels, O, I]``.
        tasks: of the run's data.
        coverage: kind of coverage that the run's status was decided by.
    """

    about: dict
    levels: list[int]
    masks: list[Tensor]
    tasks: tuple[Task, ...]
    coverage: str


def structure(results: Store, runs: Iterable[str], nulls: int = 1) -> pd.DataFrame:
    """What the masks of runs look like at every level, and those of their nulls.

    The random masks of a run are drawn from its seed and its id: they do not depend on the others.

    Args:
        results: the store of the runs.
        runs: ids of finished runs of dense networks.
        nulls: random masks of each kind for each mask of a run, 1 or more.

    Returns:
        One row per run, level, kind (one of :data:`KINDS`) and ``repeat``, 0 to ``nulls`` - 1: the
        ``base`` and ``levels`` of its spec, the ``draw`` of its data (0 where it has none), the
        weights ``available, active, inactive, zombie``, the number of ``subnetworks``, the
        ``status`` (missing where there is no null of the kind); by layer n, 0 the inputs, the
        active weights that leave it ``active_n``, and the share of its active units that are
        decided ``decided_outputs_n, decided_inputs_n``.

    Raises:
        SpecError: `nulls` below 1, or a run of a convolutional network.
    """
    if nulls < 1:
        raise SpecError(f"nulls is {nulls}; allowed: 1 or more")
    rows: list[dict] = []
    waiting: dict[tuple, list[Drawn]] = {}
    for run in runs:
        for drawn in _kinds(run, results.history(run), nulls):
            alike = (*(mask.shape[1:] for mask in drawn.masks), drawn.tasks, drawn.coverage)
            together = waiting.setdefault(alike, [])
            together.append(drawn)
            if sum(len(one.levels) for one in together) * _weights(drawn.masks) > AT_ONCE:
                rows += _measured(waiting.pop(alike))
    for together in waiting.values():
        rows += _measured(together)
    return _with_missing(pd.DataFrame(rows))


def _with_missing(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows in order, those of levels too large for the second null without its values."""
    if rows.empty:
        return pd.DataFrame(columns=[*ABOUT, "kind", *COUNTS, "status"])
    large = rows[(rows["kind"] == "counts") & (rows["available"] > MOST_WEIGHTS)]
    missing = large[[*ABOUT, "available"]].assign(kind="degrees")
    table = pd.concat([rows, missing], ignore_index=True)
    table["kind"] = pd.Categorical(table["kind"], KINDS)
    return table.sort_values(["run", "kind", "repeat", "level"], ignore_index=True)


def _kinds(run: str, history: History, nulls: int) -> Iterator[Drawn]:
    """The masks of a run and of its nulls."""
    by_level = history.masks()
    spec, levels = history.spec, list(range(len(by_level)))
    about = {
        "run": run,
        "base": "-".join(map(str, spec.base)),
        "levels": spec.prune.levels,
        "draw": dict(spec.data.options).get("seed", 0),
    }
    own = _stacked(by_level)
    small = torch.tensor([int(sum(m.sum() for m in masks)) <= MOST_WEIGHTS for masks in by_level])
    for repeat in range(nulls):
        stream = rng(spec.seed, "nulls", run, repeat)
        drawn = {"run": own} if not repeat else {}
        drawn["counts"] = _stacked(nested_random_masks(by_level, stream))
        if small.any():
            drawn["degrees"] = degree_preserving([mask[small] for mask in own], stream)
        for kind, masks in drawn.items():
            of_kind = {**about, "kind": kind, "repeat": repeat}
            at = [n for n in levels if small[n]] if kind == "degrees" else levels
            yield Drawn(of_kind, at, masks, history.tasks, spec.coverage)


def _stacked(by_level: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """The masks of one network, level by level, as the members of one list of masks."""
    return [torch.cat(list(of_layer)) for of_layer in zip(*by_level, strict=True)]


def _weights(masks: Sequence[Tensor]) -> int:
    """The number of weights of one member, pruned ones included."""
    return sum(mask[0].numel() for mask in masks)


def _measured(together: Sequence[Drawn]) -> Iterator[dict]:
    """The rows of masks of one shape, measured in as few calls as memory allows."""
    tasks, coverage = together[0].tasks, together[0].coverage
    masks = [
        torch.cat(list(of_layer)) for of_layer in zip(*(d.masks for d in together), strict=True)
    ]
    about = [{**drawn.about, "level": level} for drawn in together for level in drawn.levels]
    size = max(1, AT_ONCE // _weights(masks))
    for first in range(0, len(about), size):
        part = [mask[first : first + size] for mask in masks]
        found = _values(part, tasks, coverage)
        for of_row, values in zip(about[first : first + size], found, strict=True):
            yield {**of_row, **values}


def _values(masks: list[Tensor], tasks: tuple[Task, ...], coverage: str) -> Iterator[dict]:
    """What is measured of each member."""
    active = [(s == ACTIVE).flatten(1).sum(1).tolist() for s in weight_states(masks)]
    columns = {f"active_{n}": of_layer for n, of_layer in enumerate(active)}
    for side in ("outputs", "inputs"):
        shares = decided(masks, tasks, seen_from=side).T.tolist()
        columns |= {f"decided_{side}_{n}": of_layer for n, of_layer in enumerate(shares)}
    for member, found in enumerate(measure(masks, tasks, coverage)):
        counts = {name: getattr(found, name) for name in COUNTS}
        of_member = {name: values[member] for name, values in columns.items()}
        yield {**counts, "status": found.status, **of_member}


def measures(structure: pd.DataFrame) -> pd.DataFrame:
    """What is compared, as numbers.

    Args:
        structure: as :func:`structure`.

    Returns:
        Its rows' ``active, inactive, zombie`` as shares of the available weights, ``subnetworks``,
        whether it is ``separated`` and whether all tasks are ``covered`` (0 or 1), the active
        weights of each layer as shares of all active ones, and the shares decided.
    """
    known = structure["status"].notna()
    found = structure[["active", "inactive", "zombie"]].div(structure["available"], axis=0)
    found["subnetworks"] = structure["subnetworks"]
    found["separated"] = (structure["status"] == "separated").astype(float).where(known)
    found["covered"] = (structure["status"] != "degraded").astype(float).where(known)
    by_layer = structure.filter(regex=r"^active_\d+$")
    active = structure["active"].where(structure["active"] > 0)
    return pd.concat(
        [found, by_layer.div(active, axis=0), structure.filter(like="decided_")], axis=1
    )


def compare_to_null(
    structure: pd.DataFrame, by: Sequence[str], chosen: Sequence[str] = ()
) -> pd.DataFrame:
    """How far runs differ from their nulls, on average over the draws of the data.

    Each run is compared with the mean of its own random masks.  Nothing is decided in a layer
    without active units: random masks without any in it are left out of that mean, and runs for
    which none is left out of the comparison.  Seen from the outputs, the last hidden layer is
    decided by the degrees of its units alone, so the second null has no excess there.

    Args:
        structure: as :func:`structure`; further columns may be joined to it.
        by: columns that say which rows belong together, such as ``levels`` and ``level``.
        chosen: columns of :func:`measures` to compare; none: all.

    Returns:
        One row per combination of `by`, ``null`` (``counts`` or ``degrees``) and ``measure``: the
        mean of the runs ``run`` and of their nulls ``null_mean``, and the ``excess`` of the runs
        over them, each with its interval (``_low``, ``_high``); on how many ``runs`` of how many
        ``draws``, and how many pairs were ``left_out``.
    """
    keys = [*by, "run", "draw"]
    values = measures(structure)
    names = [name for name in values if not chosen or name in chosen]
    values = pd.concat([structure[[*keys, "kind"]], values[names]], axis=1)
    means = values.groupby([*keys, "kind"], observed=True, dropna=False)[names].mean()
    by_kind = {kind: means.xs(kind, level="kind") for kind in KINDS if kind in set(values["kind"])}
    rows = []
    for kind in [kind for kind in KINDS[1:] if kind in by_kind]:
        pairs = by_kind["run"].join(by_kind[kind].add_suffix(" of the null")).reset_index()
        for place, cell in pairs.groupby(list(by), sort=True):
            about = dict(zip(by, place, strict=True)) | {"null": kind}
            rows += [{**about, **_compared(cell, name)} for name in names]
    return pd.DataFrame(rows, columns=[*by, *COMPARED])


def _compared(pairs: pd.DataFrame, name: str) -> dict:
    """One measure of runs and of their nulls."""
    both = pairs.dropna(subset=[name, f"{name} of the null"])
    run, null = both[name], both[f"{name} of the null"]
    found: dict = {"measure": name}
    for column, values in {"run": run, "null_mean": null, "excess": run - null}.items():
        estimate = statistics.clustered_mean(values.to_numpy(), both["draw"].to_numpy())
        found |= statistics.columns(column, estimate)
    left_out = len(pairs) - len(both)
    return found | {"runs": len(both), "draws": both["draw"].nunique(), "left_out": left_out}


def separations(structure: pd.DataFrame) -> pd.DataFrame:
    """Where runs and their nulls are first separated.

    Args:
        structure: as :func:`structure`.

    Returns:
        One row per run, kind and repeat: its ``base, levels, draw``, and the ``level, available,
        active`` at which it is first separated, missing where it never is.
    """
    keys = ["run", "kind", "repeat"]
    about = structure.groupby(keys, observed=True)[["base", "levels", "draw"]].first()
    apart = structure[structure["status"] == "separated"].sort_values("level")
    first = apart.groupby(keys, observed=True)[["level", "available", "active"]].first()
    return about.join(first).reset_index()


def layer_order(structure: pd.DataFrame, seen_from: str = "outputs") -> pd.DataFrame:
    """Claim 6 of runs and of their nulls: do later hidden layers decide first?

    Args:
        structure: as :func:`structure`, of runs of one number of layers.
        seen_from: ``outputs`` or ``inputs``.

    Returns:
        One row per run, kind and repeat: its ``base, levels, draw``; the share decided in each
        hidden layer ``decided_1`` and so on, on average over the levels at which the run and all
        of its nulls have active units in each; and whether it is ``ordered``: the later the
        hidden layer, the more is decided.
    """
    keys = ["run", "kind", "repeat"]
    shares = structure.filter(regex=rf"^decided_{seen_from}_\d+$").iloc[:, 1:-1]
    known = shares.notna().all(axis=1).groupby([structure["run"], structure["level"]])
    rows = structure[known.transform("all")]
    means = rows.groupby(keys, observed=True)[list(shares)].mean()
    means.columns = [f"decided_{n}" for n in range(1, means.shape[1] + 1)]
    about = structure.groupby(keys, observed=True)[["base", "levels", "draw"]].first()
    ordered = (means.diff(axis=1).iloc[:, 1:] > 0).all(axis=1)
    return about.join(means, how="right").assign(ordered=ordered).reset_index()
