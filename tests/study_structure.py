"""The whole check of ``lth.structure`` against the oracle: every architecture, 200 random masks.

Run by hand: ``python tests/study_structure.py [masks]``; a quick version is in the test suite. Each
line says how many weights were compared and how many differ: first in whether they are active, then
in whether they lead to an output. The last line is the sum.
"""

import sys
import time

import torch
from architectures import ARCHITECTURES, made, pruned
from linearised import CONSTANT_SOURCES, changes

from lth_utils.connectivity.any_model.build import model_graph
from lth_utils.connectivity.any_model.tracing import exported_program
from lth_utils.connectivity.states import ACTIVE, ZOMBIE

SHARES = (0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""How much is pruned, mask after mask."""


def differences(name, masks):
    """Weights compared, and differences in being active and in leading to an output."""
    torch.manual_seed(0)
    model, example = made(name)
    exported = exported_program(model, example, {})  # its parameters are the model's own
    compared = active = leading = 0
    for seed in range(masks):
        rng = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for p in model.parameters():
                p.fill_(1.0)
        pruned(model, rng, SHARES[seed % len(SHARES)])
        states = model_graph(exported).weight_states
        for weight, wanted in changes(model, example).items():
            found = torch.from_numpy(states[weight])
            compared += found.numel()
            active += int(((found == ACTIVE) != wanted).sum())
        for weight, wanted in changes(model, example, bias=1.0).items():
            found = torch.from_numpy(states[weight])
            leads = (found == ACTIVE) | (found == ZOMBIE)
            wrong = wanted & ~leads if name in CONSTANT_SOURCES else wanted != leads
            leading += int(wrong.sum())
    return compared, active, leading


def main(masks):
    """Print a line per architecture and the sum."""
    total = [0, 0, 0]
    for name in ARCHITECTURES:
        began = time.perf_counter()
        found = differences(name, masks)
        total = [a + b for a, b in zip(total, found, strict=True)]
        seconds = time.perf_counter() - began
        print(f"{name:22} {found[0]:8} weights, {found[1:]} differ, {seconds:.0f} s", flush=True)
    print(f"{len(ARCHITECTURES)} architectures x {masks} masks: {total}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
