"""What was asked: specs, their checks, their addresses, parameter files. Loads no torch."""

from lth_utils.config.address import LATER, asdict, canonical, run_id
from lth_utils.config.checks import SpecError, choose, coerce, expect, listed, nearest, parse
from lth_utils.config.grids import expand, read, span
from lth_utils.config.shapes import Shape, shape_text
from lth_utils.config.specs import (
    MAX_LEVELS,
    DataSpec,
    PruneSpec,
    RunSpec,
    TrainSpec,
    VariantSpec,
)
from lth_utils.config.streams import rng
from lth_utils.config.yaml_text import parse_yaml

__all__ = [
    "LATER",
    "MAX_LEVELS",
    "DataSpec",
    "PruneSpec",
    "RunSpec",
    "Shape",
    "SpecError",
    "TrainSpec",
    "VariantSpec",
    "asdict",
    "canonical",
    "choose",
    "coerce",
    "expand",
    "expect",
    "listed",
    "nearest",
    "parse",
    "parse_yaml",
    "read",
    "rng",
    "run_id",
    "shape_text",
    "span",
]
