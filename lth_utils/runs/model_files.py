"""Tickets and models as files for other programs, each with a small card."""

from __future__ import annotations

import io
import json
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lth_utils.config import SpecError, choose
from lth_utils.networks.compaction import compact
from lth_utils.networks.layers import network
from lth_utils.networks.sparse_layer import SparseChain, SparseLinear
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.files import StoreError, digest, write_atomically
from lth_utils.runs.model_card import card_of_model, card_of_run, card_of_ticket, card_text
from lth_utils.runs.model_layers import layers_from_plain, layers_to_plain
from lth_utils.runs.retraining import retrained
from lth_utils.runs.store import Store

FORMATS = {".onnx": "onnx", ".pt": "state_dict", ".safetensors": "safetensors"}
"""What is written, by the end of the file's name."""

CARD = "lth_utils"
"""The key of the card in a file's own metadata."""


def export(
    source: str | Ticket | nn.Module,
    path: str | Path,
    *,
    level: int | None = None,
    store: Store | None = None,
    example_inputs: Tensor | None = None,
    about: Mapping[str, Any] | None = None,
) -> Path:
    """Write a network as a file that other programs read, and a card that says what it is.

    What is written is made smaller by ``lth.compact`` first.

    Args:
        source: a run id, a ticket, or any model.
        path: ``*.pt`` is a plain ``state_dict``, ``*.safetensors`` can be read again by
            :func:`load_model` where it is a ticket's, ``*.onnx`` also holds the graph.
            ``path`` with ``.md`` after it is the card.
        level: of a run, as in ``Store.ticket``. Levels whose trained values were not kept are
            trained again, see ``lth.retrained``.
        store: where the run is; None: the project's.
        example_inputs: of a model, what it takes; None: guessed from its first layer.
        about: what else the card says, by heading.

    Returns:
        The path.

    Raises:
        SpecError: another source or ending, what ``lth.compact`` refuses, or a library of the
            optional extra ``export`` that is not installed.
        StoreError: the run is not finished, or a file cannot be written.
    """
    path = Path(path)
    kind = FORMATS[choose(path.suffix, FORMATS, f"the end of {path.name}")]
    if isinstance(source, str):
        store = Store() if store is None else store
        ticket = retrained(source, level, store)
        card, source = card_of_run(source, ticket, store), ticket
    elif isinstance(source, Ticket):
        card = card_of_ticket(source)
    else:
        card = {}
    small = compact(source, example_inputs)
    assert isinstance(small, nn.Module)
    if isinstance(source, Ticket):
        example_inputs = torch.zeros(2, math.prod(network(source.shape).values[0]))
    card |= card_of_model(small) | dict(about or {})
    content = _WRITERS[kind](small, card, example_inputs)
    card["file"] = {"name": path.name, "bytes": len(content), "sha256": digest(content)}
    write_atomically(path, content)
    write_atomically(path.with_name(f"{path.name}.md"), card_text(card))
    return path


def load_model(path: str | Path) -> nn.Module:
    """A model from a ``safetensors`` file that :func:`export` wrote of a ticket.

    Args:
        path: the file, of which nothing is trusted.

    Returns:
        The model in eval mode.

    Raises:
        SpecError: safetensors is not installed.
        StoreError: the file cannot be read, is damaged, or does not say how its layers are called.
    """
    values, metadata = read_safetensors(path)
    try:
        layers = json.loads(metadata.get(CARD, "{}")).get("layers")
        if not isinstance(layers, list):
            raise SpecError("it does not say how its layers are called; use its values alone")
        return layers_from_plain(layers, values)
    except (SpecError, ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} is no model that was exported whole ({error})") from error


def read_safetensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The values of a ``safetensors`` file by name, and its metadata.

    Raises:
        SpecError: safetensors is not installed.
        StoreError: the file cannot be read, or is damaged.
    """
    library = _library("safetensors")
    try:
        with library.safe_open(str(path), "pt") as file:
            values = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return values, file.metadata() or {}
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    except library.SafetensorError as error:
        raise StoreError(f"{path} is no model that was exported whole ({error})") from error


def _library(name: str):
    """A library of the optional extra."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SpecError(
            f"this needs {error.name}; install it by pip install 'lth_utils[export]'"
        ) from None


def _values(model: nn.Module) -> dict[str, Tensor]:
    """The model's ``state_dict``, as tensors of their own on the CPU."""
    return {name: v.detach().cpu().clone() for name, v in model.state_dict().items()}


def _state_dict(model: nn.Module, card: dict, example: Tensor | None) -> bytes:
    """A file for ``torch.load(path, weights_only=True)``."""
    buffer = io.BytesIO()
    torch.save(_values(model), buffer)
    return buffer.getvalue()


def _safetensors(model: nn.Module, card: dict, example: Tensor | None) -> bytes:
    """A file of values, with the card in its metadata."""
    layers = layers_to_plain(model)
    told = card if layers is None else {**card, "layers": layers}
    return _library("safetensors.torch").save(
        _values(model), {CARD: json.dumps(told), "format": "pt"}
    )


class _Scattered(nn.Module):
    """A sparse layer in operations that ONNX has."""

    def __init__(self, layer: SparseLinear):
        super().__init__()
        self.bias, self.weights = layer.bias, layer.values
        self.register_buffer("rows", layer.rows.long())
        self.register_buffer("columns", layer.columns.long())

    def forward(self, x: Tensor) -> Tensor:
        """``[B, O]`` for ``[B, I]``."""
        products = x.index_select(1, self.columns) * self.weights  # type: ignore[arg-type]
        rows = self.rows.expand(x.shape[0], -1)  # type: ignore[operator]
        return self.bias.expand(x.shape[0], -1).scatter_add(1, rows, products)


def _onnx(model: nn.Module, card: dict, example: Tensor | None) -> bytes:
    """A graph that takes batches of any size, with the card in its metadata."""
    for name in ("onnx", "onnxscript"):
        _library(name)
    if example is None:
        raise SpecError("an ONNX file needs example_inputs, such as torch.zeros(1, 3, 32, 32)")
    if isinstance(model, SparseChain):
        model = nn.Sequential(
            *(_Scattered(layer) if isinstance(layer, SparseLinear) else layer for layer in model)
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        program = torch.onnx.export(
            model.eval(),
            (example.expand(2, *example.shape[1:]) if len(example) == 1 else example,),
            dynamo=True,
            verbose=False,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
        proto = program.model_proto  # type: ignore[union-attr]
    proto.metadata_props.add(key=CARD, value=json.dumps(card))
    return proto.SerializeToString()


_WRITERS = {"onnx": _onnx, "safetensors": _safetensors, "state_dict": _state_dict}
