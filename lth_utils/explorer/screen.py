"""Pictures of the explorer as PNG bytes, fast and cached."""

from __future__ import annotations

import struct
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence

import matplotlib as mpl
import numpy as np

from lth_utils.explorer.run import LOOK, Options, Run
from lth_utils.explorer.values import undisturbed
from lth_utils.explorer.view import lay_out


class Screen:
    """Pictures for the eye: PNG bytes, the last ones and the parts that stay are kept."""

    def __init__(self, pictures: int = 150, frames: int = 6):
        self.pictures, self.frames = OrderedDict(), OrderedDict()
        self.limits = pictures, frames

    def png(self, sights: Sequence[tuple[Run, int]], options: Options) -> bytes:
        key = (tuple((run.key, row) for run, row in sights), options)
        return _kept(self.pictures, key, self.limits[0], lambda: self._draw(sights, options))

    def _draw(self, sights, options):
        with mpl.rc_context(LOOK), undisturbed():
            key = (tuple(run.key for run, _ in sights), options)
            whole, views, background = _kept(
                self.frames, key, self.limits[1], lambda: _still(sights, options)
            )
            whole.canvas.restore_region(background)
            for view, (_, row) in zip(views, sights, strict=True):
                for artist in view.level(row):
                    whole.draw_artist(artist)
            return _encode(np.asarray(whole.canvas.buffer_rgba())[..., :3])


def _still(sights, options):
    whole, views = lay_out([run for run, _ in sights], options)
    whole.canvas.draw()
    return whole, views, whole.canvas.copy_from_bbox(whole.bbox)


def _encode(pixels: np.ndarray) -> bytes:
    """Pixels ``[height, width, 3]`` as PNG, unfiltered: areas of one colour are packed twice as fast and smaller than by the usual writers."""
    height, width, _ = pixels.shape
    lines = np.zeros((height, 1 + 3 * width), np.uint8)
    packed = lines[:, 1:].reshape(height, width, 3)  # a view
    for channel in range(3):  # six times as fast as all at once
        packed[..., channel] = pixels[..., channel]
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines, 1)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(c)) + t + c + struct.pack(">I", zlib.crc32(t + c)) for t, c in chunks
    )


def _kept(cache: OrderedDict, key, limit: int, make: Callable):
    """What a cache holds under a key, made where it is missing; the least recently used goes first."""
    if key not in cache:
        cache[key] = make()
    cache.move_to_end(key)
    kept = cache[key]
    while len(cache) > limit:
        cache.popitem(last=False)
    return kept
