"""The gallery: one complete page that requests nothing from anywhere; also in a real browser."""

import html
import json
import re
import shutil
from html.parser import HTMLParser

import pandas as pd
import pytest
from conftest import ARTEFACTS, ROOT
from PIL import Image
from viewer_cases import AXE, SCREENS

from lth_utils.config import SpecError
from lth_utils.publish import captions, gallery, is_it_the_data, products, verdict_fold


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.ids = [], []

    def handle_starttag(self, tag, attributes):
        self.found += [(tag, value) for name, value in attributes if name in ("src", "href")]
        self.ids += [value for name, value in attributes if name == "id"]


@pytest.fixture(scope="module")
def page(smoke):
    return smoke[0] / "smoke" / "index.html"


def test_the_page_holds_every_figure_and_asks_for_nothing_elsewhere(page):
    text = page.read_text()
    links = Links()
    links.feed(text)
    assert {p.stem for p in (page.parent / "figures").glob("*.png")} <= set(links.ids)
    here = ("data:", "#", "notebooks/", "figures/")
    assert all(value.startswith(here) for _, value in links.found)
    beside = [value for _, value in links.found if value.startswith(("notebooks/", "figures/"))]
    assert all((page.parent / value).is_file() for value in beside)
    assert all(value[1:] in links.ids for _, value in links.found if value.startswith("#"))
    plain = re.sub(r'(src|data-svg)="[^"]*"', "", text)
    assert set(re.findall(r"https?://([^/\"]*)", plain)) <= {"www.w3.org"}  # the name of SVG


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """The page of the largest set, made from what is kept and the figures as they are here."""
    root = tmp_path_factory.mktemp("outputs")
    leave = shutil.ignore_patterns("notebooks", "index.html")
    shutil.copytree(ROOT / "outputs" / "extended", root / "extended", ignore=leave)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LTH_OUTPUTS", str(root))
        return gallery.write("extended")


def test_the_page_of_the_largest_set_is_light_and_says_where_all_of_it_comes_from(extended):
    text = extended.read_text()
    assert len(text.encode()) <= 3_000_000
    origins = re.findall(r"<tr><td>(\d\d_\w+)</td><td>.*?</td><td>(\d*)</td>", text)
    drawn = {path.stem for path in extended.parent.glob("figures/*.png")}
    with_figures = {name for name, keys in captions.FIGURES.items() if drawn & set(keys)}
    assert dict(origins).keys() == with_figures
    assert all(runs for notebook, runs in origins if notebook != "05_ticket_explorer")
    for notebook in with_figures:
        command = f"<code>lth_utils run {notebook[:2]} --set extended</code>"
        keys = drawn & set(captions.FIGURES[notebook])
        assert text.count(command) == len(keys), notebook


def test_at_least_twelve_networks_are_in_it_failures_and_images_too(extended):
    content = re.search(r'class="lth-content">(.*?)</script>', extended.read_text(), re.DOTALL)
    runs = json.loads(content[1])["runs"]
    labels = [run["label"] for run in runs]
    assert len(runs) >= 12
    assert any("never separates" in label for label in labels)
    assert any("separates" in label and "never" not in label for label in labels)
    assert any(run["tasks"][0]["side"] for run in runs)
    statuses = runs[0]["rows"]["status"]
    assert statuses[0] == "interconnected" and statuses[-1] == "separated"


def test_the_kept_page_is_current():
    """Its verdicts and figures are the kept ones: ``make report SET=extended`` writes it anew."""
    folder = ROOT / "outputs" / "extended"
    text = (folder / "index.html").read_text()
    assert len(text.encode()) <= 3_000_000
    verdicts = pd.read_csv(folder / "tables" / "verdicts.csv", dtype=str)
    assert f"<summary>{verdict_fold.counted(verdicts)}</summary>" in text
    for path in folder.glob("figures/*.png"):
        assert f'<figure id="{path.stem}">' in text


def test_the_notebooks_pages_load_nothing_from_elsewhere(smoke, page):
    """Links that a reader may follow are allowed; sources, styles and scripts are not."""
    pages = list((smoke[0] / "smoke" / "notebooks").glob("*.html"))
    assert len(pages) == len(list((ROOT / "notebooks").glob("*.ipynb")))
    for path in pages:
        text = re.sub(r'src="data:[^"]*"', "", path.read_text())
        assert not re.search(r"(src|data-src|rel=.stylesheet.[^>]*href)=.https?://", text), (
            path.name
        )
        assert not re.search(r"cdn\.|unpkg\.|jsdelivr\.", text), path.name


