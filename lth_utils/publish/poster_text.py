"""The texts of the poster: title, question, verdicts, method, words, source.

No number stands here: all are read from the kept tables and facts, or from what was asked of a run.
"""

from __future__ import annotations

import pandas as pd

from lth_utils.publish.captions import TITLE
from lth_utils.publish.poster_kept import Kept
from lth_utils.publish.poster_sheet import LEADING, LINE, SOFT, Box, Sheet, text_width, wrapped
from lth_utils.runs.places import provenance

BODY = 24
"""The smallest letters of a text, points."""

HEADING, TITLE_SIZE, LEAD_SIZE = 44, 130, 42

LEAD = (
    "One network learns two unrelated tasks at once. Iterative magnitude pruning removes a share "
    "of its weights at a time. Is what is left still one network, or two, one per task?"
)

MARKS = {
    "agrees": ("✔", "#00694d"),
    "differs": ("✘", "#a84a00"),
    "cannot tell": ("?", "#56616b"),
}
"""Sign and colour of each verdict."""

WORDS = {
    "pruning level": "one round of prune, reset, train",
    "ticket": "a mask and the initial values it leaves",
    "available": "not pruned",
    "active": "on a path from an input to an output",
    "inactive": "available, but leads to no output",
    "zombie": "leads to an output, but no input reaches it",
    "subnetwork": "active weights that hang together",
    "interconnected": "all tasks are covered, some share a subnetwork",
    "separated": "each task has a subnetwork of its own; they share nothing",
    "degraded": "a task has lost an input or an output",
    "extension level": "so many prunings lead a larger network back to its base",
}

SOURCE = (
    "After M. Burger, Winning the Lottery Twice with Iterative Magnitude Pruning, master's thesis "
    "and poster, JKU Linz, 2024."
)


def head(sheet: Sheet, kept: Kept, place: Box):
    """The title, the question, and what this set is."""
    sheet.box("head", place)
    size = TITLE_SIZE
    while text_width(TITLE, size, True) > place.width:
        size -= 1
    sheet.line("head", TITLE, place.x, place.y + 1.35, size, bold=True)
    said = Box(place.x, place.y + 1.9, place.width - 13, 1.6)
    sheet.write("head", LEAD, said, LEAD_SIZE, colour=SOFT, least=30)
    about = Box(place.right - 12.2, place.y + 2.0, 12.2, 1.4)
    hollow = (
        f"The thesis reproduced: ours in colour, theirs hollow and black. Set: {kept.set_name}."
    )
    sheet.write("head", hollow, about, 27, colour=SOFT, least=BODY)


def heading(sheet: Sheet, name: str, text: str, place: Box, number: int | None = None):
    """A heading above a line, with a number where it has one."""
    x = place.x
    if number is not None:
        sheet.number(name, number, x + 0.42, place.y + 0.42, 0.42)
        x += 1.08
    size = HEADING
    while text_width(text, size, True) > place.right - x:
        size -= 0.5
    sheet.line(name, text, x, place.y + 0.64, size, bold=True)


def verdicts(sheet: Sheet, kept: Kept, place: Box):
    """The shortest statements on each claim, and the verdicts on all in one strip."""
    table = kept.table("verdicts")[["claim", "statement", "theirs", "ours", "verdict"]]
    table = table.fillna("–").astype(str)
    sheet.box("verdicts", place)
    heading(sheet, "verdicts", "Does it hold?", place)
    said = Box(place.x, place.y + 0.95, place.width, 0.95)
    y = sheet.write("verdicts", _counts(table), said, 28, least=BODY) + 0.15
    y = _strip(sheet, table, Box(place.x, y, place.width, 2)) + 0.25
    rows = _shortest(table)
    x, widths = (1.15, 6.6, 8.9), (5.3, 2.2, place.width - 8.9)
    for text, left in zip(("claim", "the thesis says", "theirs", "ours"), (0, *x), strict=True):
        sheet.line("verdicts", text, place.x + left, y + 0.36, BODY, bold=True, colour=SOFT)
    y += 0.55
    end = place.bottom - 0.5
    shown = []
    for row in rows:
        cells = (row["statement"], row["theirs"], row["ours"])
        lines = [wrapped(c, w, BODY) for c, w in zip(cells, widths, strict=True)]
        height = max(map(len, lines)) * LEADING * BODY / 72 + 0.22
        if sum(h for _, _, h in shown) + height <= end - y:
            shown.append((row, lines, height))
    for row, lines, height in sorted(shown, key=lambda entry: entry[0]["place"]):
        sheet.rule(place.x, y, place.width, 0.015, LINE)
        mark, colour = MARKS[row["verdict"]]
        baseline = y + 0.11 + 0.95 * BODY / 72
        sheet.line("verdicts", mark, place.x, baseline, BODY + 4, bold=True, colour=colour)
        sheet.line("verdicts", row["claim"], place.x + 0.55, baseline, BODY, bold=True)
        for texts, left in zip(lines, x, strict=True):
            for n, text in enumerate(texts):
                at = baseline + n * LEADING * BODY / 72
                sheet.line("verdicts", text, place.x + left, at, BODY)
        y += height
    note = "Shown are the shortest statements; all are in outputs/README.md."
    sheet.line("verdicts", note, place.x, place.bottom - 0.1, BODY, colour=SOFT)


