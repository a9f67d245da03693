"""The part "Is it the data?": what survived of the thesis' story, and what did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lth_utils.publish import verdict_fold

NOTEBOOKS = ("09_controls_and_dials", "10_hidden_structure", "11_other_sparsifiers")

ANCHOR = "is-it-the-data"

SET = "extended"
"""The set that the paragraphs are about."""


@dataclass(frozen=True)
class Paragraph:
    """Sentences, and the verdicts that they rest on.

    Args:
        text: in Markdown; ``{0}``, ``{1}`` and so on stand for ours of the statements.
        rests_on: beginnings of statements, each with its verdict.
    """

    text: str
    rests_on: tuple[tuple[str, str], ...]


PARAGRAPHS: tuple[Paragraph, ...] = ()
"""Told in this order; each only while its verdicts are those of the table."""


def prose(folder: Path) -> str:
    """The paragraphs whose verdicts are those of a set's predictions.

    Args:
        folder: of the set.
    """
    table = verdict_fold.read(folder / "tables" / "predictions.csv")
    return "" if table is None else "\n\n".join(_holding(table))


def _holding(table: pd.DataFrame) -> Iterator[str]:
    """The texts of the paragraphs that hold, with their numbers."""
    for paragraph in PARAGRAPHS:
        ours = []
        for beginning, verdict in paragraph.rests_on:
            rows = table[table["statement"].str.startswith(beginning)]
            if len(rows) == 1 and rows["verdict"].iloc[0] == verdict:
                ours.append(rows["ours"].iloc[0])
        if len(ours) == len(paragraph.rests_on):
            yield paragraph.text.format(*ours)


def as_html(folder: Path, figures: list[str]) -> str:
    """The part of a set's page before the chapters of its notebooks: prose and verdicts.

    Args:
        folder: of the set.
        figures: the keys of the figures on the page.
    """
    table = verdict_fold.read(folder / "tables" / "predictions.csv")
    if table is None:
        return ""
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    told = markdown2html_mistune(prose(folder)) if folder.name == SET else ""
    folded = verdict_fold.fold(table, figures, "the story predicts")
    return f'<h2 id="{ANCHOR}">Is it the data?</h2>{told}{folded}'
