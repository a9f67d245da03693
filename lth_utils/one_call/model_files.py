"""Models read from files without unpickling anything, so that no file can run code."""

from __future__ import annotations

import importlib
import json
import math
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lth_utils.config import SpecError
from lth_utils.runs.model_files import read_safetensors

PICKLED = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".tar")

SAFE_TARGETS = ("torch.ops.aten.", "torch.ops.prims.", "torch.ops.higher_order.", "_operator.")
"""How the operations begin that a file may name."""


def read(
    path: str | Path, factory: str | None = None, shape: Sequence[int] | None = None
) -> tuple[nn.Module | torch.export.ExportedProgram, Tensor | None]:
    """A model from a file, and an example of its inputs where the file has none.

    Args:
        path: ``*.pt2`` of ``torch.export.save``, or ``*.safetensors``.
        factory: for safetensors ``module:function`` that makes the model, or the model and an
            example; the module is imported, from the current folder too.
        shape: of the example, batch first, where the factory gives none.

    Raises:
        SpecError: another kind of file, one that is not whole, or safetensors is not installed.
        StoreError: a safetensors file that is not whole.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise SpecError(f"{path}: no such file")
    if path.suffix == ".pt2":
        return read_exported(path), None
    if path.suffix == ".safetensors":
        return _read_safetensors(path, factory, shape)
    if path.suffix in PICKLED:
        raise SpecError(
            f"{path} holds a pickle, which can run code when it is opened, and is not opened here. "
            "Load it where you trust it and save the model with torch.export.save as *.pt2, or its "
            "state_dict with safetensors.torch.save_file"
        )
    raise SpecError(f"{path}: expected *.pt2 (of torch.export.save) or *.safetensors")


def _read_safetensors(path: Path, factory: str | None, shape: Sequence[int] | None):
    """A model that a named function makes, with the weights of a file."""
    if not factory or factory.count(":") != 1:
        raise SpecError(
            f"{path} has weights, but not how they are connected; name the function that makes the "
            "model, such as --factory torchvision.models:resnet18"
        )
    values, _ = read_safetensors(path)
    module, name = factory.split(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        made = getattr(importlib.import_module(module), name)()
    except (ImportError, AttributeError) as error:
        raise SpecError(f"factory {factory}: {error}") from None
    finally:
        sys.path.pop(0)
    model, example = made if isinstance(made, tuple) else (made, None)
    if example is None and shape is None:
        raise SpecError("the shape of an example is missing, such as --shape 1,3,224,224")
    if example is None:
        example = torch.zeros(tuple(shape))
    try:
        model.load_state_dict(values)
    except (RuntimeError, ValueError) as error:
        raise SpecError(f"{path} does not fit {factory}: {error}") from None
    return model, example


def read_exported(path: Path) -> torch.export.ExportedProgram:
    """What ``torch.export.save`` wrote, without its pickled parts.

    ``torch.export.load`` unpickles the example inputs and whatever the file says is pickled. Here
    the graph is read from its JSON and the weights from their bytes; anything else is refused.

    Raises:
        SpecError: a file that is not whole, has pickled weights, or names unknown operations.
    """
    from torch._export.serde import schema, serialize

    try:
        with zipfile.ZipFile(path) as archive:
            files = _members(archive)
            (name,) = [n for n in files if n.startswith("models/") and n.endswith(".json")]
            stem = Path(name).stem
            plain = _specialised(json.loads(archive.read(files[name])))
            weights = _tensors(archive, files, "weights", stem)
            constants = _tensors(archive, files, "constants", stem)
        _check_targets(plain["graph_module"]["graph"])
        plain["guards_code"], plain["range_constraints"] = [], {}
        described = serialize._dict_to_dataclass(schema.ExportedProgram, plain)
        return serialize.ExportedProgramDeserializer().deserialize(described, weights, constants)
    except SpecError:
        raise
    except zipfile.BadZipFile:
        raise SpecError(f"{path} is not whole, or not a file of torch.export.save") from None
    except Exception as error:  # whatever a damaged or foreign file leads torch to raise
        raise SpecError(
            f"{path} is no program that this version of torch ({torch.__version__}) can read: "
            f"{type(error).__name__}: {str(error)[:200]}"
        ) from None


def _members(archive: zipfile.ZipFile) -> dict[str, str]:
    """Names in the archive by what they are called below its top folder."""
    found = {}
    for info in archive.infolist():
        if info.compress_type != zipfile.ZIP_STORED:
            raise SpecError(f"{info.filename} is compressed; torch.export.save compresses nothing")
        found[info.filename.partition("/")[2]] = info.filename
    order = found.get("byteorder")
    if order and archive.read(order).strip() != sys.byteorder.encode():
        raise SpecError("the file is of a machine with another byte order")
    return found


def _specialised(plain: Any) -> Any:
    """Sizes that are left open, as those of the example; no expression is ever evaluated."""
    if isinstance(plain, dict):
        open_ = plain.get("as_expr")
        if open_ is not None:
            hint = (open_.get("hint") or {}).get("as_int")
            if not isinstance(hint, int):
                raise SpecError("the program has a size that depends on values; not understood")
            return {"as_int": hint}
        return {key: _specialised(value) for key, value in plain.items()}
    if isinstance(plain, list):
        return [_specialised(value) for value in plain]
    return plain


def _check_targets(graph: Any):
    """Refuse operations that are none of torch's own, at any depth."""
    if isinstance(graph, dict):
        target = graph.get("target")
        if "inputs" in graph and isinstance(target, str) and not target.startswith(SAFE_TARGETS):
            raise SpecError(f"the program has the operation {target}, which is not torch's own")
        graph = list(graph.values())
    if isinstance(graph, list):
        for part in graph:
            _check_targets(part)


def _tensors(
    archive: zipfile.ZipFile, files: dict[str, str], kind: str, stem: str
) -> dict[str, Tensor]:
    """Weights or constants of a program from their bytes."""
    from torch._export.serde import serialize

    if f"data/{kind}/{stem}.pt" in files:
        raise SpecError(f"the {kind} of this file are pickled (an old format); save it again")
    config = files.get(f"data/{kind}/{stem}_{kind}_config.json")
    if config is None:
        raise SpecError(f"the file has no list of its {kind}")
    found = {}
    for name, entry in json.loads(archive.read(config))["config"].items():
        about = entry["tensor_meta"]
        if entry["use_pickle"] or about is None:
            raise SpecError(f"{name} is pickled in this file, and is not opened here")
        dtype = serialize.deserialize_scalar_type(about["dtype"])
        size = [part["as_int"] for part in about["sizes"]]
        stride = [part["as_int"] for part in about["strides"]]
        offset = about["storage_offset"]["as_int"]
        raw = bytearray(archive.read(files[f"data/{kind}/{entry['path_name']}"]))
        last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
        if math.prod(size) and (last + 1) * dtype.itemsize > len(raw):
            raise SpecError(f"{name} has fewer values in the file than its shape says")
        if not raw:
            tensor = torch.zeros(size, dtype=dtype)
        else:
            tensor = torch.frombuffer(raw, dtype=dtype).as_strided(size, stride, offset)
        if entry["is_param"]:
            tensor = nn.Parameter(tensor, requires_grad=about["requires_grad"])
        found[name] = tensor
    return found
