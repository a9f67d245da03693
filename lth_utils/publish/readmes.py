"""The README of each folder, generated from docstrings, notebooks and kept results."""

from __future__ import annotations

import ast
import json
from importlib import resources
from pathlib import Path
from string import Template

import pandas as pd

from lth_utils import FOLDERS
from lth_utils.config import SpecError
from lth_utils.publish import is_it_the_data
from lth_utils.publish.captions import CHAPTERS, FIGURES
from lth_utils.publish.parameters import parameters_of
from lth_utils.runs.files import write_atomically
from lth_utils.runs.places import project_root
from lth_utils.studies import verdict

KEPT_SETS = ("thesis", "extended")
"""The sets whose results are kept in the repository."""

HOUSE = (*FOLDERS, "__main__")
"""Folders and files of the package; each imports only from those before it."""


def write_all(root: Path | None = None) -> list[Path]:
    """Write the generated README of every folder.

    Args:
        root: the project's folder; found by :func:`project_root` if not given.

    Returns:
        The files written.

    Raises:
        SpecError: if the folder is not a checkout of this repository.
    """
    root = root or project_root()
    if not (root / "outputs" / "measured.json").is_file():
        raise SpecError(f"{root} has no outputs/measured.json; call this in a checkout")
    written = []
    for name, text in texts(root).items():
        write_atomically(root / name, text)
        written.append(root / name)
    return written


def texts(root: Path) -> dict[str, str]:
    """The text of every generated README.

    Args:
        root: the project's folder.

    Returns:
        The texts by their path relative to `root`.
    """
    return {
        "outputs/README.md": results(root),
        "lth_utils/README.md": package(root),
        "notebooks/README.md": notebooks(root),
    }


def results(root: Path) -> str:
    """The README of ``outputs``: verdicts and all figures of the kept sets."""
    parts = {}
    facts = {}
    for name in KEPT_SETS:
        facts[name] = _facts(root, name)
        verdicts = _table_of(root, name, "verdicts")
        predictions = _table_of(root, name, "predictions")
        images = facts[name]["02_mnist_fashion"]
        judged = [
            verdict.headline(verdicts),
            verdict.headline(predictions, "predictions of its story"),
        ]
        parts[f"{name}_counts"] = f"{_n_runs(facts[name])} runs; {'; '.join(judged)}"
        parts[f"{name}_images"] = f"> {images['headline']}\n>\n> {images['frontier']}"
        shown = verdicts if name == "extended" else verdicts[verdicts["claim"] == "7"]
        parts[f"{name}_verdicts"] = verdict.markdown(shown)
    parts["story"] = is_it_the_data.prose(root / "outputs" / "extended")
    predictions = _table_of(root, "extended", "predictions")
    parts["predictions"] = verdict.markdown(predictions, "the story predicts")
    engines = pd.read_csv(root / "outputs/thesis/tables/engines.csv")
    counts = zip(engines["separated"], engines["engine"], strict=True)
    parts["engine_runs"] = str(engines["runs"].iloc[0])
    parts["engine_counts"] = " and ".join(f"{n} separated with `{name}`" for n, name in counts)
    chapters = []
    links = []
    for stem, title in CHAPTERS.items():
        links.append(f"[{title}](#{stem})")
        chapters.append(_chapter(root, stem, facts))
    parts["contents"] = " ·\n".join(links)
    parts["chapters"] = "\n\n".join(chapters)
    return _fill("outputs.md", parts)


def package(root: Path) -> str:
    """The README of ``lth_utils``: folders and files, engines, benchmark."""
    rows = []
    for row in _measured(root)["bench"]:
        peer = row["peer"].replace("*", r"\*")
        target = "–" if row["target"] is None else f"{row['target']:g}"
        rows.append([row["case"], peer, row["ratio"], target])
    parts = {
        "house": "\n\n".join(_folder(root / "lth_utils", name) for name in HOUSE),
        "bench": _table(["case", "peer", "ratio", "target"], rows),
    }
    return _fill("package.md", parts)


def notebooks(root: Path) -> str:
    """The README of ``notebooks``: figures, parameters and times of each notebook."""
    minutes = _measured(root)["quick_minutes"]
    rows = []
    parameters = []
    for stem, title in CHAPTERS.items():
        figures = [_link(root, key) for key in FIGURES[stem]]
        files = []
        for name in ("quick", *KEPT_SETS):
            files.append(f"[{name}](../parameters/{name}/{stem}.yaml)")
        link = f"[{stem}]({stem}.ipynb)<br>{title}"
        times = [_computing_time(root, name, stem) for name in KEPT_SETS]
        row = [", ".join(figures), link, ", ".join(files), f"{minutes[stem]:g} min"]
        rows.append(row + times)
        parameters.append(_parameters(root / "notebooks" / f"{stem}.ipynb"))
    header = ["figures", "notebook", "parameters", "`quick`", "`thesis`", "`extended`"]
    parts = {"notebooks": _table(header, rows), "parameters": "\n\n".join(parameters)}
    return _fill("notebooks.md", parts)


