"""What tables need of finished runs, as one cached file."""

from __future__ import annotations

from lth_utils import config
from lth_utils.config import RunSpec
from lth_utils.runs.files import digest


def index_mark(text: str) -> str:
    """What the index begins with: the checksum of its text and of the columns that a spec has."""
    return digest("\n".join([*flat_fields(RunSpec(config.DataSpec())), text]).encode())


def flat_fields(spec: RunSpec) -> dict:
    """A spec's fields as one level of columns: ``prune.rate``, ``data.noise``, ``base`` as ``4-8-8-2``."""

    def columns(mapping: dict, prefix: str = "") -> dict:
        flat = {}
        for name, value in mapping.items():
            if isinstance(value, dict):
                flat |= columns(value, f"{prefix}{name}.")
            else:
                flat[prefix + name] = (
                    config.shape_text(value) if isinstance(value, tuple) else value
                )
        return flat

    fields = config.asdict(spec)
    made = fields.pop("data")
    options = {f"data.{k}": v if not isinstance(v, tuple) else str(v) for k, v in made["options"]}
    return {"data": made["name"], **options, **columns(fields)}
