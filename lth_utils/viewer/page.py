"""Pages with the viewer inside: one file that opens from disk and requests nothing."""

from __future__ import annotations

import functools
import html
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template

from lth_utils.runs.files import write_atomically
from lth_utils.runs.store import Store
from lth_utils.viewer.looks import PALETTE
from lth_utils.viewer.packing import pack
from lth_utils.viewer.run import open_run


@functools.cache
def part(name: str) -> str:
    """The text of a file beside this one, such as ``view.css``."""
    return resources.files("lth_utils.viewer").joinpath(name).read_text(encoding="utf-8")


SCRIPTS = (
    *("run", "words", "pens", "colours", "network", "tasks"),
    *("picture", "ticket", "stage", "sharing", "view", "widget"),
)
"""The files of the viewer, each of which uses those before it."""


def module() -> str:
    """The viewer as one ES module: a page from disk cannot import others."""
    controls = f"const CONTROLS = {json.dumps(part('controls.html'), ensure_ascii=False)};"
    return "\n".join([controls, *(part(f"{name}.js") for name in SCRIPTS)])


def block(
    packed: Sequence[dict],
    state: Mapping | None = None,
    play: bool = False,
    address: bool = True,
) -> str:
    """The viewer as a part of a page, without its style: data, module and a call.

    Args:
        packed: runs, see :func:`~lth_utils.viewer.pack`.
        state: what is shown first, such as ``{"run": …, "level": 9}``.
        play: whether it plays from the start, unless the reader prefers less motion.
        address: whether the view is kept in the page's address.
    """
    content = {"runs": list(packed), "palette": PALETTE, "state": dict(state or {})}
    content |= {"play": play, "address": address}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text = text.replace("<", "\\u003c")  # nothing inside a script may look like its end
    return (
        '<div class="lth-holder"><noscript>The viewer needs scripts; the figures below do '
        "not.</noscript></div>\n"
        f'<script type="application/json" class="lth-content">{text}</script>\n'
        f'<script type="module">{module()}\n'
        'const holder = document.querySelector(".lth-holder");\n'
        'const content = JSON.parse(document.querySelector(".lth-content").textContent);\n'
        "window.lthViewer = mount(holder, content);</script>"
    )


def page(
    packed: Sequence[dict],
    title: str = "Pruned networks",
    state: Mapping | None = None,
    address: bool = True,
) -> str:
    """A whole page with the viewer of some runs.

    Args:
        packed: runs, see :func:`~lth_utils.viewer.pack`.
        title: of the page.
        state: what is shown first.
        address: whether the view is kept in the page's address.

    Returns:
        HTML.
    """
    parts = {"title": html.escape(title), "style": part("view.css")}
    parts["viewer"] = block(packed, state, address=address)
    return Template(part("page.html")).substitute(parts)


def write(source: Store, runs: Sequence[str], path: str | Path) -> Path:
    """Write a page with the viewer of some runs of a store.

    Args:
        source: the store.
        runs: ids of finished runs of dense networks.
        path: the file, which is replaced if it exists.

    Returns:
        The path.
    """
    packed = [pack(open_run(source, run)) for run in runs]
    write_atomically(path, page(packed))
    return Path(path)
