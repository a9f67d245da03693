"""The verdicts of a set as a part of its page: folded, counted, filtered, with their figures."""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from lth_utils.publish.about_figures import CLAIMS, title_of
from lth_utils.publish.products import reading

VERDICTS = ("agrees", "differs", "cannot tell")
"""In the order of their counts."""

SHOWN = ("claim", "statement", "theirs", "ours", "verdict", "n", "draws", "test", "note")
"""Columns that are shown where the table has them."""


def read(file: Path) -> pd.DataFrame | None:
    """The verdicts as text, or None where the set has none."""
    if not file.is_file():
        return None
    with reading(file):
        verdicts = pd.read_csv(file, dtype=str).fillna("")
        for column in SHOWN[:5]:
            verdicts[column]
    return verdicts


def counted(verdicts: pd.DataFrame) -> str:
    """How many statements came to each verdict.

    >>> counted(pd.DataFrame({"verdict": ["agrees", "differs", "agrees"]}))
    '2 agree, 1 differs, 0 cannot tell'
    """
    words = verdicts["verdict"].str.strip()
    parts = []
    for verdict in VERDICTS:
        n = int(words.str.startswith(verdict).sum())
        plural = verdict.removesuffix("s") if verdict.endswith("s") and n != 1 else verdict
        parts.append(f"{n} {plural}")
    return ", ".join(parts)


def fold(
    verdicts: pd.DataFrame | None, figures: Iterable[str], said: str = "the thesis says"
) -> str:
    """The verdicts under a summary, with buttons that filter them and links to the figures.

    Args:
        verdicts: as :func:`read`; nothing is written where there are none.
        figures: the keys of the figures on the page.
        said: above the statements.
    """
    if verdicts is None:
        return ""
    of_claim: dict[str, list[str]] = {}
    for key in figures:
        for claim in CLAIMS.get(key, ()):
            of_claim.setdefault(claim, []).append(key)
    rows = "".join(_row(row, of_claim) for row in verdicts.to_dict("records"))
    buttons = "".join(
        f'<button type="button" aria-pressed="{"true" if word == "all" else "false"}" '
        f'data-verdict="{word}">{word}</button>'
        for word in ("all", *VERDICTS)
    )
    columns = ("claim", said, "theirs", "ours", "verdict")
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    return (
        f'<details class="verdicts"><summary>{counted(verdicts)}</summary>'
        "<p>Ours with 95 % intervals. A statement <b>agrees</b> where our interval lies inside "
        "what it says, <b>differs</b> where outside; across, one <b>cannot tell</b>.</p>"
        f'<p class="filters" role="group" aria-label="Which verdicts are shown">{buttons}</p>'
        '<div class="scroll" tabindex="0" role="region" aria-label="Table of verdicts">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _row(row: dict, of_claim: dict[str, list[str]]) -> str:
    """One verdict as a row of the table."""
    verdict = row["verdict"].strip()
    kind = next((word for word in VERDICTS if verdict.startswith(word)), "")
    about = [row.get("note", ""), row.get("test", "")]
    if row.get("n"):
        about.insert(0, f"n = {row['n']}" + (f", {row['draws']} draws" if row.get("draws") else ""))
    note = html.escape("; ".join(part for part in about if part))
    links = ", ".join(
        f'<a href="#{key}">{html.escape(title_of(key))}</a>'
        for key in of_claim.get(row["claim"], ())
    )
    cells = "".join(f"<td>{html.escape(row[name])}</td>" for name in SHOWN[:4])
    word = f'<span class="{kind.partition(" ")[0]}">{html.escape(verdict)}</span>'
    more = f'<div class="soft">{note}</div>' if note else ""
    shown = f'<div class="soft">see: {links}</div>' if links else ""
    return f'<tr data-verdict="{kind}">{cells}<td>{word}{more}{shown}</td></tr>'
