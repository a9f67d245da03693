"""The gallery: one page with a set's networks to play with, its findings, verdicts and figures.

The page opens from disk or from any static host and requests nothing from anywhere.
"""

from __future__ import annotations

import html
import io
import json
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from string import Template

from lth_utils import config
from lth_utils.config import SpecError
from lth_utils.publish import embedded, is_it_the_data, verdict_fold
from lth_utils.publish.about_figures import CLAIMS, title_of
from lth_utils.publish.captions import CHAPTERS, FIGURES, LEAD, SENTENCE, TITLE
from lth_utils.publish.findings import findings
from lth_utils.publish.products import provenance, read_facts, reading
from lth_utils.publish.shown_runs import shown_runs
from lth_utils.runs.files import write_atomically
from lth_utils.runs.places import outputs, project_root
from lth_utils.viewer.page import block, part

MOST_BYTES = 3_000_000
"""Largest page; figures become smaller until it fits."""


def write(set_name: str) -> Path:
    """Write ``outputs/<set>/index.html`` from what is there.

    Args:
        set_name: folder of ``outputs/``.

    Returns:
        The page's path.

    Raises:
        SpecError: if the set has no figures yet.
    """
    folder = outputs() / set_name
    drawn = _drawn(folder)
    if not drawn:
        raise SpecError(
            f"{folder / 'figures'} has no figures; "
            f"make them with: python -m lth_utils run all --set {set_name}"
        )
    whole = _parts(folder, set_name, drawn)
    story = is_it_the_data.as_html(folder, [key for keys in drawn.values() for key in keys])
    page = resources.files("lth_utils.publish").joinpath("gallery.html")
    template = Template(page.read_text(encoding="utf-8"))
    for limits in embedded.STEPS:
        chapters = [_chapter(folder, name, keys, limits) for name, keys in drawn.items()]
        chapters.insert(_first_on_the_story(drawn), story)
        text = template.substitute(whole, chapters="".join(chapters))
        if len(text.encode()) <= MOST_BYTES:
            break
    write_atomically(folder / "index.html", text)
    return folder / "index.html"


def _parts(folder: Path, set_name: str, drawn: dict[str, list[str]]) -> dict[str, str]:
    """All parts of the page but the figures."""
    keys = [key for of_notebook in drawn.values() for key in of_notebook]
    versions = ", ".join(f"{name} {version}" for name, version in provenance().items())
    contents = [f'<li><a href="#{name}">{html.escape(CHAPTERS[name])}</a></li>' for name in drawn]
    runs = shown_runs(folder)
    viewer = ""
    if runs:
        first = {"run": runs[0]["key"], "level": 0, "colours": "task"}
        viewer = f'<section aria-label="Networks to explore">{block(runs, first, play=True)}'
        viewer += "</section>"
    preview = "explorer-view" if "explorer-view" in keys else keys[0]
    return {
        "set_name": html.escape(set_name),
        "title": TITLE,
        "sentence": SENTENCE,
        "lead": LEAD,
        "about": html.escape(f"Set: {set_name}. {versions}"),
        "contents": "".join(contents),
        "preview": f"figures/{preview}.png",
        "style": part("view.css"),
        "viewer": viewer,
        "findings": findings(set_name, keys),
        "verdicts": _verdicts(folder, keys),
        "provenance": "".join(_provenance(folder, set_name, name) for name in drawn),
    }


def _verdicts(folder: Path, keys: list[str]) -> str:
    """The verdicts on the thesis' claims, under their heading."""
    folded = verdict_fold.fold(verdict_fold.read(folder / "tables" / "verdicts.csv"), keys)
    return folded and f'<h2 id="verdicts">Does it hold?</h2>{folded}'


def _first_on_the_story(drawn: dict[str, list[str]]) -> int:
    """The place of the first chapter that asks whether it is the data."""
    return sum(name < is_it_the_data.NOTEBOOKS[0] for name in drawn)


def _drawn(folder: Path) -> dict[str, list[str]]:
    """The keys of the figures that are there, by notebook."""
    drawn = {}
    for notebook, sentences in FIGURES.items():
        keys = [key for key in sentences if (folder / "figures" / f"{key}.png").is_file()]
        if keys:
            drawn[notebook] = keys
    return drawn


