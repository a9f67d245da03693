"""The poster: one sheet of A0, on which nothing leaves its box."""

import itertools
import re
import zlib
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from PIL import Image

from lth_utils import plots
from lth_utils.plots.style import drawing_into
from lth_utils.publish import poster
from lth_utils.publish.poster_kept import Kept, rows_like
from lth_utils.publish.poster_panels import PANELS, Panel
from lth_utils.publish.poster_sheet import Box, Sheet, text_width, wrapped
from lth_utils.publish.poster_text import BODY
from lth_utils.publish.products import read_table

ROOT = Path(__file__).parents[1]
SLACK = 0.1
"""Inches that the marks of a drawing may reach into the space around its panel."""


@pytest.fixture(scope="module", params=["smoke", "thesis"])
def made(request):
    """The poster of a tiny set, and of one that is kept: its sheet, and its two files."""
    folder = ROOT / "outputs"
    if request.param == "smoke":
        folder = request.getfixturevalue("smoke")[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LTH_OUTPUTS", str(folder))
        sheet = poster.draw(request.param)
        files = sheet.pdf({"Title": "a poster"}), sheet.png(1500, {})
        sheet.figure.draw_without_rendering()  # places as they were before the files were made
        yield sheet, *files


def test_no_text_leaves_its_box(made):
    sheet, *_ = made
    assert len(sheet.texts) > 50
    for name, text in sheet.texts:
        assert inside(sheet.extent(text), sheet.boxes[name], 0.03), (name, text.get_text())


def test_no_drawing_leaves_its_box(made):
    sheet, *_ = made
    assert set(sheet.drawings) == {panel.key for panel in PANELS}
    for name, part in sheet.drawings.items():
        assert inside(sheet.extent(part), sheet.boxes[f"{name}: drawing"], SLACK), name


def test_no_two_boxes_overlap(made):
    sheet, *_ = made
    outer = {name: box for name, box in sheet.boxes.items() if ": drawing" not in name}
    for (one, a), (other, b) in itertools.combinations(outer.items(), 2):
        assert apart(a, b), (one, other)
    page = Box(0, 0, sheet.width, sheet.height)
    assert all(inside(box, page, -0.5) for box in outer.values())
    for name in sheet.drawings:
        assert inside(sheet.boxes[f"{name}: drawing"], sheet.boxes[name], 0)


def test_no_text_of_a_panel_covers_its_drawing(made):
    sheet, *_ = made
    for name, text in sheet.texts:
        if name in sheet.drawings:
            drawing = sheet.boxes[f"{name}: drawing"]
            assert sheet.extent(text).bottom <= drawing.y + 0.05, (name, text.get_text())


def test_no_two_texts_overlap(made):
    sheet, *_ = made
    extents = [(name, text.get_text(), sheet.extent(text)) for name, text in sheet.texts]
    for (one, said, a), (other, also, b) in itertools.combinations(extents, 2):
        assert one != other or apart(a, b, 0.04), (said, also)


def test_letters_are_large_enough(made):
    sheet, *_ = made
    sizes = {}
    for _, text in sheet.texts:
        sizes.setdefault(text.get_text(), text.get_fontsize() * poster_scale(sheet))
    assert min(sizes.values()) >= BODY - 0.01
    assert max(sizes.values()) >= 90
    for panel in PANELS:
        assert sizes[panel.heading] >= 43.9, panel.heading


def test_the_pdf_is_one_page_of_a0_with_embedded_fonts(made):
    _, pdf, _ = made
    assert len(pdf) < 10e6
    pages = re.findall(rb"/MediaBox \[ ([\d. ]+) \]", pdf)
    assert len(pages) == 1
    size = [float(number) / 72 for number in pages[0].split()]
    assert size == pytest.approx([0, 0, 46.8, 33.1], abs=0.02)
    fonts = pdf.count(b"/Type /Font\n") + pdf.count(b"/Type /Font /") + pdf.count(b"/Type /Font ")
    assert fonts and pdf.count(b"/FontFile2") >= 2
    assert b"/Subtype /Type3" not in pdf


def test_what_is_drawn_fills_the_page_of_the_pdf(made):
    """The first operator that moves anything makes the figure as large as the paper."""
    sheet, pdf, _ = made
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, flags=re.DOTALL)
    content = max((inflated(stream) for stream in streams), key=lambda text: text.count(b" Tf"))
    scale = re.search(rb"([\d.]+) 0 0 ([\d.]+) 0 0 cm", content)
    assert float(scale[1]) * sheet.figure.get_figwidth() == pytest.approx(46.8)
    assert float(scale[2]) * sheet.figure.get_figheight() == pytest.approx(33.1)


