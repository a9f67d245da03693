"""The address of a run, computed from its complete spec."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from lth_utils.config.shapes import shape_text
from lth_utils.config.specs import RunSpec


def asdict(spec: RunSpec) -> dict:
    """All fields of a spec as nested dicts; tuples stay tuples."""
    return dataclasses.asdict(spec)


LATER = {
    "prune": {"alive": False, "rewind": 0, "one_shot": False, "biases": "reset"},
    "train": {"weight_decay": 0.0, "record": False},
    "init": "kaiming_normal",
    "variant": None,
}
"""Fields that runs of the first version did not have, with the value that means what was done then."""


def canonical(spec: RunSpec) -> str:
    """The one JSON text of a spec, keys sorted; what the run's address is computed from.

    All fields, but for those of ``LATER`` that have their neutral value: older runs keep their address.
    """
    return json.dumps(_without(asdict(spec), LATER), sort_keys=True, separators=(",", ":"))


def _without(mapping: dict, neutral: dict) -> dict:
    """`mapping` less the fields that have their neutral value."""
    nested = {
        k: _without(v, neutral[k])
        if isinstance(v, dict) and isinstance(neutral.get(k), dict)
        else v
        for k, v in mapping.items()
    }
    return {k: v for k, v in nested.items() if k not in neutral or v != neutral[k]}


def run_id(spec: RunSpec) -> str:
    """The run's address: a readable prefix and the hash of all its fields.

    >>> from lth_utils.config.specs import DataSpec, RunSpec
    >>> run_id(RunSpec(DataSpec(), seed=3)).split("--")[0]
    'moons_circles-4-8-8-2-levels9-seed3'
    """
    levels = "" if spec.prune.levels is None else f"-levels{spec.prune.levels}"
    prefix = f"{spec.data.name}-{shape_text(spec.base)}{levels}-seed{spec.seed}"
    return f"{prefix}--{hashlib.sha256(canonical(spec).encode()).hexdigest()[:12]}"
