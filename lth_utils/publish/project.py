"""A project's folder: the notebooks and the parameters that come with the package, laid out."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from lth_utils.config import SpecError
from lth_utils.runs.files import write_atomically


def template() -> Traversable:
    """The folder that the package's notebooks and parameters are copied from.

    An installed package has them in its folder ``project``; a checkout has them at its top.
    """
    shipped = resources.files("lth_utils") / "project"
    return shipped if shipped.is_dir() else Path(__file__).parents[2]


def init(folder: str | Path) -> list[Path]:
    """Lay out ``notebooks/`` and ``parameters/`` in a folder.

    Files that are there already and equal are left alone, so that a second call does nothing.

    Args:
        folder: the project's folder; made where there is none.

    Returns:
        The files that were written.

    Raises:
        SpecError: if a file is there already and differs; then nothing is written.
    """
    folder = Path(folder).expanduser()
    missing = {}
    differing = []
    for name, source in _sources().items():
        target = folder / name
        if not target.exists():
            missing[target] = source.read_bytes()
        elif target.is_dir() or target.read_bytes() != source.read_bytes():
            differing.append(name)
    if differing:
        raise SpecError(
            f"{folder} has other files of the same names: {', '.join(differing)}; nothing was "
            "written. Choose another folder, or move these files away first"
        )
    for target, content in missing.items():
        write_atomically(target, content)
    return list(missing)


def _sources() -> dict[str, Traversable]:
    """What is laid out, by its path in the project's folder."""
    found = {}
    for notebook in (template() / "notebooks").iterdir():
        if notebook.name.endswith(".ipynb"):
            found[f"notebooks/{notebook.name}"] = notebook
    for set_folder in (template() / "parameters").iterdir():
        for file in set_folder.iterdir() if set_folder.is_dir() else ():
            if file.name.endswith(".yaml"):
                found[f"parameters/{set_folder.name}/{file.name}"] = file
    return dict(sorted(found.items()))
