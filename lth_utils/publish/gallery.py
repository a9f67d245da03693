"""The gallery: one page with all figures of a set, their claims, verdicts and origins.

The page opens from disk and requests nothing from anywhere: pictures are inside it. Without scripts
its viewer of tickets is a contact sheet.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd
from PIL import Image

from lth_utils import config, plots
from lth_utils.config import SpecError
from lth_utils.connectivity import measure
from lth_utils.networks.ticket import Ticket
from lth_utils.publish.captions import CHAPTERS, FIGURES, LEAD, TITLE
from lth_utils.publish.products import image, provenance, read_facts, reading
from lth_utils.runs.files import write_atomically
from lth_utils.runs.places import outputs, project_root
from lth_utils.runs.store import Store

LARGE = 100_000
"""Bytes from which a picture is made smaller, with invisible losses."""

MOST_TICKETS = 3
"""Kept runs that the viewer shows."""


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
    versions = ", ".join(f"{name} {version}" for name, version in provenance().items())
    contents = [f'<li><a href="#{name}">{html.escape(CHAPTERS[name])}</a></li>' for name in drawn]
    parts = {
        "set_name": html.escape(set_name),
        "title": TITLE,
        "lead": LEAD,
        "about": html.escape(f"Set: {set_name}. {versions}"),
        "contents": "".join(contents),
        "viewer": _viewer(folder),
        "verdicts": _verdicts(folder / "tables" / "verdicts.csv"),
        "chapters": "".join(_chapter(folder, name, keys) for name, keys in drawn.items()),
        "provenance": "".join(_provenance(folder, set_name, name) for name in drawn),
    }
    page = resources.files("lth_utils.publish").joinpath("gallery.html")
    template = Template(page.read_text(encoding="utf-8"))
    write_atomically(folder / "index.html", template.substitute(parts))
    return folder / "index.html"


def _drawn(folder: Path) -> dict[str, list[str]]:
    """The keys of the figures that are there, by notebook."""
    drawn = {}
    for notebook, sentences in FIGURES.items():
        keys = [key for key in sentences if (folder / "figures" / f"{key}.png").is_file()]
        if keys:
            drawn[notebook] = keys
    return drawn


def _image(png: bytes, alt: str) -> str:
    """A picture inside the page: a lossless WebP, or one with small losses where that is large."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    content = io.BytesIO()
    picture.save(content, "WEBP", lossless=True, method=3)
    if len(content.getvalue()) > LARGE:
        picture.thumbnail((1200, 8000))
        content = io.BytesIO()
        picture.save(content, "WEBP", quality=82)
    encoded = base64.b64encode(content.getvalue()).decode()
    size = f'width="{picture.width}" height="{picture.height}"'
    source = f"data:image/webp;base64,{encoded}"
    return f'<img loading="lazy" {size} alt="{html.escape(alt)}" src="{source}">'


def _chapter(folder: Path, notebook: str, keys: list[str]) -> str:
    """A notebook's headline and figures."""
    headline = str(read_facts(folder.name, notebook).get("headline", ""))
    page = _notebook_page(folder / "notebooks" / f"{notebook}.ipynb")
    link = f' <a href="notebooks/{page.name}">The executed notebook.</a>' if page else ""
    parts = [
        f'<h2 id="{notebook}">{html.escape(CHAPTERS[notebook])}</h2>',
        f"<p>{html.escape(headline)}.{link}</p>",
    ]
    for key in keys:
        sentence = FIGURES[notebook][key]
        file = folder / "figures" / f"{key}.png"
        with reading(file):
            picture = _image(file.read_bytes(), sentence)
        caption = f"<figcaption><h3>{key}</h3>{html.escape(sentence)}</figcaption>"
        parts.append(f'<figure id="{key}">{caption}{picture}</figure>')
    return "".join(parts)


def _notebook_page(notebook: Path) -> Path | None:
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
    """Leave the picture of each widget: a page could show more only with another host's scripts."""
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)


