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
"""Marks the files of :func:`save`, with the version of their format."""


def save(ticket: Ticket, path: str | Path) -> Path:
    """Write one ticket to a file of plain arrays (npz, no pickle) that :func:`load` reads back, here or elsewhere."""
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
    trained = {} if ticket.trained is None else {"trained": ticket.trained}
    content = pack(
        {
            "about": np.array(json.dumps(about)),
            "mask": np.packbits(mask),
            "initial": ticket.initial,
            **trained,
        }
    )
    write_atomically(path, content)
    return Path(path)


def load(path: str | Path) -> Ticket:
    """The ticket in a file that :func:`save` wrote; :class:`StoreError` for any other file."""
    try:
        arrays = unpack(Path(path).read_bytes())
        about = json.loads(str(arrays["about"]))
        if about["kind"] != TICKET_FILE:
            raise ValueError(f"its kind is {about['kind']}")
        shape = config.coerce(about["shape"], Shape, "shape")
        mask = torch.from_numpy(np.unpackbits(arrays["mask"], count=n_weights(shape)).astype(bool))[
            None
        ]
        tasks = tuple(
            Task(name, range(i, i_stop), range(o, o_stop))
            for name, i, i_stop, o, o_stop in about["tasks"]
        )
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise StoreError(f"{path} is not a ticket that was exported whole ({error})") from error
    return Ticket(
        shape,
        split_mask(mask, shape),
        arrays["initial"],
        arrays.get("trained"),
        tasks,
        about["seed"],
        about["level"],
    )