def _counts(table: pd.DataFrame) -> str:
    """How many statements have which verdict, in words."""
    agree, differ, open_ = (int((table["verdict"] == word).sum()) for word in MARKS)
    return (
        f"Of {len(table)} statements of the thesis {agree} agree with our runs, {differ} differ, "
        f"{open_} cannot be decided."
    )


def _shortest(table: pd.DataFrame) -> list[dict]:
    """The rows, the shortest statement of each claim first, then the second shortest."""
    length = table["statement"].str.len() + table["ours"].str.len() + table["theirs"].str.len()
    ranked = table.assign(place=range(len(table)), length=length)
    ranked["rank"] = ranked.groupby("claim")["length"].rank(method="first")
    return ranked.sort_values(["rank", "claim"]).to_dict("records")


def _strip(sheet: Sheet, table: pd.DataFrame, place: Box) -> float:
    """A sign per statement, claim by claim; then what the signs mean. Returns where it ends."""
    step, size = 0.36, BODY + 2
    x, y = place.x, place.y + 0.4
    for claim, rows in table.groupby("claim", sort=False):
        width = step * len(rows) + text_width(claim, size, True) + 0.35
        if x + width > place.right:
            x, y = place.x, y + 0.5
        sheet.line("verdicts", claim, x, y, size, bold=True)
        x += text_width(claim, size, True) + 0.12
        for word in rows["verdict"]:
            mark, colour = MARKS[word]
            sheet.line("verdicts", mark, x, y, size, bold=True, colour=colour)
            x += step
        x += 0.25
    x, y = place.x, y + 0.55
    for word, (mark, colour) in MARKS.items():
        text = f"{mark} {word}"
        sheet.line("verdicts", text, x, y, BODY, bold=True, colour=colour)
        x += text_width(text, BODY, True) + 0.5
    return y + 0.1


def foot(sheet: Sheet, kept: Kept, place: Box):
    """The method in four sentences, the words, and where the numbers come from."""
    sheet.rule(place.x, place.y - 0.12, place.width, 0.03)
    left = sheet.box("method", Box(place.x, place.y, 14.6, place.height - 0.55))
    heading(sheet, "method", "Method", left)
    sheet.write("method", " ".join(_method(kept)), left.below(left.y + 0.85), BODY)
    right = Box(place.x + 15.4, place.y, place.width - 15.4, place.height - 0.55)
    _words(sheet, sheet.box("words", right))
    line = sheet.box("source", Box(place.x, place.bottom - 0.45, place.width, 0.5))
    runs = kept.facts("03_extension_sweep").get("runs", 0)
    runs += kept.facts("04_pruning_level_sweep").get("runs", 0)
    text = (
        f"{SOURCE} Numbers of panels 7 to 10: {runs} runs, outputs/{kept.set_name}. "
        f"lth_utils {provenance()['lth_utils']}, MIT licence."
    )
    sheet.write("source", text, line, BODY, colour=SOFT)


def _words(sheet: Sheet, place: Box):
    heading(sheet, "words", "Words", place)
    columns, gap = 3, 0.6
    width = (place.width - (columns - 1) * gap) / columns
    per = -(-len(WORDS) // columns)
    entries = list(WORDS.items())
    for c in range(columns):
        x, y = place.x + c * (width + gap), place.y + 0.85
        for word, meaning in entries[c * per : (c + 1) * per]:
            indent = text_width(f"{word}  ", BODY, True)
            sheet.line("words", word, x, y + 0.95 * BODY / 72, BODY, bold=True)
            first, *rest = _hanging(meaning, width, indent)
            sheet.line("words", first, x + indent, y + 0.95 * BODY / 72, BODY)
            y += LEADING * BODY / 72
            for line in rest:
                sheet.line("words", line, x, y + 0.95 * BODY / 72, BODY)
                y += LEADING * BODY / 72


def _hanging(text: str, width: float, indent: float) -> list[str]:
    """A text in lines of which the first begins later."""
    first = wrapped(text, width - indent, BODY)[0]
    rest = text[len(first) :].strip()
    return [first, *(wrapped(rest, width, BODY) if rest else [])]


def _method(kept: Kept) -> list[str]:
    spec = kept.spec
    rate = f"{spec.prune.rate:.0%} of the" if spec.prune.rate else "smallest"
    return [
        "Inputs and labels of two problems are joined, their pairing is random.",
        "A ReLU network is trained with Adam until its loss on a second split has not fallen for "
        f"{spec.train.patience} epochs.",
        f"Then the smallest {rate} weights that are left, over all layers, are removed, and the "
        "others go back to their initial values.",
        "Subnetworks are counted exactly, in the graph of the weights that are left; bands and "
        "bars are 95 % intervals.",
    ]