def test_names_and_verdicts_are_text_whatever_they_hold(tmp_path, monkeypatch):
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    evil = '"><script>alert(1)</script>'
    folder = tmp_path / "a <i>set"
    (folder / "figures").mkdir(parents=True)
    Image.new("RGB", (4, 3)).save(folder / "figures" / "data.png")
    products.write_facts(folder.name, "01_toy_data", {"headline": evil})
    columns = ("claim", "statement", "theirs", "ours", "verdict", "note")
    row = pd.DataFrame([dict.fromkeys(columns, evil)])
    products.write_table(folder.name, "verdicts", row)
    text = gallery.write(folder.name).read_text()
    assert text.count("<script") == 1 and "<title>lth_utils: a &lt;i&gt;set" in text
    assert text.count(html.escape(evil)) == 7
    assert 'width="4" height="3"' in text


def test_every_figure_of_the_notebooks_has_its_sentence(smoke):
    drawn = {p.stem for p in (smoke[0] / "smoke" / "figures").glob("*.png")}
    assert drawn == {key for keys in captions.FIGURES.values() for key in keys}


def test_a_set_without_figures_says_how_to_make_them(tmp_path, monkeypatch):
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    with pytest.raises(SpecError, match="run all --set quick"):
        gallery.write("quick")


# in a browser


def opened(browser, path, **options):
    """A tab with a page, what it asked for and what went wrong in it."""
    tab = browser.new_page(**{"viewport": {"width": 1366, "height": 768}, **options})
    tab.asked, tab.problems = [], []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.goto(path.as_uri())
    tab.wait_for_function("() => window.lthViewer?.stage.met")
    return tab


def test_the_first_screen_plays_within_two_seconds(browser, extended):
    tab = opened(browser, extended)
    tab.wait_for_function("() => lthViewer.state.level > 0")
    assert tab.evaluate("performance.now()") < 4000  # two seconds where nothing else runs
    canvas = tab.locator("canvas").first.bounding_box()
    assert canvas["y"] + canvas["height"] <= 768
    assert tab.get_by_text(captions.SENTENCE).bounding_box()["y"] < 200
    tab.screenshot(path=ARTEFACTS / "gallery-1366.png")
    tab.wait_for_function("() => lthViewer.shown('left')[0].rows.status"
                          "[lthViewer.rows.left] === 'separated'", timeout=20_000)  # fmt: skip
    tab.get_by_role("button", name="▶ play").wait_for()
    still = opened(browser, extended, reduced_motion="reduce")
    still.wait_for_timeout(1200)
    assert still.evaluate("lthViewer.state.level") == 0
    assert tab.problems == still.problems == []


def test_verdicts_are_folded_counted_filtered_and_linked(browser, extended):
    tab = opened(browser, extended)
    assert tab.locator(".findings li").count() == 3
    for n, name in enumerate(("verdicts", "predictions")):
        table = verdict_fold.read(extended.parent / "tables" / f"{name}.csv")
        fold = tab.locator("details.verdicts").nth(n)
        assert fold.locator("tr[data-verdict]").first.is_hidden()
        fold.locator("summary").press("Enter")
        for word in verdict_fold.VERDICTS:
            fold.locator(".filters").get_by_role("button", name=word).click()
            rows = fold.locator("tr[data-verdict]:visible")
            assert rows.count() == (table["verdict"] == word).sum()
        fold.locator(".filters").get_by_role("button", name="all").click()
        assert fold.locator("tr[data-verdict]:visible").count() == len(table)
    link = tab.locator("tr[data-verdict] a").first
    figure = link.get_attribute("href")
    link.click()
    tab.wait_for_timeout(300)
    assert abs(tab.locator(figure).bounding_box()["y"]) < 300