def _verdicts(file: Path) -> str:
    """The table of verdicts, or nothing where the set has none."""
    if not file.is_file():
        return ""
    rows = []
    with reading(file):
        verdicts = pd.read_csv(file, dtype=str).fillna("")
        verdicts = verdicts[["claim", "statement", "theirs", "ours", "verdict", "note"]]
    for row in verdicts.itertuples():
        note = f'<div class="soft">{html.escape(row.note)}</div>' if row.note else ""
        word = html.escape(row.verdict.partition(" ")[0])
        verdict = f'<td><span class="{word}">{html.escape(row.verdict)}</span>{note}</td>'
        rows.append(_row([row.claim, row.statement, row.theirs, row.ours], verdict))
    columns = ("claim", "the thesis says", "theirs", "ours", "verdict")
    head = "".join(f"<th>{column}</th>" for column in columns)
    return (
        '<h2 id="verdicts">Does it hold?</h2><p>Ours with 95 % intervals. '
        '<b class="agrees">agrees</b>: our interval lies inside what the statement says; '
        '<b class="differs">differs</b>: outside; <b class="cannot">cannot tell</b>: across.</p>'
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _row(values: Iterable, last: str = "") -> str:
    """A row of a table, of any values and a last cell that is markup already."""
    cells = "".join(f"<td>{html.escape(str(value))}</td>" for value in values)
    return f"<tr>{cells}{last}</tr>"


def _provenance(folder: Path, set_name: str, notebook: str) -> str:
    """A row that says what a notebook was given, and what its runs took."""
    about = {}
    for path in sorted((folder / "tables").glob(f"{notebook}-*.json"))[:1]:
        with reading(path):
            about = dict(json.loads(path.read_bytes()))
    file = project_root() / "parameters" / set_name / f"{notebook}.yaml"
    asked = config.read(file) if file.is_file() else {}
    given = "; ".join(f"{name}: {value}" for name, value in asked.items())
    if not about:
        runs = read_facts(set_name, notebook).get("runs", "")
        return _row([notebook, given, runs, "", ""])
    hours, rest = divmod(round(about.get("seconds", 0)), 3600)
    time = f"{hours} h {rest // 60} min {rest % 60} s of one core"
    torch = f"torch {' '.join(about.get('torch', []))}"
    day = about.get("last", "")[:10]
    made = [torch, *about.get("device", []), *about.get("machine", []), day]
    return _row([notebook, given, about.get("runs", ""), time, ", ".join(made)])


def _viewer(folder: Path) -> str:
    """Kept runs of the toy data, each as frames over its pruning levels under a slider."""
    kept = Store(folder)
    boxes = []
    for run, entry in kept.entries().items():
        if entry["head"]["data"] == "moons_circles" and len(boxes) < MOST_TICKETS:
            boxes.append(_box(kept, run, pd.read_csv(io.StringIO(entry["levels"]))))
    if not boxes:
        return ""
    return (
        '<h2 id="tickets">Watch it fall apart</h2>'
        f"<p>Move the slider through the pruning levels.</p>{''.join(boxes)}"
    )


def _box(kept: Store, run: str, levels: pd.DataFrame) -> str:
    """One run under its slider."""
    frames = []
    tickets = [kept.ticket(run, n) for n in range(len(levels))]
    order = plots.common_order(tickets)
    for n, accuracy in enumerate(levels["accuracy"]):
        ticket = tickets[n]
        found = measure(ticket.masks, ticket.tasks)[0]
        said = (
            f"level {n}: {found.active} active of {found.available} available weights, "
            f"{found.status}, mean accuracy {accuracy:.1%}"
        )
        caption = f'<figcaption class="soft">{said}</figcaption>'
        picture = _image(_frame(ticket, order), said)
        frames.append(f'<figure class="frame" data-said="{said}">{caption}{picture}</figure>')
    last = len(frames) - 1
    slider = f'<input type="range" min="0" max="{last}" value="{last}">'
    return (
        f'<div class="viewer"><p class="control"><label>pruning level{slider}</label>'
        f'<output></output></p><div class="frames">{"".join(frames)}</div>'
        f'<p class="soft">{html.escape(run)}</p></div>'
    )


def _frame(ticket: Ticket, order: Sequence[np.ndarray]) -> bytes:
    """A ticket's picture as PNG; order: of the units, the same at all levels."""
    figure = plots.imp_levels([ticket], "subnetwork", order)
    return image(figure, "png", f"level {ticket.level}", dpi=150)
