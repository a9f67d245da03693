"""The README's moving picture:  make media

The explorer's view of the ticket that is kept with the thesis set, level after level, as one GIF.
"""

import io

import pandas as pd
from PIL import Image

from lth_utils import explorer
from lth_utils.publish import products
from lth_utils.runs import files, places, store

WIDTH = 1000
"""Pixels."""

EACH, LAST = 900, 3000
"""Milliseconds that a level is shown, and the last one."""


def frames(kept: store.Store, run: str, levels: int) -> list[Image.Image]:
    """The explorer's view at each level, all of one size, in few colours."""
    pictures = []
    for level in range(levels):
        view = explorer.picture(kept, run, level, colours="subnetwork")
        png = products.image(view, "png", f"level {level}", dpi=150)
        picture = Image.open(io.BytesIO(png)).convert("RGB")
        height = round(picture.height * WIDTH / picture.width)
        pictures.append(picture.resize((WIDTH, height), Image.Resampling.LANCZOS))
    box = (0, 0, WIDTH, min(picture.height for picture in pictures))
    colours = {"colors": 128, "method": Image.Quantize.FASTOCTREE, "dither": Image.Dither.NONE}
    return [picture.crop(box).quantize(**colours) for picture in pictures]


def two_task_run(kept: store.Store) -> tuple[str, int]:
    """The kept run of moons and circles, and its number of levels."""
    for run, entry in kept.entries().items():
        if entry["head"]["data"] == "moons_circles":
            return run, len(pd.read_csv(io.StringIO(entry["levels"])))
    raise SystemExit("no run of moons and circles is kept with the thesis set")


def main():
    folder = places.outputs() / "thesis"
    kept = store.Store(folder)
    first, *others = frames(kept, *two_task_run(kept))
    durations = [EACH] * len(others) + [LAST]
    moving = io.BytesIO()
    options = {"save_all": True, "append_images": others, "duration": durations}
    first.save(moving, "gif", loop=0, optimize=True, **options)
    path = folder / "figures" / "explorer.gif"
    files.write_atomically(path, moving.getvalue())
    print(f"{path}: {len(durations)} levels, {len(moving.getvalue()) / 2**20:.2f} MB")


if __name__ == "__main__":
    main()