def _fill(template: str, parts: dict[str, str]) -> str:
    """A template of this package with its parts in place."""
    path = resources.files("lth_utils.publish").joinpath("templates", template)
    return Template(path.read_text(encoding="utf-8")).substitute(parts)


def _table(header: list[str], rows: list[list]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for row in rows:
        cells = [str(cell).replace("|", r"\|") for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _facts(root: Path, set_name: str) -> dict[str, dict]:
    """What the notebooks of a kept set report, by notebook."""
    paths = sorted((root / "outputs" / set_name / "facts").glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def _n_runs(facts: dict[str, dict]) -> int:
    """Runs of all notebooks together; the explorer trains none of its own."""
    count = 0
    for stem, known in facts.items():
        if stem != "05_ticket_explorer":
            count += known["runs"] if "runs" in known else known["ours"]["runs"]
    return count


def _table_of(root: Path, set_name: str, name: str) -> pd.DataFrame:
    """Kept verdicts of a set: ``verdicts`` or ``predictions``."""
    return pd.read_csv(root / "outputs" / set_name / "tables" / f"{name}.csv", dtype=str)


def _measured(root: Path) -> dict:
    """Times and ratios that were measured by hand."""
    return json.loads((root / "outputs" / "measured.json").read_text(encoding="utf-8"))


def _chapter(root: Path, stem: str, facts: dict[str, dict]) -> str:
    """Headlines and figures of one notebook, the kept sets side by side."""
    lines = [f'<a id="{stem}"></a>', "", f"## {CHAPTERS[stem]}", ""]
    lines += [f"Notebook [{stem}](../notebooks/{stem}.ipynb).", ""]
    for name in KEPT_SETS:
        headline = facts[name].get(stem, {}).get("headline")
        if headline:
            lines.append(f"- `{name}`: {headline}")
    for key, caption in FIGURES[stem].items():
        names = []
        pictures = []
        for name in KEPT_SETS:
            if (root / "outputs" / name / "figures" / f"{key}.png").is_file():
                names.append(name)
                pictures.append(f"![{key}, {name} set: {caption}]({name}/figures/{key}.png)")
        lines += ["", f"### {key}", "", caption, "", _table(names, [pictures])]
    return "\n".join(lines)


def _folder(package: Path, name: str) -> str:
    """A folder of the package, or a single file, with the first line of each docstring."""
    if (package / f"{name}.py").is_file():
        return f"### {name}.py\n\n{_summary(package / f'{name}.py')}"
    files = sorted(p for p in (package / name).rglob("*.py") if p.name != "__init__.py")
    rows = []
    for path in files:
        place = path.relative_to(package / name).as_posix()
        rows.append([f"[`{place}`]({name}/{place})", _summary(path)])
    head = f"### {name}\n\n{_summary(package / name / '__init__.py')}\n\n"
    return head + _table(["file", "what it does"], rows)


def _summary(path: Path) -> str:
    """The first line of a module's docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def _link(root: Path, key: str) -> str:
    """A link to a kept figure, that of the set with more seeds where both have it."""
    for name in reversed(KEPT_SETS):
        path = f"outputs/{name}/figures/{key}.png"
        if (root / path).is_file():
            return f"[`{key}`](../{path})"
    return f"`{key}`"


def _computing_time(root: Path, set_name: str, stem: str) -> str:
    """The computing time that is recorded beside a notebook's kept tables, or a dash."""
    for path in sorted((root / "outputs" / set_name / "tables").glob(f"{stem}-*.json")):
        seconds = json.loads(path.read_text(encoding="utf-8")).get("seconds")
        if seconds is not None:
            return _duration(seconds)
    return "–"


def _duration(seconds: float) -> str:
    """A duration with its unit."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _parameters(notebook: Path) -> str:
    """The parameters that a notebook declares, as a table."""
    rows = []
    for name, about in parameters_of(notebook).items():
        rows.append([f"`{name}`", about.kind_text, f"`{about.default_text}`", about.help])
    table = _table(["parameter", "type", "default", "meaning"], rows)
    return f"### {notebook.stem}\n\n{table}"
