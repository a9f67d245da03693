"""Trained values of any level of a finished run, on request."""

from __future__ import annotations

from dataclasses import replace

import torch

from lth_utils.config import SpecError
from lth_utils.networks.population import Population
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.store import Store
from lth_utils.training import trainer

TOLERANCE = 1e-3
"""Relative difference of the test loss up to which a retrained level counts as the run's own."""


def retrained(
    run_id: str, level: int | None = None, store: Store | None = None, device: str = "auto"
) -> Ticket:
    """A ticket with its trained values, trained again where the run did not keep them.

    Levels of many weights keep no trained values.  Training begins from the same values with the
    same random streams, so that on the same kind of machine it ends with the same values.

    Args:
        run_id: a finished run.
        level: as in ``Store.ticket``.
        store: where the run is; None: the project's.
        device: where it is trained: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Returns:
        The ticket, as it is kept where its trained values are.

    Raises:
        SpecError: the values it began from were not kept, either; or training on this machine ends
            elsewhere than the run did, as its test loss says.
        StoreError: if the run is not finished.
    """
    store = Store() if store is None else store
    history = store.history(run_id)
    ticket = history.ticket(level)
    if ticket.trained is not None:
        return ticket
    where = trainer.device(device)
    start = torch.from_numpy(ticket.values("initial"))[None].to(where)
    mask = torch.cat([mask.flatten(1) for mask in ticket.masks], 1).to(where)
    members = Population(ticket.shape, (ticket.seed,), start, start.clone(), mask)
    data = store.dataset(history.spec.data)
    finished, training = trainer.train(members, data, history.spec.train)
    expected, found = float(history.rows["loss"][ticket.level]), float(training.loss.mean())
    if not abs(found - expected) <= TOLERANCE * abs(expected):
        raise SpecError(
            f"level {ticket.level} of {run_id} ends with a test loss of {found:.6g} here, where "
            f"the run had {expected:.6g}: other processors round differently; run it again here"
        )
    return replace(ticket, trained=finished.parameters[0].numpy(force=True))
