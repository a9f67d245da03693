"""What a model that leaves the project says of itself."""

from __future__ import annotations

from typing import Any

from torch import nn

from lth_utils.config import shape_text
from lth_utils.connectivity import measure
from lth_utils.networks.layers import n_weights
from lth_utils.networks.sparse_layer import SparseLinear
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.places import provenance
from lth_utils.runs.store import Store


def card_of_run(run_id: str, ticket: Ticket, store: Store) -> dict[str, Any]:
    """The card of a finished run at one level.

    Args:
        run_id: the run.
        ticket: its network at the level.
        store: where it is.
    """
    history = store.history(run_id)
    row, data = history.rows.iloc[ticket.level], history.spec.data
    scores = {}
    for task in ticket.tasks:
        column = f"{task.score_name}_{task.name}"
        if column in row:
            scores[task.name] = f"{task.score_name} {row[column]:.4f} on the test split"
    done = store.provenance(run_id)
    card = card_of_ticket(ticket, history.spec.coverage)
    return {
        "data": {"name": data.name, **dict(data.options)},
        "scores": scores,
        **card,
        "provenance": {"run": run_id, "trained": done["finished"], **card["provenance"]},
    }


def card_of_ticket(ticket: Ticket, coverage: str = "total") -> dict[str, Any]:
    """The card of a ticket by itself.

    Args:
        ticket: the network.
        coverage: kind of coverage that decides its status.
    """
    found = measure(ticket.masks, ticket.tasks, coverage)[0]
    return {
        "tasks": {
            task.name: f"{task.kind}, outputs {min(task.outputs)} to {max(task.outputs)}"
            for task in ticket.tasks
        },
        "structure": {
            "network": shape_text(ticket.shape),
            "weights": n_weights(ticket.shape),
            "available": found.available,
            "active": found.active,
            "inactive": found.inactive,
            "zombie": found.zombie,
            "subnetworks": found.subnetworks,
            "status": f"{found.status} ({coverage} coverage)",
        },
        "provenance": {
            "seed": ticket.seed,
            "level": ticket.level,
            "values": "initial" if ticket.trained is None else "trained",
            **provenance(),
        },
    }


def card_of_model(model: nn.Module) -> dict[str, Any]:
    """What the file holds, from the model that is written."""
    values = list(model.parameters())
    weights = [v for v in values if v.ndim > 1]
    weights += [layer.values for layer in model.modules() if isinstance(layer, SparseLinear)]
    return {
        "model": {
            "layers": [repr(m) for m in model.modules() if not list(m.children())],
            "parameters": sum(v.numel() for v in values),
            "weights that are not zero": sum(int(v.count_nonzero()) for v in weights),
        }
    }


def card_text(card: dict[str, Any]) -> str:
    """A card as Markdown."""
    lines = [f"# {card['file']['name']}", ""]
    for heading, content in card.items():
        lines += [f"## {heading}", ""]
        if not isinstance(content, dict):
            lines += [str(content), ""]
            continue
        for name, value in content.items():
            shown = ", ".join(f"`{v}`" for v in value) if isinstance(value, list) else value
            lines.append(f"- {name}: {shown}")
        lines.append("")
    return "\n".join(lines)
