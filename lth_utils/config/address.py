"""The address of a run, computed from its complete spec."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from lth_utils.config.checks import expect
from lth_utils.config.shapes import shape_text
from lth_utils.config.specs import RunSpec


def asdict(spec: RunSpec) -> dict:
    """All fields of a spec as nested dicts; tuples stay tuples."""
    return dataclasses.asdict(spec)


LATER = {
    "prune": {
        "alive": False,
        "rewind": 0,
        "one_shot": False,
        "biases": "reset",
        "scored": "trained",
        "start": "rewound",
        "rounds": 1,
        "examples": 0,
        "during": "fixed",
        "updates": 0,
        "every": 1,
        "swap": 0.3,
    },
    "train": {"weight_decay": 0.0, "record": False, "l1": 0.0},
    "init": "kaiming_normal",
    "variant": None,
    "output_gain": 1.0,
}
"""Fields that the first version lacked, with the value that means what it did."""

LATER_IN_VARIANTS = {"found": {"l1": 0.0}}
"""The same for fields of a variant that its first version lacked."""


def canonical(spec: RunSpec) -> str:
    """The one JSON text of a spec, keys sorted, from which the run's address is computed.

    It has all fields but those of ``LATER`` with their neutral value, so older runs keep their
    address.
    """
    fields = _without(asdict(spec), LATER)
    if spec.variant is not None:
        fields["variant"] = _without(fields["variant"], LATER_IN_VARIANTS)
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def _without(mapping: dict, neutral: dict) -> dict:
    """`mapping` less the fields that have their neutral value."""
    kept = {}
    for name, value in mapping.items():
        if isinstance(value, dict) and isinstance(neutral.get(name), dict):
            value = _without(value, neutral[name])
        if name not in neutral or value != neutral[name]:
            kept[name] = value
    return kept


def run_id(spec: RunSpec) -> str:
    """The run's address: a readable prefix and a hash of all its fields.

    Args:
        spec: what was asked.

    Returns:
        ``<data>-<base>-levels<n>-seed<n>--<12 hexadecimal digits>``.

    Raises:
        SpecError: `spec` is no spec.

    >>> from lth_utils.config.specs import DataSpec, RunSpec
    >>> run_id(RunSpec(DataSpec(), seed=3)).split("--")[0]
    'moons_circles-4-8-8-2-levels9-seed3'
    """
    expect(spec, RunSpec, "the spec")
    levels = "" if spec.prune.levels is None else f"-levels{spec.prune.levels}"
    prefix = f"{spec.data.name}-{shape_text(spec.base)}{levels}-seed{spec.seed}"
    return f"{prefix}--{hashlib.sha256(canonical(spec).encode()).hexdigest()[:12]}"
