"""The README of each folder, generated from docstrings, notebooks and kept results."""

from __future__ import annotations

import ast
import json
from importlib import resources
from pathlib import Path
from string import Template

import pandas as pd

from lth_utils.config import SpecError
from lth_utils.publish.captions import CHAPTERS, FIGURES
from lth_utils.publish.parameters import parameters_of
from lth_utils.runs.files import write_atomically
from lth_utils.runs.places import project_root
from lth_utils.studies import verdict

KEPT_SETS = ("thesis", "extended")
"""The sets whose results are kept in the repository."""

HOUSE = (
    "config",
    "data",
    "connectivity",
    "networks",
    "pruning",
    "training",
    "imp",
    "runs",
    "plots",
    "studies",
    "publish",
    "explorer",
    "__main__",
)
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
    """The text of every generated README by its path relative to the project's folder."""
    return {
        "outputs/README.md": results(root),
        "lth_utils/README.md": package(root),
        "notebooks/README.md": notebooks(root),
    }


def results(root: Path) -> str:
    """The README of ``outputs``: verdicts and all figures of the kept sets."""
    facts = {name: _facts(root, name) for name in KEPT_SETS}
    tables = {name: _verdicts(root, name) for name in KEPT_SETS}
    of_images = tables["thesis"][tables["thesis"]["claim"] == "7"]
    engines = pd.read_csv(root / "outputs/thesis/tables/engines.csv")
    parts = {
        f"{name}_counts": f"{_n_runs(facts[name])} runs; {verdict.headline(tables[name])}"
        for name in KEPT_SETS
    }
    parts["extended_verdicts"] = verdict.markdown(tables["extended"])
    parts["thesis_verdicts"] = verdict.markdown(of_images)
    parts["engine_runs"] = str(engines["runs"].iloc[0])
    counts = zip(engines["separated"], engines["engine"], strict=True)
    parts["engine_counts"] = " and ".join(f"{n} separated with `{name}`" for n, name in counts)
    for name in KEPT_SETS:
        images = facts[name]["02_mnist_fashion"]
        parts[f"{name}_images"] = f"> {images['headline']}\n>\n> {images['frontier']}"
    parts["contents"] = " ·\n".join(f"[{title}](#{stem})" for stem, title in CHAPTERS.items())
    parts["chapters"] = "\n\n".join(_chapter(root, stem, facts) for stem in CHAPTERS)
    return _fill("outputs.md", parts)


def package(root: Path) -> str:
    """The README of ``lth_utils``: folders and files, engines, benchmark."""
    parts = {
        "house": "\n\n".join(_folder(root / "lth_utils", name) for name in HOUSE),
        "bench": _table(
            ["case", "peer", "ratio", "target"],
            [
                [row["case"], row["peer"].replace("*", r"\*"), row["ratio"], _goal(row["target"])]
                for row in _measured(root)["bench"]
            ],
        ),
    }
    return _fill("package.md", parts)


def notebooks(root: Path) -> str:
    """The README of ``notebooks``: figures, parameters and times of each notebook."""
    minutes = _measured(root)["quick_minutes"]
    rows = []
    for stem, title in CHAPTERS.items():
        figures = ", ".join(
            f"[`{key}`](../{path})" if (path := _picture(root, key)) else f"`{key}`"
            for key in FIGURES[stem]
        )
        files = ", ".join(
            f"[{name}](../parameters/{name}/{stem}.yaml)" for name in ("quick", *KEPT_SETS)
        )
        times = [_computing_time(root, name, stem) for name in KEPT_SETS]
        link = f"[{stem}]({stem}.ipynb)<br>{title}"
        rows.append([figures, link, files, f"{minutes[stem]:g} min", *times])
    header = ["figures", "notebook", "parameters", "`quick`", "`thesis`", "`extended`"]
    parts = {
        "notebooks": _table(header, rows),
        "parameters": "\n\n".join(
            _parameters(root / "notebooks" / f"{stem}.ipynb") for stem in CHAPTERS
        ),
    }
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
    counts = {stem: f.get("runs") or f["ours"]["runs"] for stem, f in facts.items()}
    return sum(n for stem, n in counts.items() if stem != "05_ticket_explorer")


def _verdicts(root: Path, set_name: str) -> pd.DataFrame:
    """The kept verdicts of a set."""
    return pd.read_csv(root / "outputs" / set_name / "tables" / "verdicts.csv", dtype=str)


def _measured(root: Path) -> dict:
    """Times and ratios that were measured by hand."""
    return json.loads((root / "outputs" / "measured.json").read_text(encoding="utf-8"))


def _goal(target: float | None) -> str:
    """A target of the benchmark, or a dash."""
    return "–" if target is None else f"{target:g}"


def _chapter(root: Path, stem: str, facts: dict[str, dict]) -> str:
    """Headlines and figures of one notebook, the kept sets side by side."""
    lines = [f'<a id="{stem}"></a>', "", f"## {CHAPTERS[stem]}", ""]
    lines += [f"Notebook [{stem}](../notebooks/{stem}.ipynb).", ""]
    for name in KEPT_SETS:
        if headline := facts[name].get(stem, {}).get("headline"):
            lines += [f"- `{name}`: {headline}"]
    for key, caption in FIGURES[stem].items():
        lines += ["", f"### {key}", "", caption, ""]
        names = [n for n in KEPT_SETS if (root / f"outputs/{n}/figures/{key}.png").is_file()]
        pictures = [f"![{key}, {n} set: {caption}]({n}/figures/{key}.png)" for n in names]
        lines += [_table(names, [pictures])]
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


def _picture(root: Path, key: str) -> str | None:
    """Where a figure is kept, the set with more seeds first, relative to the project's folder."""
    for name in reversed(KEPT_SETS):
        path = f"outputs/{name}/figures/{key}.png"
        if (root / path).is_file():
            return path
    return None


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
