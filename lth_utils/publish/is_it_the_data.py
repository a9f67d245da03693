"""The part "Is it the data?": what survived of the thesis' story, and what did not."""

from __future__ import annotations

import re
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


DEPEND = "the more two labels depend on each other, the fewer networks separate"

FEW = "of at most 150 examples tickets are more accurate than dense networks"

PARAGRAPHS = (
    Paragraph(
        "The thesis says that tickets come to resemble the structure of the data. Rival stories"
        " need no such structure: any graph that thin falls apart; two losses are enough, "
        "whatever the inputs; any way to make a network sparse does it. The first two did not "
        "survive these tests. The third did in part, and so did the thesis' story: **the "
        "structure is real, but tickets are neither the only nor the best way to it.** Behind "
        "each sentence stands a row of the table below.",
        (),
    ),
    Paragraph(
        "**Thin graphs do not part the tasks by themselves.** Of networks pruned at random to "
        "as many weights per layer, {0} separated. SynFlow, which sees no data, keeps both "
        "tasks and leaves them joined: {1} separated.",
        (
            ("networks pruned at random", "agrees"),
            ("SynFlow: pruning without data", "agrees"),
        ),
    ),
    Paragraph(
        "**The labels must mean something.** With both tasks' labels in random order {0} "
        "separated, with those of the moons {1}. With those of the circles it was {2}: one "
        "case, which refutes a never. Of a task and one without meaning, pruning drops the "
        "latter: {3}.",
        (
            ("networks none of whose labels", "agrees"),
            ("networks whose labels of the moons", "agrees"),
            ("networks whose labels of the circles", "differs"),
            ("of a task and one whose labels mean nothing", "agrees"),
        ),
    ),
    Paragraph(
        "**Two losses are not enough.** One task given twice, with a copy of its inputs, parts "
        "in {0}. Nor does a pair whose second label needs both tasks, {1}, or whose inputs are "
        "mixed in equal parts, {2}. In between, the share falls step by step: with the "
        "dependence of the labels {3}, with rotated inputs {4}.",
        (
            ("one task given twice", "agrees"),
            ("networks whose second label needs both", "agrees"),
            ("networks on inputs that are made of both", "agrees"),
            (f"{DEPEND} (1000", "agrees"),
            ("the further inputs are rotated", "agrees"),
        ),
    ),
    Paragraph(
        "**It is the problem, not the examples.** Trained once more on another draw of the same"
        " problems, separated tickets are as accurate as before, {0}. With the tasks swapped "
        "their accuracy changes by {1}; with inputs that change places across the parts by {2};"
        " with their mask shuffled by {3}.",
        (
            ("a separated ticket is as accurate on another draw", "agrees"),
            ("with both tasks swapped", "agrees"),
            ("with inputs that change places", "agrees"),
            ("with its mask shuffled in each layer", "agrees"),
        ),
    ),
    Paragraph(
        "**Separate inputs are not what it takes.** Two different functions of the same three "
        "inputs part no less often than functions of inputs of their own, rather more, {0}: "
        "hidden units part by what is computed, not by what is read.",
        (("networks part as far as the tasks' own inputs allow", "agrees"),),
    ),
    Paragraph(
        "**Not only tickets separate.** Masks that are pruned gradually in a single training "
        "separate in {0}, more often than tickets; rounds without rewinding in {1}, with a new "
        "initialisation each time in {2}. What these share is that small weights are taken from"
        " trained networks, a few at a time. Other ways with as many weights left do so rarely "
        "or not at all: one-shot pruning {3}, SNIP {4}, RigL {5}.",
        (
            ("gradual separates the tasks", "agrees"),
            ("no rewinding separates the tasks", "agrees"),
            ("new initialisation separates the tasks", "agrees"),
            ("one-shot separates the tasks", "differs"),
            ("SNIP separates the tasks", "differs"),
            ("RigL separates the tasks", "differs"),
            ("tickets separate more often than gradual", "differs"),
        ),
    ),
    Paragraph(
        "**Tickets find hidden structure, but so do simpler methods.** Of 1000 examples they "
        "find blocks of which only all inputs together tell anything in {0} of the draws. Over "
        "all conditions there is no sign that they find more than a group lasso on the data, "
        "{1} in the index, or permutation importances of their dense networks, which take less "
        "time, and where examples are fewest they fail before these do. Nor is a ticket always "
        "better than its dense network: with at most 150 examples its accuracy is {2} where "
        "pairs of inputs tell, {3} where only all together do.",
        (
            ("tickets find parity blocks exactly", "agrees"),
            ("tickets find more than each of 8 other methods (all banks)", "cannot tell"),
            (f"{FEW} (joint", "cannot tell"),
            (f"{FEW} (parity", "differs"),
        ),
    ),
    Paragraph(
        "**More tasks than three are found in part.** Four to eight tasks are found exactly in "
        "{0}. Of two unequal tasks the noisier or lighter one is lost first, {1}, and weights "
        "follow difficulty: {2} of them for a task of eight inputs beside one of two. Functions"
        " inside of a task show while they share few inputs: in {3} with none, in {4} with two;"
        " Neural Sculpting finds more.",
        (
            ("4 tasks and more are found exactly", "differs"),
            ("of two unequal tasks the noisier", "agrees"),
            ("the task with eight inputs", "agrees"),
            ("inner functions that share 0 inputs", "cannot tell"),
            ("inner functions that share 2 inputs", "differs"),
        ),
    ),
    Paragraph(
        "**Convolutions: nothing learned that chance does not do.** Of tickets on two images as"
        " two channels {0} separated. Late layers become task-specific before early ones, by "
        "{1} on average, but that is so in random masks, too: the difference is {2}.",
        (
            ("convolutional tickets separate the two channels", "cannot tell"),
            ("in a convolutional ticket the last hidden layer", "agrees"),
            ("that difference is larger than in networks pruned at random", "cannot tell"),
        ),
    ),
)
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
                ours.append(short(rows["ours"].iloc[0]))
        if len(ours) == len(paragraph.rests_on):
            yield paragraph.text.format(*ours)


def short(ours: str) -> str:
    """Our numbers as they stand in a sentence: the first of them, with its interval.

    >>> short("1 of 20, 5% (0% to 25%); 2 lost one")
    '1 of 20 (0% to 25%)'
    >>> short("+1.0 points (95 % interval +0.5 to +1.5), the worse task +2.0 points")
    '+1.0 points (+0.5 to +1.5)'
    """
    text = ours.replace("; change", ", change").replace("95 % interval ", "")
    first = re.split(r"; |, the worse|, two tasks", text)[0]
    if not first.startswith("from"):
        first = re.sub(r"^\D*?(?=[+-]?\d)", "", first, count=1)
    return re.sub(r"(\d+ of \d+), [\d.]+%", r"\1", first)


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