def test_figures_are_shown_and_open_as_svg(browser, extended):
    tab = opened(browser, extended)
    tab.evaluate("allShown()")
    tab.locator("figure img").evaluate_all(
        "all => Promise.all(all.map(i => { i.loading = 'eager'; return i.decode(); }))"
    )
    shown = "all => all.every(i => i.complete && i.naturalWidth > 0 && i.alt && i.width)"
    assert tab.locator("figure img").evaluate_all(shown)
    as_svg = tab.locator("figure a.open[href^='blob:']")
    here = list(extended.parent.glob("figures/*.svg"))
    if here:
        assert as_svg.count() >= 0.7 * len(here)
        with tab.context.expect_page() as coming:
            as_svg.first.click()
        assert coming.value.evaluate("document.documentElement.tagName") == "svg"
    assert [u for u in tab.asked if not u.startswith(("file:", "data:", "blob:"))] == []
    assert tab.problems == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height", "ratio"), SCREENS)
def test_the_page_fits_every_screen(browser, extended, theme, width, height, ratio):
    size = {"viewport": {"width": width, "height": height}, "device_scale_factor": ratio}
    tab = opened(browser, extended, color_scheme=theme, reduced_motion="reduce", **size)
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    tab.screenshot(path=ARTEFACTS / f"gallery-{width}-{theme}.png")
    assert tab.problems == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_fault_in_the_page(browser, extended, theme):
    axe = pytest.importorskip("axe_playwright_python.base")
    tab = opened(browser, extended, color_scheme=theme)
    for summary in tab.locator("details.verdicts summary").all():
        summary.click()
    tab.evaluate(axe.AXE_FILE_PATH.read_text())
    assert tab.evaluate(AXE) == []


def test_in_print_captions_stay_with_their_figures(browser, extended, tmp_path):
    tab = opened(browser, extended)
    tab.evaluate("allShown()")
    tab.emulate_media(media="print")
    tab.wait_for_timeout(500)
    rules = tab.locator("figure").first.evaluate("f => getComputedStyle(f).breakInside")
    tall = tab.locator("figure").evaluate_all("all => Math.max(...all.map(f => f.offsetHeight))")
    assert rules == "avoid" and tall < 1000  # pixels of a page of A4
    tab.pdf(path=ARTEFACTS / "gallery.pdf")


def test_without_scripts_figures_and_verdicts_are_there(browser, extended):
    still = browser.new_context(java_script_enabled=False).new_page()
    still.goto(extended.as_uri())
    shown = still.locator("figure img:visible").count()
    assert shown >= len(list(extended.parent.glob("figures/*.png")))
    assert "The viewer needs scripts" in still.locator("noscript").first.inner_text()


def test_the_part_on_the_data_stands_before_its_chapters(extended):
    """Its statements have a table of their own, whose filters leave the other one alone."""
    text = extended.read_text()
    part, chapter = text.index('<h2 id="is-it-the-data">'), text.index('<h2 id="09_controls')
    assert text.index('<h2 id="08_your_data">') < part < chapter
    predicted = verdict_fold.read(extended.parent / "tables" / "predictions.csv")
    assert f"<summary>{verdict_fold.counted(predicted)}</summary>" in text[part:chapter]
    assert text[part:chapter].count("<tr data-verdict") == len(predicted)


def test_a_paragraph_is_told_only_while_its_verdicts_hold(tmp_path, monkeypatch):
    held = is_it_the_data.Paragraph("Found {0}, {1}.", (("first", "agrees"), ("second", "differs")))
    monkeypatch.setattr(is_it_the_data, "PARAGRAPHS", (held,))
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    columns = ["claim", "statement", "theirs", "ours", "verdict"]
    rows = [["10", "first one", "", "1 of 2", "agrees"], ["11", "second", "", "0.5", "differs"]]
    products.write_table("extended", "predictions", pd.DataFrame(rows, columns=columns))
    assert is_it_the_data.prose(tmp_path / "extended") == "Found 1 of 2, 0.5."
    rows[0][-1] = "cannot tell"
    products.write_table("extended", "predictions", pd.DataFrame(rows, columns=columns))
    assert is_it_the_data.prose(tmp_path / "extended") == ""


def test_every_paragraph_rests_on_kept_verdicts():
    told = is_it_the_data.prose(ROOT / "outputs" / "extended").split("\n\n")
    assert len(told) == len(is_it_the_data.PARAGRAPHS) > 0
