"""Masked neural networks as a population: prune them, and see what structure is left.

Axis letters, the same everywhere:

    M members (seeds)     B examples            O outputs and I inputs of a layer
    W all weights, flat   P all parameters      U units (neurons)
    K tasks               J subnetworks         L weight layers

A *mask* is a list over the weight layers of bool tensors ``[M, O, I]``; True means the weight is
available, False that it was pruned.  A network's *shape* is the tuple of its layer widths, inputs
first: ``(4, 57, 57, 2)``.  The flat order of weights is layer by layer, row by row of ``[O, I]``.

A network may begin with convolutions of an image: ``((3, 32), (6, 5, 2), (16, 5, 2), 120, 84, 10)``,
see ``config.Shape``.  Their weights and masks are ``[M, O, I, k, k]``, their units are channels.

Modules, each importing only from those before it: config, data, connectivity, pruning, population,
imp, store, variants, sweep, claims, trials, verdicts, plots, report, explorer, and the command line in ``__main__``.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("lth_utils")
except PackageNotFoundError:  # a bare checkout on sys.path
    __version__ = "0+unknown"
