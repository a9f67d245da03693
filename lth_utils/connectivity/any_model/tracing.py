"""Models traced by torch, without anything of them changed, and why some cannot be."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import traceback
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lth_utils.config import SpecError


def exported_program(
    model: nn.Module, args: tuple, kwargs: Mapping[str, Any]
) -> torch.export.ExportedProgram:
    """What torch exports of a model for one example, with its hooks, and nothing of it changed.

    Args:
        model: any module.
        args, kwargs: what it is called with.

    Raises:
        SpecError: torch cannot trace it, with the reason and the line of the model's code.
    """
    try:
        with unchanged(model), quiet():
            return torch.export.export(model, tuple(args), dict(kwargs), strict=False)
    except Exception as error:  # whatever the model's own code raises, too
        shapes = ", ".join(
            str(tuple(part.shape)) for part in (*args, *kwargs.values()) if isinstance(part, Tensor)
        )
        raise SpecError(_reason(error, model, shapes)) from error


@contextlib.contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Give every module its attributes back at the end.

    Hooks of ``torch.nn.utils.prune`` set the attribute ``weight``; recurrent layers collect their
    weights anew. While torch traces, such attributes are place-holders that must not stay.
    """
    kept = []
    for module in model.modules():
        parts = {
            key: dict(value)
            for key, value in module.__dict__.items()
            if key in ("_parameters", "_buffers", "_modules") and isinstance(value, dict)
        }
        lists = {k: list(v) for k, v in module.__dict__.items() if type(v) is list}
        kept.append((module, dict(module.__dict__), parts, lists))
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)
        for module, attributes, parts, lists in kept:
            module.__dict__.clear()
            module.__dict__.update(attributes)
            for key, entries in parts.items():
                held = module.__dict__[key]
                held.clear()
                held.update(entries)
            for key, items in lists.items():
                module.__dict__[key][:] = items


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what torch's tracing warns of, logs and prints; errors say it in their own words."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    silent = io.StringIO()
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(silent),
            contextlib.redirect_stderr(silent),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _reason(error: Exception, model: nn.Module, shapes: str) -> str:
    """Why a model could not be traced, as one sentence with the line of its code."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    first = next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")
    kind, name, place = type(error).__name__, type(model).__name__, _place(error)
    if "DataDependent" in kind or "data-dependent" in text or "unbacked" in text:
        return decides_by_values(name, place)
    return f"{name} fails on an example of shape {shapes}: {kind}: {first[:300]}{place}"


def decides_by_values(name: str, place: str) -> str:
    """The words on models without a structure of their own."""
    return (
        f"{name} decides by the values of its tensors what to compute{place}: such a model has no "
        "single structure. Give the part of it that does not, or a version for one case"
    )


def _place(error: BaseException | None) -> str:
    """The innermost line outside torch that an error went through, as far as there is one."""
    inside = str(Path(torch.__file__).parent)
    found = ""
    while error is not None:
        for frame in traceback.extract_tb(error.__traceback__):
            own = frame.filename.startswith(inside) or frame.filename == __file__
            if not own and Path(frame.filename).is_file():
                code = f": {frame.line}" if frame.line else ""
                found = f" ({Path(frame.filename).name}, line {frame.lineno}{code})"
        error = error.__cause__ or error.__context__
        if found:
            break
    return found