def inflated(stream):
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_the_files_are_written(smoke, monkeypatch):
    monkeypatch.setenv("LTH_OUTPUTS", str(smoke[0]))
    written = poster.write("smoke")
    assert [path.name for path in written] == ["poster.pdf", "poster.png"]
    assert all(path.parent == smoke[0] / "smoke" for path in written)
    with Image.open(written[1]) as picture:
        assert picture.size == (4000, pytest.approx(2829, abs=1))
    assert b"CreationDate" not in written[0].read_bytes()


def test_the_sentences_hold_what_the_tables_say(monkeypatch):
    monkeypatch.setenv("LTH_OUTPUTS", str(ROOT / "outputs"))
    verdicts = read_table("thesis", "verdicts")
    sheet = poster.draw("thesis")
    said = " ".join(text.get_text() for _, text in sheet.texts)
    assert f"{(verdicts['verdict'] == 'agrees').sum()} agree with our runs" in said
    signs = [text.get_text() for name, text in sheet.texts if name == "verdicts"]
    assert signs.count("✔") >= (verdicts["verdict"] == "agrees").sum()
    assert signs.count("✘") >= (verdicts["verdict"] == "differs").sum()


# the tools


def test_lines_are_as_long_as_there_is_room():
    text = "one two three four five six seven eight nine ten"
    lines = wrapped(text, 2, 24)
    assert " ".join(lines) == text and len(lines) > 2
    assert all(text_width(line, 24) <= 2 for line in lines)
    for line, following in itertools.pairwise(lines):
        assert text_width(f"{line} {following.split()[0]}", 24) > 2


def test_a_drawing_goes_into_a_part_of_a_figure_and_then_again_into_its_own():
    figure = Figure(figsize=(8, 4), layout="constrained")
    part, other = figure.subfigures(1, 2)
    with drawing_into(part, {"font.size": 5}):
        assert plots.parameter_states() is part
        assert mpl.rcParams["font.size"] == 5
    assert part.axes and not other.axes
    assert isinstance(plots.parameter_states(), Figure)


def test_the_title_of_a_figure_becomes_the_sentence_of_its_panel():
    figure = Figure(figsize=(8, 4), layout="constrained")
    (part, untitled) = figure.subfigures(1, 2)
    part.suptitle("what was\nfound")
    panel = Panel("outcomes", "a heading", draw=lambda _: None, finding=lambda _: "instead")
    assert panel.sentence(None, part) == "what was found"
    assert part.get_suptitle() == ""
    assert panel.sentence(None, untitled) == "instead"


def test_a_box_is_where_it_was_put():
    sheet = Sheet(20, 16)
    part = sheet.drawing("a", Box(1, 2, 12, 9))
    with drawing_into(part):
        plots.parameter_states()
    sheet.settle()
    (left, bottom), (right, top) = sheet.paper.inverted().transform(part.bbox.get_points())
    assert (left, top, right, bottom) == pytest.approx((1, 2, 13, 11), abs=1e-3)


def test_runs_are_found_in_tables_of_an_earlier_version(monkeypatch):
    monkeypatch.setenv("LTH_OUTPUTS", str(ROOT / "outputs"))
    kept = Kept("thesis")
    table, asked = kept.sizes
    rows = rows_like(table, asked.always_twenty())
    assert set(rows["prune.levels"]) == {20}
    assert set(rows["base"]) == {f"4-{s.base[1]}-{s.base[1]}-2" for s in asked.always_twenty()}


def inside(inner, outer, slack):
    return (
        inner.x >= outer.x - slack
        and inner.y >= outer.y - slack
        and inner.right <= outer.right + slack
        and inner.bottom <= outer.bottom + slack
    )


def apart(a, b, slack=0.0):
    return (
        a.right <= b.x + slack
        or b.right <= a.x + slack
        or a.bottom <= b.y + slack
        or b.bottom <= a.y + slack
    )


def poster_scale(sheet):
    return sheet.width / sheet.figure.get_figwidth()
