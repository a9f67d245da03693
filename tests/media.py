"""The README's moving picture:  make media

The explorer's view of the ticket that is kept with the thesis set, level after level, as one GIF.
"""

import io

import pandas as pd
from PIL import Image

from lth_utils.explorer import widgets
from lth_utils.publish import products
from lth_utils.runs import files, places, store

WIDTH, HOLD, LAST = 1000, 900, 3000
"""Pixels; milliseconds a level is shown, and the last one."""


def frames(kept: store.Store, run: str, levels: int) -> list[Image.Image]:
    pictures = []
    for level in range(levels):
        png = products.image(
            widgets.picture(kept, run, level, colours="subnetwork"),
            "png",
            f"level {level}",
            dpi=150,
        )
        picture = Image.open(io.BytesIO(png)).convert("RGB")
        pictures.append(
            picture.resize(
                (WIDTH, round(picture.height * WIDTH / picture.width)), Image.Resampling.LANCZOS
            )
        )
    smallest = min(p.height for p in pictures)
    return [
        p.crop((0, 0, WIDTH, smallest)).quantize(
            128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
        )
        for p in pictures
    ]


def main():
    folder = places.outputs() / "thesis"
    kept = store.Store(folder)
    run, entry = next(
        (r, e) for r, e in kept.entries().items() if e["head"]["data"] == "moons_circles"
    )
    first, *others = frames(kept, run, len(pd.read_csv(io.StringIO(entry["levels"]))))
    moving = io.BytesIO()
    first.save(
        moving,
        "gif",
        save_all=True,
        append_images=others,
        duration=[HOLD] * len(others) + [LAST],
        loop=0,
        optimize=True,
    )
    path = folder / "figures" / "explorer.gif"
    files.write_atomically(path, moving.getvalue())
    print(f"{path}: {len(others) + 1} levels, {len(moving.getvalue()) / 2**20:.2f} MB")


if __name__ == "__main__":
    main()
