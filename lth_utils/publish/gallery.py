"""The gallery: one page that opens from disk, with every figure of a set, its claim, its verdict and where it comes from.

No request leaves the page: pictures are inside it.  Without scripts the viewer of tickets is a contact sheet.
"""

from __future__ import annotations

import base64
import html
import io
import json
from importlib import resources
from pathlib import Path
from string import Template

import pandas as pd
from PIL import Image

from lth_utils import config, plots
from lth_utils.config import SpecError
from lth_utils.connectivity import measure
from lth_utils.networks.ticket import Ticket
from lth_utils.publish.captions import CHAPTERS, FIGURES
from lth_utils.publish.products import image, provenance
from lth_utils.runs import store
from lth_utils.runs.files import write_atomically
from lth_utils.runs.places import outputs, project_root


def write(set_name: str) -> Path:
    """Write ``outputs/<set>/index.html`` from what is there; :class:`SpecError` where the set has no figures yet."""
    folder = outputs() / set_name
    there = {
        notebook: [k for k in keys if (folder / "figures" / f"{k}.png").is_file()]
        for notebook, keys in FIGURES.items()
    }
    if not any(there.values()):
        raise SpecError(
            f"{folder / 'figures'} has no figures; make them with: python -m lth_utils run all --set {set_name}"
        )
    facts = {
        path.stem: json.loads(path.read_text())
        for path in sorted((folder / "facts").glob("*.json"))
    }
    verdicts = folder / "tables" / "verdicts.csv"
    parts = {
        "set_name": set_name,
        "title": "What structure does a pruned network have?",
        "lead": "One network learns two unrelated tasks at once. Iterative magnitude pruning removes a share of its weights at a time, and what "
        "survives falls apart into independent networks, one per task. This page shows every figure of the reproduction of "
        "<i>Winning the Lottery Twice</i> (M. Burger, 2024), theirs dashed or hollow beside ours.",
        "about": html.escape(
            f"Set: {set_name}. " + ", ".join(f"{k} {v}" for k, v in provenance().items())
        ),
        "contents": "".join(
            f'<li><a href="#{n}">{CHAPTERS[n]}</a></li>' for n, keys in there.items() if keys
        ),
        "viewer": _viewer(folder),
        "verdicts": _verdicts(pd.read_csv(verdicts, dtype=str).fillna(""))
        if verdicts.is_file()
        else "",
        "chapters": "".join(
            _chapter(folder, n, keys, facts.get(n, {})) for n, keys in there.items() if keys
        ),
        "provenance": "".join(
            _provenance(folder, set_name, n) for n, keys in there.items() if keys
        ),
    }
    template = Template(
        resources.files("lth_utils.publish").joinpath("gallery.html").read_text(encoding="utf-8")
    )
    write_atomically(folder / "index.html", template.substitute(parts))
    return folder / "index.html"


def _image(png: bytes, alt: str) -> str:
    """A picture as the page holds it: WebP with every pixel as it is, or, where that is long, smaller and with losses that no eye sees."""
    picture, content = Image.open(io.BytesIO(png)).convert("RGB"), io.BytesIO()
    picture.save(content, "WEBP", lossless=True, method=3)
    if len(content.getvalue()) > 200_000:
        picture.thumbnail((2000, 8000))
        content = io.BytesIO()
        picture.save(content, "WEBP", quality=85)
    return f'<img loading="lazy" alt="{html.escape(alt)}" src="data:image/webp;base64,{base64.b64encode(content.getvalue()).decode()}">'


def _chapter(folder: Path, notebook: str, keys: list[str], facts: dict) -> str:
    page = _notebook_page(folder / "notebooks" / f"{notebook}.ipynb")
    link = f' <a href="notebooks/{page.name}">The executed notebook.</a>' if page else ""
    head = f'<h2 id="{notebook}">{CHAPTERS[notebook]}</h2><p>{html.escape(facts.get("headline", ""))}.{link}</p>'
    figures = [
        f'<figure id="{key}"><figcaption><h3>{key}</h3>{html.escape(FIGURES[notebook][key])}</figcaption>'
        f"{_image((folder / 'figures' / f'{key}.png').read_bytes(), FIGURES[notebook][key])}</figure>"
        for key in keys
    ]
    return head + "".join(figures)


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
        body, _ = exporter.from_filename(str(notebook))
        write_atomically(page, body)
    return page


