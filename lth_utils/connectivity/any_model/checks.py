"""Models and examples looked at before anything is traced: what is refused, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lth_utils.config import SpecError
from lth_utils.config.checks import nearest
from lth_utils.connectivity.any_model.program import Program, plain_name

QUANTISED = (torch.qint8, torch.quint8, torch.qint32, torch.quint4x2, torch.quint2x4)


def checked_model(model: Any) -> tuple[nn.Module, list[str]]:
    """The module to trace, out of its wrappers, and what a reader should know of it.

    Raises:
        SpecError: no module, or one of a kind that cannot be traced, with what to do instead.
    """
    if isinstance(model, type) and issubclass(model, nn.Module):
        raise SpecError(f"{model.__name__} is a class; give a model, such as {model.__name__}()")
    if isinstance(model, Mapping):
        raise SpecError(
            "a state_dict says which weights there are, not how they are connected; give the model "
            "itself: model.load_state_dict(weights) first"
        )
    if not isinstance(model, nn.Module):
        hint = "; for a list of masks there is lth.measure" if isinstance(model, list) else ""
        raise SpecError(f"{type(model).__name__} is no torch.nn.Module{hint}")
    if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        model = model.module
    model = getattr(model, "_orig_mod", model)  # what torch.compile was given
    if isinstance(model, torch.jit.ScriptModule):
        raise SpecError("a TorchScript module cannot be traced; give the model it was made of")
    for name, module in model.named_modules():
        kind = type(module).__module__
        if ".quantized" in kind or "torchao.quantization" in kind:
            raise SpecError(
                f"{name or 'the model'} is quantised ({type(module).__name__}): its weights are "
                "packed away; give the model as it was before"
            )
    for name, parameter in model.named_parameters():
        if isinstance(parameter, nn.parameter.UninitializedParameter):
            raise SpecError(f"{name} has no shape yet (a lazy layer); call the model once first")
    return model, _words_on_hooks(model)


def _words_on_hooks(model: nn.Module) -> list[str]:
    """A note where hooks of the model ran while it was traced."""
    counted = 0
    for module in model.modules():
        for hook in (*module._forward_hooks.values(), *module._forward_pre_hooks.values()):
            counted += "prune" not in type(hook).__module__
    if not counted:
        return []
    return [f"{counted} forward hooks ran once, on place-holders; what they change is seen"]


def checked_example(model: nn.Module, example: Any) -> tuple[tuple, dict]:
    """What the model is called with, on its device.

    Args:
        model: the model.
        example: a tensor, a tuple or list of what it takes in order, or a dict by name.

    Raises:
        SpecError: no tensors.
    """
    if example is None:
        raise SpecError(
            "an example of the model's inputs is missing, such as torch.zeros(1, 3, 224, 224)"
        )
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    if isinstance(example, Mapping):
        kwargs = dict(example)
    elif isinstance(example, (tuple, list)):
        args = tuple(example)
    else:
        args = (example,)
    parts = [*args, *kwargs.values()]
    if parts and all(isinstance(part, int) for part in parts):
        shape = ", ".join(str(part) for part in parts)
        raise SpecError(f"the example is a shape; give a tensor, such as torch.zeros({shape})")
    first = next(iter(model.parameters()), None)
    device = torch.device("cpu") if first is None else first.device

    def placed(part):
        if isinstance(part, np.ndarray):
            part = torch.from_numpy(part)
        return part.detach().to(device) if isinstance(part, Tensor) else part

    args = tuple(placed(part) for part in args)
    kwargs = {name: placed(part) for name, part in kwargs.items()}
    tensors = [part for part in (*args, *kwargs.values()) if isinstance(part, Tensor)]
    for tensor in tensors:
        if not tensor.numel():
            raise SpecError(f"the example of shape {tuple(tensor.shape)} is empty")
        if tensor.is_complex():
            raise SpecError(f"the example is complex ({tensor.dtype}); not understood")
    if not parts or not (tensors or any(isinstance(p, (tuple, list, dict)) for p in parts)):
        kinds = ", ".join(type(part).__name__ for part in parts) or "nothing"
        raise SpecError(f"the example is {kinds}; give tensors, such as torch.zeros(1, 4)")
    return args, kwargs


def check_values(program: Program):
    """Refuse parameters from whose zeros nothing can be read.

    Raises:
        SpecError: the first one, by name.
    """
    for name, tensor in program.values.values():
        if tensor.device.type == "meta":
            raise SpecError(f"{name} is on the meta device: it has a shape, but no values")
        if tensor.dtype in QUANTISED or getattr(tensor, "is_quantized", False):
            raise SpecError(f"{name} is quantised ({tensor.dtype}); audit the model before that")
        if tensor.is_complex():
            raise SpecError(f"{name} is complex ({tensor.dtype}); not understood")
        if name not in program.parameters:
            continue
        if not tensor.numel():
            raise SpecError(f"{name} has the shape {tuple(tensor.shape)}: a layer without weights")
        if tensor.is_floating_point():
            ends = torch.stack(torch.aminmax(tensor.to_dense()))
            if not bool(torch.isfinite(ends).all()):
                wrong = tensor.numel() - int(torch.isfinite(tensor.to_dense()).sum())
                raise SpecError(
                    f"{name} has {wrong} of {tensor.numel()} values that are not finite; whether "
                    "they are pruned cannot be said"
                )


def masked(program: Program, masks: Mapping[str, Any] | None) -> Program:
    """The program with given masks on its parameters, which stay as they are.

    Args:
        program: with the real values.
        masks: by parameter name, bool of its shape: False is pruned.

    Raises:
        SpecError: names, shapes or types that do not fit.
    """
    if masks is None:
        return program
    if not isinstance(masks, Mapping):
        raise SpecError(
            f"masks are of type {type(masks).__name__}; expected a dict from names of parameters, "
            "as in model.named_parameters(), to bool tensors"
        )
    places = {}
    for place, (name, _) in program.values.items():
        if name in program.parameters:
            places[plain_name(name)] = place
    values = dict(program.values)
    for name, mask in masks.items():
        if plain_name(name) not in places:
            hint = nearest(name, places)
            raise SpecError(f"the model has no parameter {name} for a mask{hint}")
        place = places[plain_name(name)]
        own, tensor = values[place]
        mask = torch.as_tensor(mask)
        if mask.dtype != torch.bool or mask.shape != tensor.shape:
            raise SpecError(
                f"the mask of {name} is {mask.dtype} {tuple(mask.shape)}; expected torch.bool "
                f"{tuple(tensor.shape)}"
            )
        values[place] = own, tensor * mask.to(tensor.device)
    parts = program.steps, values, program.inputs, program.outputs, program.parameters
    return Program(*parts, list(program.notes))