def _chapter(folder: Path, notebook: str, keys: list[str], limits: embedded.Limits) -> str:
    """A notebook's headline and figures."""
    set_name = folder.name
    headline = str(read_facts(set_name, notebook).get("headline", ""))
    page = notebook_page(folder / "notebooks" / f"{notebook}.ipynb")
    link = f' <a href="notebooks/{page.name}">The executed notebook.</a>' if page else ""
    parts = [
        f'<h2 id="{notebook}">{html.escape(CHAPTERS[notebook])}</h2>',
        f"<p>{html.escape(headline)}.{link}</p>",
    ]
    origin = _origin(folder, set_name, notebook)
    for key in keys:
        sentence = FIGURES[notebook][key]
        claims = ", ".join(CLAIMS.get(key, ()))
        table = is_it_the_data.ANCHOR if notebook in is_it_the_data.NOTEBOOKS else "verdicts"
        about = f'<a href="#{table}">Claim {claims}</a>. ' if claims else ""
        parts.append(
            f'<figure id="{key}"><figcaption><h3>{html.escape(title_of(key))}</h3>'
            f'{html.escape(sentence)}<div class="soft">{about}{origin}</div></figcaption>'
            f"{embedded.figure(folder / 'figures', key, sentence, limits)}</figure>"
        )
    return "".join(parts)


def _origin(folder: Path, set_name: str, notebook: str) -> str:
    """How many runs stand behind a notebook's figures, where they are from, and its command."""
    about = _about(folder, notebook)
    facts = read_facts(set_name, notebook)
    runs = about.get("runs", facts.get("runs", ""))
    said = []
    if runs:
        said.append(f"n = {runs} runs")
    made = [*about.get("device", []), about.get("last", "")[:10]]
    if any(made):
        said.append(f"made on {', '.join(part for part in made if part)}")
    command = f"<code>lth_utils run {notebook[:2]} --set {html.escape(set_name)}</code>"
    return f"{html.escape('; '.join(said))}{'; ' if said else ''}{command}"


def _about(folder: Path, notebook: str) -> dict:
    """What is recorded of a notebook's runs beside its tables."""
    for path in sorted((folder / "tables").glob(f"{notebook}-*.json"))[:1]:
        with reading(path):
            return dict(json.loads(path.read_bytes()))
    return {}


def notebook_page(notebook: Path) -> Path | None:
    """The executed notebook as a page beside it, made again where it is older."""
    if not notebook.is_file():
        return None
    page = notebook.with_suffix(".html")
    if not page.is_file() or page.stat().st_mtime < notebook.stat().st_mtime:
        from nbconvert import HTMLExporter

        exporter = HTMLExporter(
            embed_images=True, mathjax_url="", require_js_url="", jquery_url="", mermaid_js_url=""
        )
        with reading(notebook):
            content = json.loads(notebook.read_bytes())
            _remove_widgets(content)
            body, _ = exporter.from_file(io.StringIO(json.dumps(content)))
        write_atomically(page, body)
    return page


def _remove_widgets(notebook: dict):
    """Leave what each widget shows without a kernel: more needs another host's scripts."""
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)


def _provenance(folder: Path, set_name: str, notebook: str) -> str:
    """A row that says what a notebook was given, and what its runs took."""
    file = project_root() / "parameters" / set_name / f"{notebook}.yaml"
    asked = config.read(file) if file.is_file() else {}
    given = "; ".join(f"{name}: {value}" for name, value in asked.items())
    about = _about(folder, notebook)
    if not about:
        runs = read_facts(set_name, notebook).get("runs", "")
        return _row([notebook, given, runs, "", ""])
    hours, rest = divmod(round(about.get("seconds", 0)), 3600)
    time = f"{hours} h {rest // 60} min {rest % 60} s of one core"
    torch = f"torch {' '.join(about.get('torch', []))}"
    day = about.get("last", "")[:10]
    made = [torch, *about.get("device", []), *about.get("machine", []), day]
    return _row([notebook, given, about.get("runs", ""), time, ", ".join(made)])


def _row(values: Iterable) -> str:
    """A row of a table."""
    cells = "".join(f"<td>{html.escape(str(value))}</td>" for value in values)
    return f"<tr>{cells}</tr>"
