"""The graph of a model, from the model itself or from what torch exported of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from lth_utils.config import SpecError
from lth_utils.connectivity.any_model import checks
from lth_utils.connectivity.any_model.graph import ModelGraph
from lth_utils.connectivity.any_model.program import decomposed, program
from lth_utils.connectivity.any_model.tracing import exported_program
from lth_utils.connectivity.any_model.walk import NoRule, walk


def model_graph(
    model: torch.nn.Module | torch.export.ExportedProgram,
    example_inputs: Any = None,
    masks: Mapping[str, Any] | None = None,
) -> ModelGraph:
    """Units, links and states of any torch model; the model is not changed.

    Args:
        model: a module, or what ``torch.export.export`` made of it. Weights that are zero are
            pruned, whether by hand, by ``torch.nn.utils.prune`` before or after ``remove``, or by
            a mask that the model multiplies them with.
        example_inputs: what the model is called with: a tensor, a tuple in order, a dict by name.
            Only its shape matters. None for an exported program.
        masks: by parameter name bool of its shape, False where pruned; on top of the zeros.

    Raises:
        SpecError: a model or an example that is not understood, with the module and the reason.
    """
    notes: list[str] = []
    if isinstance(model, torch.export.ExportedProgram):
        exported = model
    else:
        module, notes = checks.checked_model(model)
        args, kwargs = checks.checked_example(module, example_inputs)
        exported = exported_program(module, args, kwargs)
    steps = program(exported)
    checks.check_values(steps)
    steps.notes += notes
    try:
        return walk(checks.masked(steps, masks))
    except NoRule as error:
        simpler = decomposed(exported)
        simpler.notes += notes
        try:
            return walk(checks.masked(simpler, masks))
        except NoRule:
            raise SpecError(str(error)) from None
