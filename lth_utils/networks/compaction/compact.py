"""Pruned models made really smaller, with the same outputs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from lth_utils.config import SpecError
from lth_utils.connectivity import ACTIVE, unit_states
from lth_utils.connectivity.any_model.checks import checked_model
from lth_utils.data.tasks import index
from lth_utils.networks.compaction.following import plain_copy, traced
from lth_utils.networks.compaction.rules import Followed
from lth_utils.networks.compaction.slicing import slice_layers
from lth_utils.networks.forward import Layers
from lth_utils.networks.layers import network
from lth_utils.networks.sparse_layer import chained
from lth_utils.networks.ticket import Ticket


def compact(
    model_or_ticket: nn.Module | Ticket,
    example_inputs: Tensor | tuple[Tensor, ...] | None = None,
    *,
    split: bool = False,
    sparse: bool | None = None,
) -> nn.Module | dict[str, nn.Module]:
    """A pruned model without what cannot matter; its outputs stay the same.

    Units without a path to an output go. Units without one from an input are constants, which are
    added to the biases that they feed. Linear layers, convolutions and BatchNorm are sliced, also
    through residual sums and concatenations: a unit of a sum goes where no term needs it. What is
    not understood stays as it is, with all that it takes.  A constant stays where a convolution
    with a border of zeros takes it.

    Args:
        model_or_ticket: any model that ``torch.fx`` can follow, with zeros for pruned weights or
            with buffers of ``torch.nn.utils.prune``; or a ticket, of which the trained values are
            taken, or the initial ones where these were not kept. It is left unchanged.
        example_inputs: what the model takes; None: guessed from its first layer.
        split: of a ticket whose tasks share no unit, one model for each task, by name. It takes all
            inputs ``[B, I]`` and gives the task's outputs alone.
        sparse: whether linear layers hold single weights, see
            :class:`~lth_utils.networks.sparse_layer.SparseLinear`; None: where few are left.

    Returns:
        A model with the same inputs and outputs in eval mode, which it is in. Sums of fewer terms
        may round differently in the last digit.

    Raises:
        SpecError: a model that cannot be followed or has values that are not finite; hooks that may
            change what it computes; examples that it does not take; `split` of what is no ticket,
            or whose tasks share units.
    """
    if isinstance(model_or_ticket, Ticket):
        if split:
            return {
                part.tasks[0].name: _of_ticket(part, sparse) for part in _split(model_or_ticket)
            }
        return _of_ticket(model_or_ticket, sparse)
    if not isinstance(model_or_ticket, nn.Module):
        raise SpecError(
            f"a {type(model_or_ticket).__name__} cannot be made smaller; expected a torch module "
            "or a Ticket"
        )
    if split:
        raise SpecError("split needs a Ticket, which knows its tasks; this is a module")
    model, _ = checked_model(model_or_ticket)  # out of its wrappers
    if type(model).__module__.startswith("torch.nn.modules") and not list(model.children()):
        return _compacted(nn.Sequential(model), example_inputs, sparse)[0]  # a single layer
    return _compacted(model, example_inputs, sparse)


def _of_ticket(ticket: Ticket, sparse: bool | None) -> nn.Module:
    """See :func:`compact`."""
    model = ticket.module(which="initial" if ticket.trained is None else "trained")
    example = torch.zeros(2, math.prod(network(ticket.shape).values[0]))
    return _compacted(model, example, sparse)


def _compacted(model: nn.Module, example_inputs, sparse: bool | None):
    """See :func:`compact`."""
    made = plain_copy(model)
    followed = Followed(traced(made, example_inputs).graph, made)
    slice_layers(made, followed, sparse)
    return chained(made).eval()


def _split(ticket: Ticket) -> list[Ticket]:
    """The part of each task as a ticket with the task's outputs alone.

    Raises:
        SpecError: some unit leads to the outputs of several tasks.
    """
    parts = [ticket.cut(k) for k in range(len(ticket.tasks))]
    of_tasks = [[(s == ACTIVE)[0] for s in unit_states(part.masks)[1:-1]] for part in parts]
    shared = sum(
        int((torch.stack(layer).sum(0) > 1).sum()) for layer in zip(*of_tasks, strict=True)
    )
    if shared:
        raise SpecError(
            f"{shared} hidden units serve several tasks: this ticket has not separated. "
            "lth.compact(ticket.cut(task)) gives each task a copy of what it needs"
        )
    return [_of_task(part, k) for k, part in enumerate(parts)]


def _of_task(part: Ticket, k: int) -> Ticket:
    """A ticket without the outputs of other tasks."""
    task = part.tasks[k]
    rows = index(task.outputs)
    values: dict[str, Any] = {}
    for name, flat in (("initial", part.initial), ("trained", part.trained)):
        if flat is not None:
            layers = Layers.of(torch.from_numpy(flat)[None], part.shape)
            weights = [*layers.weights[:-1], layers.weights[-1][:, rows]]
            biases = [*layers.biases[:-1], layers.biases[-1][:, rows]]
            values[name] = torch.cat([v.flatten() for v in (*weights, *biases)]).numpy()
    return replace(
        part,
        shape=(*part.shape[:-1], len(task.outputs)),
        masks=[*part.masks[:-1], part.masks[-1][:, rows]],
        tasks=(replace(task, outputs=range(len(task.outputs))),),
        **values,
    )
