"""The README's moving picture:  make media

The viewer with the ticket that is kept with the thesis set, level after level in a browser, as one
GIF. It needs Chromium, as the tests of the viewer do.
"""

import io
import tempfile
from pathlib import Path

from conftest import BROWSER, FLAGS
from PIL import Image
from playwright.sync_api import sync_playwright

from lth_utils.runs import files, places, store
from lth_utils.viewer import open_run, pack, page

SIZE = {"width": 1000, "height": 520}
"""Pixels."""

EACH, LAST = 900, 3000
"""Milliseconds that a level is shown, and the last one."""

COLOURS = 192
"""Of the GIF."""

DRAWN = "() => window.lthViewer?.stage.met && !lthViewer.waiting"


def two_task_run(kept: store.Store) -> str:
    """The kept run of moons and circles that separates and stays whole."""
    for run, entry in kept.entries().items():
        if entry["head"]["data"] == "moons_circles" and entry["outcome"] == "separated":
            return run
    raise SystemExit("no run of moons and circles that separates is kept with the thesis set")


def frames(kept: store.Store, run: str) -> list[Image.Image]:
    """What the viewer shows at each level, as a browser paints it."""
    packed, pictures = pack(open_run(kept, run)), []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder) / "viewer.html"
        path.write_text(page([packed], address=False), encoding="utf-8")
        browser = driver.chromium.launch(executable_path=BROWSER, args=FLAGS)
        tab = browser.new_page(viewport=SIZE)
        tab.goto(path.as_uri())
        for level in packed["rows"]["level"]:
            tab.evaluate("state => lthViewer.set(state)", {"level": level, "colours": "subnetwork"})
            tab.wait_for_function(DRAWN)
            pictures.append(Image.open(io.BytesIO(tab.screenshot())).convert("RGB"))
        browser.close()
    return pictures


def main():
    folder = places.outputs() / "thesis"
    kept = store.Store(folder)
    pictures = frames(kept, two_task_run(kept))
    # one palette for all frames: a mark must not change its colour by the way
    sheet = Image.new("RGB", (SIZE["width"], SIZE["height"] * len(pictures)))
    for n, picture in enumerate(pictures):
        sheet.paste(picture, (0, n * SIZE["height"]))
    palette = sheet.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    first, *others = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in pictures]
    durations = [EACH] * len(others) + [LAST]
    moving = io.BytesIO()
    options = {"save_all": True, "append_images": others, "duration": durations}
    first.save(moving, "gif", loop=0, optimize=True, **options)
    path = folder / "figures" / "explorer.gif"
    files.write_atomically(path, moving.getvalue())
    print(f"{path}: {len(durations)} levels, {len(moving.getvalue()) / 2**20:.2f} MB")


if __name__ == "__main__":
    main()
