"""The page of a study: the answer, its figures and its tables in one file."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from string import Template

from matplotlib.figure import Figure

from lth_utils import plots
from lth_utils.config import RunSpec
from lth_utils.data import Dataset
from lth_utils.publish.products import image, provenance
from lth_utils.runs.files import write_atomically
from lth_utils.runs.store import Store
from lth_utils.studies import your_data
from lth_utils.studies.your_data import Findings

CAPTIONS = {
    "partition": "Left: tasks that share a subnetwork. Right: inputs that reach a task. Dark: in "
    "all networks; lines part the groups found.",
    "controls": "How often exactly these groups are apart: in the networks, in networks trained on "
    "shuffled labels, and in random masks of as many weights.",
    "scores": "Mean score on the test split over the weights left.",
    "ticket": "The best ticket: every weight that is left.",
}
"""What each figure shows."""


def figures(
    found: Findings, store: Store, runs: Sequence[RunSpec], title: str
) -> dict[str, Figure]:
    """The figures of a study by name.

    Args:
        found: what its runs say.
        store: where they are.
        runs: their specs.
        title: names the data.
    """
    best = found.best()
    ticket = store.ticket(best.run, best.level)
    curves = your_data.score_curves(store, runs, found, title)
    note = f"{best.weights} weights, level {best.level}, {best.status}"
    return {
        "partition": plots.found_partition({title: found}, {title: your_data.headline(found)}),
        "controls": plots.controls(
            your_data.control_shares(found, title), [title], your_data.controls_headline([found])
        ),
        "scores": plots.score_over_weights(curves, [title]),
        "ticket": plots.best_tickets({title: ticket}, {title: note}),
    }


def write(
    path: Path,
    title: str,
    *,
    found: Findings,
    store: Store,
    runs: Sequence[RunSpec],
    data: Dataset,
) -> Path:
    """Write the page of a study.

    Args:
        path: the file.
        title: names the data.
        found: what its runs say.
        store: where they are.
        runs: their specs.
        data: the data set.

    Returns:
        The path.
    """
    about = store.about(list(runs))
    sentences = [f"<p>{html.escape(sentence)}</p>" for sentence in your_data.words(found)]
    drawn = []
    for name, figure in figures(found, store, runs, title).items():
        content = base64.b64encode(image(figure, "png", name)).decode()
        caption = html.escape(CAPTIONS[name])
        drawn.append(
            f'<figure><img alt="{caption}" src="data:image/png;base64,{content}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )
    tasks = []
    for task in found.tasks:
        kind = {"binary": "two classes", "classes": f"{task.classes} classes"}.get(
            task.kind, task.kind
        )
        tasks.append(f"<li>{html.escape(task.name)}: {kind}</li>")
    versions = ", ".join(f"{name} {version}" for name, version in provenance().items())
    sizes = ", ".join(f"{split} {len(getattr(data, f'x_{split}'))}" for split in data.splits)
    shape = "-".join(map(str, runs[0].base))
    made = (
        f"{len(found.runs)} networks {shape}; examples: {sizes}; {about['seconds']:.0f} s of "
        f"computing; {versions}"
    )
    parts = {
        "title": html.escape(title),
        "headline": html.escape(your_data.headline(found)),
        "words": "\n".join(sentences),
        "tasks": "".join(tasks),
        "figures": "\n".join(drawn),
        "table": found.table().to_html(index=False, float_format="%.3f", border=0),
        "made": html.escape(made),
    }
    template = resources.files("lth_utils.one_call").joinpath("page.html")
    write_atomically(path, Template(template.read_text(encoding="utf-8")).substitute(parts))
    return path
