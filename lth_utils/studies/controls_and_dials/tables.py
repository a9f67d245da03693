"""Tables of notebook 09: what each run found, and shares and means by condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lth_utils.config import RunSpec, rng, run_id
from lth_utils.connectivity import block_share_excess, partition_index, path_counts
from lth_utils.runs.history import History
from lth_utils.runs.store import Store
from lth_utils.studies import statistics
from lth_utils.studies.controls_and_dials.parameters import Condition

KEYS = ["dial", "n_samples", "value"]
"""What tells conditions apart; see :class:`~.parameters.Condition`."""

GRADED = ("excess", "excess_degrees", "index")
"""Means by condition, see :func:`found_table`."""


NOTHING = "nothing"
"""What a run lost that keeps all inputs and outputs; an empty text would be read back as NaN."""


def found_table(
    groups: Mapping[Condition, Sequence[RunSpec]], store: Store, tolerance: float, nulls: int
) -> pd.DataFrame:
    """What became of each run, and what its ticket looks like.

    A run's *ticket* is its last level that is not degraded and at which no task is less accurate
    on fresh points than in the run's own dense network, but for a tolerance.

    Args:
        groups: the runs of each condition.
        store: of the finished runs.
        tolerance: in accuracy.
        nulls: random masks that each ticket is compared with.

    Returns:
        One row per condition and run: ``dial, n_samples, value, run, draw, seed``; ``separated``,
        whether it is at any level; ``apart``, whether it is with every task kept; ``apart_at`` and
        ``accuracy_apart``, the first such level; ``lost``, the tasks that lost an input or output
        at its end; the ticket's ``level``, its ``weights`` and mean ``accuracy``, and that of the
        dense network, ``dense``; whether no input leads to the outputs of both tasks,
        ``no_common``; its share of paths inside the tasks' blocks beyond chance, ``excess`` (null
        of counts) and ``excess_degrees``; and its adjusted Rand ``index``.
    """
    known: dict[str, dict] = {}
    rows = []
    for condition, specs in groups.items():
        for spec in specs:
            run = run_id(spec)
            if run not in known:
                known[run] = _look(run, store.history(run), tolerance, nulls)
            rows.append({**condition._asdict(), "run": run, **known[run]})
    return pd.DataFrame(rows)


def _look(run: str, history: History, tolerance: float, nulls: int) -> dict:
    """What became of one run."""
    rows, tasks = history.rows, history.tasks
    accuracies = rows[[f"{task.score_name}_{task.name}" for task in tasks]].to_numpy(float)
    kept = (accuracies >= accuracies[0] - tolerance).all(1)
    status = rows["status"].to_numpy()
    level = int(np.flatnonzero((kept & (status != "degraded")) | (rows["level"] == 0))[-1])
    first = np.flatnonzero(kept & (status == "separated"))
    coverage = rows[[f"coverage_{task.name}" for task in tasks]].iloc[-1]
    lost = [task.name for task, share in zip(tasks, coverage, strict=True) if share < 1]
    found = {
        "draw": dict(history.spec.data.options)["seed"],
        "seed": history.spec.seed,
        "separated": bool((status == "separated").any()),
        "apart": len(first) > 0,
        "apart_at": int(first[0]) if len(first) else np.nan,
        "accuracy_apart": accuracies[first[0]].mean() if len(first) else np.nan,
        "lost": " and ".join(lost) or NOTHING,
        "level": level,
        "weights": int(rows["available"].iloc[level]),
        "accuracy": accuracies[level].mean(),
        "dense": accuracies[0].mean(),
    }
    return found | _graded(run, history, level, nulls)


def _graded(run: str, history: History, level: int, nulls: int) -> dict:
    """How far the ticket of one level is apart; its random masks depend on the run alone."""
    ticket, seed = history.ticket(level), history.spec.seed
    masks, tasks = ticket.masks, ticket.tasks
    common = (path_counts(masks)[0] > 0).sum(0) > 1  # each task has one output
    excess = {}
    for name, null in (("excess", "counts"), ("excess_degrees", "degrees")):
        stream = rng(seed, "block share", null, run)
        excess[name] = float(block_share_excess(masks, tasks, stream, nulls, null)[0])
    index = float(partition_index(masks, tasks)[0])
    return {"no_common": not bool(common.any()), **excess, "index": index}


def by_condition(found: pd.DataFrame) -> pd.DataFrame:
    """Shares and means of each condition, the draw of the data a random factor.

    Args:
        found: as :func:`found_table`.

    Returns:
        One row per condition, in order: ``runs, draws``; the shares ``apart``, ``separated`` and
        ``no_common``, and the means ``excess``, ``excess_degrees`` and ``index``, each with its
        interval (``_low``, ``_high``); and how many runs came to which end: ``n_apart``;
        ``n_less accurate``, apart, but a task not kept; ``n_lost``, an input or output before that;
        ``n_joined``.
    """
    rows = []
    for key, own in found.groupby(KEYS, sort=False):
        row = dict(zip(KEYS, key, strict=True))
        row |= {"runs": len(own), "draws": own["draw"].nunique()}
        for name in ("apart", "separated", "no_common"):
            row |= statistics.columns(name, statistics.clustered_share(own[name], own["draw"]))
        for name in GRADED:
            known = own.dropna(subset=[name])
            row |= statistics.columns(name, statistics.clustered_mean(known[name], known["draw"]))
        rows.append(row | _ends(own))
    return pd.DataFrame(rows)


def _ends(own: pd.DataFrame) -> dict[str, int]:
    """How many runs came to which end."""
    counts = {"apart": own["apart"], "less accurate": own["separated"] & ~own["apart"]}
    counts["lost"] = (own["lost"] != NOTHING) & ~own["separated"]
    counts["joined"] = ~own["separated"] & (own["lost"] == NOTHING)
    return {f"n_{name}": int(hits.sum()) for name, hits in counts.items()}


def condition(found: pd.DataFrame, wanted: Condition) -> pd.DataFrame:
    """The rows of one condition."""
    return found[(found[KEYS] == pd.Series(wanted._asdict())).all(axis=1)]


def change(
    found: pd.DataFrame, dial: str, n_samples: int, column: str
) -> tuple[statistics.Interval, pd.DataFrame]:
    """By how much a column changes from one end of a dial to the other.

    Args:
        found: as :func:`found_table`.
        dial: one of the dials.
        n_samples: points per split.
        column: of numbers, or of truths, whose share is taken.

    Returns:
        The mean difference within the draws that have both ends, with its interval, and the rows
        of both ends; NaN where the dial stands in one place only.
    """
    own = found[(found["dial"] == dial) & (found["n_samples"] == n_samples)].dropna(subset=[column])
    low, high = (own[own["value"] == end] for end in (own["value"].min(), own["value"].max()))
    both = pd.concat([low, high])
    if low.index.equals(high.index):
        return (np.nan, np.nan, np.nan), both
    estimate = statistics.clustered_difference(high[column], high["draw"], low[column], low["draw"])
    return estimate, both
