"""Tickets as files of their own."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import torch

from lth_utils import config
from lth_utils.config import Shape
from lth_utils.data import Task
from lth_utils.networks.layers import n_weights, split_mask
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.files import StoreError, pack, unpack, write_atomically
from lth_utils.runs.places import provenance

TICKET_FILE = "lth_utils ticket 1"
"""Marks the files that :func:`save` writes, with the version of their format."""


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
    tasks = [
        [t.name, t.inputs.start, t.inputs.stop, t.outputs.start, t.outputs.stop]
        for t in ticket.tasks
    ]
    about = {
        "kind": TICKET_FILE,
        "shape": ticket.shape,
        "tasks": tasks,
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
        path: the file.

    Returns:
        The ticket.

    Raises:
        StoreError: if the file cannot be read, is damaged or is no ticket.
    """
    try:
        return _from_arrays(unpack(Path(path).read_bytes()))
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise StoreError(f"{path} is not a ticket that was exported whole ({error})") from error


def _from_arrays(arrays: dict[str, np.ndarray]) -> Ticket:
    """The ticket in the arrays of a file; one of several errors where they are not those of one."""
    about = json.loads(str(arrays["about"]))
    if about["kind"] != TICKET_FILE:
        raise ValueError(f"its kind is {about['kind']}")
    shape = config.coerce(about["shape"], Shape, "shape")
    mask = np.unpackbits(arrays["mask"], count=n_weights(shape)).astype(bool)
    tasks = []
    for name, first_input, stop_input, first_output, stop_output in about["tasks"]:
        inputs = range(first_input, stop_input)
        outputs = range(first_output, stop_output)
        tasks.append(Task(name, inputs, outputs))
    return Ticket(
        shape=shape,
        masks=split_mask(torch.from_numpy(mask)[None], shape),
        initial=arrays["initial"],
        trained=arrays.get("trained"),
        tasks=tuple(tasks),
        seed=about["seed"],
        level=about["level"],
    )
