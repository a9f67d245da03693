"""Where the project and its results are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

from lth_utils import __version__
from lth_utils.runs.files import StoreError


def project_root(start: str | Path = ".") -> Path:
    """The project's folder: the nearest one upwards from `start` that holds ``notebooks`` and ``lth_utils``.

    Where there is none (papermill started elsewhere), the folder this package was installed from.
    """
    here = Path(start).resolve()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[2]):
        if (
            (folder / "notebooks").is_dir()
            and (folder / "lth_utils").is_dir()
            and (folder / "pyproject.toml").is_file()
        ):
            return folder
    raise StoreError(
        f"no project folder (with notebooks/, lth_utils/ and pyproject.toml) at or above {here}; "
        "start from inside the project or install it with pip install -e"
    )


def outputs() -> Path:
    """Where results go: ``$LTH_OUTPUTS`` if set, else ``outputs`` in the project's folder."""
    return Path(os.environ.get("LTH_OUTPUTS") or project_root() / "outputs")


def provenance() -> dict:
    """Versions that belong in a product's metadata."""
    return {"lth_utils": __version__, "torch": torch.__version__, "python": sys.version.split()[0]}