def _verdicts(table: pd.DataFrame) -> str:
    rows = []
    for r in table.itertuples():
        cells = "".join(
            f"<td>{html.escape(v)}</td>" for v in (r.claim, r.statement, r.theirs, r.ours)
        )
        note = f'<div class="soft">{html.escape(r.note)}</div>' if r.note else ""
        rows.append(
            f'<tr>{cells}<td><span class="{r.verdict.split()[0]}">{html.escape(r.verdict)}</span>{note}</td></tr>'
        )
    head = "".join(
        f"<th>{c}</th>" for c in ("claim", "the thesis says", "theirs", "ours", "verdict")
    )
    return (
        '<h2 id="verdicts">Does it hold?</h2><p>Ours with 95 % intervals. <b class="agrees">agrees</b>: our interval lies inside what the '
        'statement says; <b class="differs">differs</b>: outside; <b class="cannot">cannot tell</b>: it straddles.</p>'
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _provenance(folder: Path, set_name: str, notebook: str) -> str:
    path = next((folder / "tables").glob(f"{notebook}-*.json"), folder)
    file = project_root() / "parameters" / set_name / f"{notebook}.yaml"
    about = json.loads(path.read_text()) if path.is_file() else {}
    given = "; ".join(f"{k}: {v}" for k, v in config.read(file).items()) if file.is_file() else ""
    made = ", ".join(
        [
            f"torch {' '.join(about.get('torch', []))}",
            *about.get("device", []),
            *about.get("machine", []),
            about.get("last", "")[:10],
        ]
    )
    hours, rest = divmod(round(about.get("seconds", 0)), 3600)
    return (
        "<tr>"
        + "".join(
            f"<td>{html.escape(str(v))}</td>"
            for v in (
                notebook,
                given,
                about.get("runs", ""),
                f"{hours} h {rest // 60} min {rest % 60} s of one core",
                made,
            )
        )
        + "</tr>"
    )


def _viewer(folder: Path) -> str:
    """The runs kept with the set, each as frames over its pruning levels under a slider."""
    kept = store.Store(folder)
    boxes = [
        _box(kept, run, entry)
        for run, entry in kept.entries().items()
        if entry["head"]["data"] == "moons_circles"
    ][:3]
    return (
        (
            '<h2 id="tickets">Watch it fall apart</h2><p>Move the slider through the pruning levels.</p>'
            + "".join(boxes)
        )
        if boxes
        else ""
    )


def _box(kept: store.Store, run: str, entry: dict) -> str:
    levels = pd.read_csv(io.StringIO(entry["levels"]))
    frames, tickets = [], [kept.ticket(run, n) for n in range(len(levels))]
    for n, ticket in enumerate(tickets):
        found = measure(ticket.masks, ticket.tasks)[0]
        said = (
            f"level {n}: {found.active} active of {found.available} available weights, {found.status}, "
            f"mean accuracy {levels['accuracy'][n]:.1%}"
        )
        frames.append(
            f'<figure class="frame" data-said="{said}"><figcaption class="soft">{said}</figcaption>{_image(_frame(ticket), said)}</figure>'
        )
    last = len(frames) - 1
    return (
        f'<div class="viewer"><p class="control"><label>pruning level<input type="range" min="0" max="{last}" value="{last}"></label>'
        f'<output></output></p><div class="frames">{"".join(frames)}</div><p class="soft">{html.escape(run)}</p></div>'
    )


def _frame(ticket: Ticket) -> bytes:
    return image(
        plots.imp_levels([ticket], colour_by="task"), "png", f"level {ticket.level}", dpi=150
    )
