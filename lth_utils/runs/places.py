"""Where the project and its results are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

from lth_utils import __version__
from lth_utils.runs.files import StoreError


def project_root(start: str | Path = ".") -> Path:
    """The project's folder, which holds ``notebooks`` and ``parameters``.

    It is the nearest such folder at or above `start`. If there is none, it is the checkout that
    this package was installed from, as with ``pip install -e``.

    Args:
        start: folder to begin the search at.

    Returns:
        The folder as an absolute path.

    Raises:
        StoreError: if there is no such folder and the package was not installed from a checkout.
    """
    here = Path(start).resolve()
    folder = _find_project(here)
    if folder is None:
        raise StoreError(
            f"no project folder (with notebooks/ and parameters/) at or above {here}; "
            "make one with: python -m lth_utils init FOLDER, then start from inside it"
        )
    return folder


def outputs() -> Path:
    """The folder that results go to.

    It is ``$LTH_OUTPUTS`` if set, else ``outputs`` in the project's folder, else ``outputs`` in the
    current folder. A relative ``$LTH_OUTPUTS`` is made absolute in the environment the first time
    it is read, so that it means the same folder for processes started elsewhere from this one.

    Returns:
        The folder as an absolute path; it need not exist.
    """
    asked = os.environ.get("LTH_OUTPUTS")
    if asked:
        path = Path(asked).expanduser().absolute()
        os.environ["LTH_OUTPUTS"] = str(path)
        return path
    here = Path.cwd()
    return (_find_project(here) or here) / "outputs"


def provenance() -> dict[str, str]:
    """Versions of this package, torch and Python, for the metadata of figures and tables."""
    return {"lth_utils": __version__, "torch": torch.__version__, "python": sys.version.split()[0]}


def _find_project(here: Path) -> Path | None:
    """The project's folder at or above `here`, else this package's checkout, else None."""
    checkout = Path(__file__).resolve().parents[2]
    for folder in (here, *here.parents, checkout):
        if (folder / "notebooks").is_dir() and (folder / "parameters").is_dir():
            return folder
    return None
