"""Tables of notebook 02 on separation: how far it went, how pure the parts are, what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import torch

from lth_utils.connectivity import decided
from lth_utils.data import Dataset, Task
from lth_utils.data.tasks import index
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.store import Store
from lth_utils.studies.masks import masks_by_level
from lth_utils.studies.statistics import columns, mean_interval, share
from lth_utils.studies.verdict import in_points

PURITY = [
    "task",
    "weights",
    "inputs",
    "own_inputs",
    "own_share",
    "accuracy",
    "accuracy_cut",
    "accuracy_own_image",
    "seed",
]
"""Columns of the table of pure parts."""


def decided_share(results: Store, runs: Iterable[str]) -> pd.DataFrame:
    """The degree of separation of whole networks.

    Args:
        results: the store of the runs.
        runs: their ids.

    Returns:
        Columns ``run, level, decided, decided_hidden``. ``decided`` is the share of a layer's
        active units that lead to the outputs of one task alone, mean over the inputs and the hidden
        layers; it is 1 where no subnetwork serves two tasks. ``decided_hidden`` leaves the inputs
        out.
    """
    rows = []
    for at in masks_by_level(results, runs):
        layers = decided(at.masks, at.tasks)[0, :-1]
        shares = {"decided": layers.nanmean(), "decided_hidden": layers[1:].nanmean()}
        shares = {name: float(value) for name, value in shares.items()}
        rows.append({"run": at.run, "level": at.level, **shares})
    return pd.DataFrame(rows)


def join(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables as :func:`purity` makes them one below the other; of none, an empty one."""
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=PURITY)


def purity_of_runs(results: Store, separated: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """:func:`purity` of the last ticket of several runs, with their ``seed``.

    Args:
        results: the store of the runs.
        separated: columns ``run`` and ``seed``.
        dataset: what they were trained on.
    """
    parts = []
    for row in separated.itertuples():
        parts.append(purity(results.ticket(row.run), dataset).assign(seed=row.seed))
    return join(parts)


def purity(ticket: Ticket, dataset: Dataset) -> pd.DataFrame:
    """How pure each task's subnetwork is.

    Args:
        ticket: a network.
        dataset: what it was trained on.

    Returns:
        One row per ``task``: the ``weights`` of its subnetwork; how many ``inputs`` it receives,
        how many and which share of them are its own (``own_inputs, own_share``); its accuracy in
        the whole network, cut out, and cut out with the inputs of other tasks at their mean, zero
        (``accuracy, accuracy_cut, accuracy_own_image``). For a separated ticket ``accuracy_cut``
        equals ``accuracy``.
    """
    x, rows = torch.from_numpy(dataset.x_test), []
    for number, task in enumerate(ticket.tasks):
        part, labels = ticket.cut(number), dataset.y_test[:, number]
        received = part.masks[0][0].any(0).numpy()
        own = np.zeros(len(received), dtype=bool)
        own[index(task.inputs)] = True
        own_count = int((received & own).sum())
        whole, cut, own_x = ticket.model(), part.model(), x * torch.from_numpy(own)
        rows.append(
            {
                "task": task.name,
                "weights": sum(int(mask.sum()) for mask in part.masks),
                "inputs": int(received.sum()),
                "own_inputs": own_count,
                "own_share": own_count / max(1, int(received.sum())),
                "accuracy": _accuracy(whole, x, task, labels),
                "accuracy_cut": _accuracy(cut, x, task, labels),
                "accuracy_own_image": _accuracy(cut, own_x, task, labels),
            }
        )
    return pd.DataFrame(rows)


def _accuracy(model: torch.nn.Module, x: torch.Tensor, task: Task, labels: np.ndarray) -> float:
    """The share of examples that a network names rightly, of one task."""
    with torch.no_grad():
        logits = model(x).numpy()
    return float((task.predict(logits) == labels).mean())


def methods(table: pd.DataFrame) -> pd.DataFrame:
    """What each way of pruning reaches; the first one is compared with the others.

    Args:
        table: level rows with columns ``variant, decided, decided_hidden``.

    Returns:
        One row per ``variant``. Accuracies ``gain`` and ``gain_hidden`` are against the same run
        before pruning: at separation, and at the first level at which the tasks share no hidden
        neuron, only inputs. ``as_good`` counts separated networks with a gain of 0 or more.
        ``difference`` is against the first variant at the same sizes and seeds.
    """
    by_size = table.groupby(["variant", "seed", "available"])["accuracy"].mean()
    base, rows = by_size[table["variant"].iloc[0]], []
    for name, at in table.groupby("variant", sort=False):
        difference = (by_size[name] - base).dropna().groupby("seed").mean()
        compared = columns("difference", mean_interval(difference))
        rows.append({"variant": name, **_reached(at), **compared})
    return pd.DataFrame(rows)


def _reached(at: pd.DataFrame) -> dict:
    """What the runs of one way of pruning reach, for :func:`methods`."""
    dense = at[at["level"] == 0].set_index("run")["accuracy"]
    separated = at[at["status"] == "separated"].groupby("run").first()
    apart = (at["decided_hidden"] == 1) & (at["status"] != "degraded")
    hidden = at[apart].groupby("run").first()
    gain = separated["accuracy"] - dense.loc[separated.index]
    gain_hidden = hidden["accuracy"] - dense.loc[hidden.index]
    runs = at["run"].nunique()
    at_separation = separated[["accuracy", "available", "active"]].mean()
    return {
        "loss": at["train.loss"].iloc[0],
        "runs": runs,
        "separated": len(separated),
        **columns("share", share(len(separated), runs)),
        **at_separation,
        "dense_accuracy": dense.mean(),
        "peak_accuracy": at.groupby("run")["accuracy"].max().mean(),
        **columns("gain", mean_interval(gain)),
        "as_good": int((gain >= 0).sum()),
        "hidden": len(hidden),
        **columns("gain_hidden", mean_interval(gain_hidden)),
    }


def compare_methods(ways: pd.DataFrame) -> str:
    """One sentence: is there a separated network as accurate as the dense one?

    Args:
        ways: as :func:`methods`.
    """
    count = int(ways["separated"].sum())
    if not count:
        return f"none of {ways['runs'].sum()} networks separated"
    best, hidden = _surest(ways, "gain"), _surest(ways, "gain_hidden")
    gain = in_points(*best[["gain", "gain_low", "gain_high"]])
    gain_hidden = in_points(*hidden[["gain_hidden", "gain_hidden_low", "gain_hidden_high"]])
    return (
        f"{ways['as_good'].sum()} of {count} separated networks are at least as accurate as the "
        f"same network before pruning; the surest of {len(ways)} ways, {best['variant']}, "
        f"separates {best['separated']} of {best['runs']}, {best['as_good']} of them so accurate, "
        f"on average {gain} from it; hidden neurons are no longer shared, though inputs may be, "
        f"at up to {gain_hidden}, in {hidden['hidden']} of {hidden['runs']} ({hidden['variant']})"
    )


def _surest(ways: pd.DataFrame, gain: str) -> pd.Series:
    """The row whose interval begins highest; where there are no intervals, whose value is."""
    low = ways[f"{gain}_low"]
    return ways.loc[(low if low.notna().any() else ways[gain]).idxmax()]
