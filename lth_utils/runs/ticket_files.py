"""Tickets as files of their own."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path

import numpy as np
import torch

from lth_utils import config
from lth_utils.config import Shape
from lth_utils.data import Task
from lth_utils.data.tasks import check_tasks, tasks_from_plain, tasks_to_plain
from lth_utils.networks.layers import network, split_mask
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.files import StoreError, pack, unpack, write_atomically
from lth_utils.runs.places import provenance

TICKET_FILE = "lth_utils ticket 2"
"""Marks the files that :func:`save` writes, with the version of their format."""

FIRST_FORMAT = "lth_utils ticket 1"
"""The mark of earlier files, whose tasks are a name and the ends of two ranges."""

LONGEST_ABOUT = 1 << 20
"""Largest size of what a file says of its ticket, in bytes."""


def save(ticket: Ticket, path: str | Path) -> Path:
    """Write a ticket to a file of plain arrays (npz without pickle), which :func:`load` reads.

    Args:
        ticket: the ticket.
        path: the file, by convention ``*.npz``; it is replaced if it exists.

    Returns:
        The path.

    Raises:
        StoreError: if the file cannot be written.
    """
    about = {
        "kind": TICKET_FILE,
        "shape": ticket.shape,
        "tasks": tasks_to_plain(ticket.tasks),
        "seed": ticket.seed,
        "level": ticket.level,
        **provenance(),
    }
    mask = torch.cat([m.flatten() for m in ticket.masks]).numpy(force=True)
    arrays = {
        "about": np.array(json.dumps(about)),
        "mask": np.packbits(mask),
        "initial": ticket.initial,
    }
    if ticket.trained is not None:
        arrays["trained"] = ticket.trained
    write_atomically(path, pack(arrays))
    return Path(path)


def load(path: str | Path) -> Ticket:
    """Read a ticket from a file that :func:`save` wrote.

    Args:
        path: the file, of which nothing is trusted: before an array is read into memory, its size
            is compared with that of the network.

    Returns:
        The ticket.

    Raises:
        StoreError: if the file cannot be read, is damaged or is no ticket.
    """
    try:
        return _from_file(Path(path).read_bytes())
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        raise StoreError(f"{path} is not a ticket that was exported whole ({reason})") from error


def _from_file(content: bytes) -> Ticket:
    """The ticket in the bytes of a file; one of several errors where they are not those of one."""
    about = _read_about(content)
    shape = config.coerce(about["shape"], Shape, "shape")
    seed, level = (config.coerce(about[name], int, name) for name in ("seed", "level"))
    if seed < 0 or level < 0:
        raise ValueError(f"its seed is {seed} and its level {level}")
    net = network(shape)
    weights = sum(net.sizes)
    values = weights + sum(layer.n_biases for layer in net.layers)
    arrays = unpack(content, check=functools.partial(_check_array, weights=weights, values=values))
    mask = np.unpackbits(arrays["mask"], count=weights).astype(bool)
    for name in ("initial", "trained"):
        if name in arrays and arrays[name][:weights][~mask].any():
            raise ValueError(f"{name} has values that are not zero where the mask has no weight")
    first_format = about["kind"] == FIRST_FORMAT
    tasks = tuple(map(_task, about["tasks"])) if first_format else tasks_from_plain(about["tasks"])
    check_tasks(tasks, math.prod(net.values[0]), math.prod(net.values[-1]))
    return Ticket(
        shape=shape,
        masks=split_mask(torch.from_numpy(mask)[None], shape),
        initial=arrays["initial"],
        trained=arrays.get("trained"),
        tasks=tasks,
        seed=seed,
        level=level,
    )


def _read_about(content: bytes) -> dict:
    """What a file says of its ticket."""
    about = json.loads(str(unpack(content, ["about"], _check_about)["about"]))
    if not isinstance(about, dict) or about["kind"] not in (TICKET_FILE, FIRST_FORMAT):
        raise ValueError("it does not say that it is one")
    return about


def _check_about(name: str, shape: tuple[int, ...], dtype: np.dtype):
    """Refuse an array that is no short text."""
    if shape != () or dtype.kind != "U" or dtype.itemsize > LONGEST_ABOUT:
        raise ValueError(f"{name} is no text of at most {LONGEST_ABOUT} bytes")


def _check_array(name: str, shape: tuple[int, ...], dtype: np.dtype, *, weights: int, values: int):
    """Refuse an array that a ticket does not have; weights, values: of its network."""
    if name == "about":
        return
    known = {
        "mask": ((math.ceil(weights / 8),), np.uint8),
        "initial": ((values,), np.float32),
        "trained": ((values,), np.float32),
    }
    if name not in known:
        raise ValueError(f"it has an array {name}")
    expected, kind = known[name]
    if shape != expected or dtype != kind:
        raise ValueError(f"{name} is {dtype} {shape}; this network has {np.dtype(kind)} {expected}")


def _task(entry: list) -> Task:
    """A task from its name and the ends of its two ranges."""
    name, *ends = entry
    if not isinstance(name, str):
        raise ValueError(f"the name of a task is {name!r}")
    first_input, stop_input, first_output, stop_output = [
        config.coerce(end, int, f"task {name}") for end in ends
    ]
    return Task(name, range(first_input, stop_input), range(first_output, stop_output))
