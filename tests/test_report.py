"""The gallery: one complete page that requests nothing from anywhere; also in a real browser."""

import html
import re
import shutil
from html.parser import HTMLParser

import pandas as pd
import pytest
from conftest import ARTEFACTS, ROOT
from PIL import Image

from lth_utils.config import SpecError
from lth_utils.publish import captions, gallery, products


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
    assert all(value.startswith(("data:", "#", "notebooks/")) for _, value in links.found)
    assert all(
        (page.parent / value).is_file()
        for _, value in links.found
        if value.startswith("notebooks/")
    )
    assert all(value[1:] in links.ids for _, value in links.found if value.startswith("#"))
    assert not re.search(r"https?://", re.sub(r'src="data:[^"]*"', "", text))


def test_the_page_of_the_largest_set_is_light_and_says_where_all_of_it_comes_from(
    tmp_path, monkeypatch
):
    shutil.copytree(
        ROOT / "outputs" / "extended",
        tmp_path / "extended",
        ignore=shutil.ignore_patterns("notebooks", "*.svg", "index.html"),
    )
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    text = gallery.write("extended").read_text()
    assert len(text) < 5_000_000
    origins = re.findall(r"<tr><td>(\d\d_\w+)</td><td>.*?</td><td>(\d*)</td>", text)
    assert dict(origins).keys() == set(captions.FIGURES) and all(
        runs for notebook, runs in origins if notebook != "05_ticket_explorer"
    )


def test_the_notebooks_pages_load_nothing_from_elsewhere(smoke, page):
    """Links that a reader may follow are allowed; sources, styles and scripts are not."""
    pages = list((smoke[0] / "smoke" / "notebooks").glob("*.html"))
    assert len(pages) == 8
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
    assert text.count("<script>") == 1 and "<title>lth_utils: a &lt;i&gt;set" in text
    assert text.count(html.escape(evil)) == 8  # the verdict once more, as the class
    assert '<img loading="lazy" width="4" height="3"' in text


def test_every_figure_of_the_notebooks_has_its_sentence(smoke):
    drawn = {p.stem for p in (smoke[0] / "smoke" / "figures").glob("*.png")}
    assert drawn == {key for keys in captions.FIGURES.values() for key in keys}


def test_a_set_without_figures_says_how_to_make_them(tmp_path, monkeypatch):
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    with pytest.raises(SpecError, match="run all --set quick"):
        gallery.write("quick")


@pytest.mark.filterwarnings("ignore")
def test_in_a_browser_the_slider_moves_the_ticket(browser, page):
    tab = browser.new_page(viewport={"width": 390, "height": 800})
    asked, errors = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto(page.as_uri())
    slider, said, shown = (
        tab.locator(".viewer input").first,
        tab.locator(".viewer output").first,
        tab.locator(".viewer .frame.shown"),
    )
    last = int(slider.get_attribute("max"))
    assert said.inner_text().startswith(f"level {last}:") and shown.count() == 1
    slider.focus()
    tab.keyboard.press("Home")
    assert (
        said.inner_text().startswith("level 0:")
        and shown.get_attribute("data-said") == said.inner_text()
    )
    tab.keyboard.press("ArrowRight")
    assert said.inner_text().startswith("level 1:") == (last > 0)
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")  # fits a phone
    tab.locator("img").evaluate_all(
        "all => Promise.all(all.map(i => { i.loading = 'eager'; return i.decode(); }))"
    )
    assert tab.locator("img").evaluate_all(
        "all => all.every(i => i.complete && i.naturalWidth > 0 && i.alt)"
    )
    tab.screenshot(path=ARTEFACTS / "gallery.png", full_page=True)
    assert [u for u in asked if not u.startswith(("file:", "data:"))] == [] and errors == []

    still = browser.new_context(java_script_enabled=False).new_page()
    still.goto(page.as_uri())
    assert all(
        frame.is_visible() for frame in still.locator(".viewer .frame").all()
    )  # a contact sheet
