"""Pictures of the explorer as PNG bytes, fast and cached."""

from __future__ import annotations

import contextlib
import gc
import struct
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence

import matplotlib as mpl
import numpy as np
import torch

from lth_utils.explorer.run import LOOK, Options, Run
from lth_utils.explorer.view import lay_out

PNG_START = b"\x89PNG\r\n\x1a\n"


class Screen:
    """Draws views as PNG bytes and caches the last ones.

    What stays while a slider moves (curves, axes, legends) is drawn once per run and kept as
    pixels; for each level only the rest is drawn.

    Args:
        pictures: how many pictures to keep.
        frames: how many times the parts that stay.
    """

    def __init__(self, pictures: int = 150, frames: int = 6):
        self.pictures, self.frames = OrderedDict(), OrderedDict()
        self.limits = pictures, frames

    def png(self, views: Sequence[tuple[Run, int]], options: Options) -> bytes:
        """One run at one row, or two beside each other, as PNG bytes."""
        key = (tuple((run.key, row) for run, row in views), options)
        return _cached(self.pictures, key, self.limits[0], lambda: self._draw(views, options))

    def _draw(self, views, options) -> bytes:
        """A picture that is not in the cache."""
        runs = [run for run, _ in views]
        key = (tuple(run.key for run in runs), options)
        with mpl.rc_context(LOOK), undisturbed():
            frame = _cached(self.frames, key, self.limits[1], lambda: _frame(runs, options))
            figure, parts, background = frame
            figure.canvas.restore_region(background)
            for part, (_, row) in zip(parts, views, strict=True):
                for artist in part.level(row):
                    figure.draw_artist(artist)
            return _encode(np.asarray(figure.canvas.buffer_rgba())[..., :3])


def _frame(runs, options):
    """The figure without what belongs to a level, its views, and its pixels."""
    figure, parts = lay_out(runs, options)
    figure.canvas.draw()
    return figure, parts, figure.canvas.copy_from_bbox(figure.bbox)


def _encode(pixels: np.ndarray) -> bytes:
    """Pixels ``[height, width, 3]`` as PNG.

    Lines are not filtered: areas of one colour are packed twice as fast and smaller than by the
    usual writers.
    """
    height, width, _ = pixels.shape
    lines = np.zeros((height, 1 + 3 * width), np.uint8)
    packed = lines[:, 1:].reshape(height, width, 3)  # a view
    for channel in range(3):  # six times as fast as all at once
        packed[..., channel] = pixels[..., channel]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = PNG_START
    for tag, data in ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 1)), (b"IEND", b"")):
        content += struct.pack(">I", len(data)) + tag + data
        content += struct.pack(">I", zlib.crc32(tag + data))
    return content


def _cached(cache: OrderedDict, key, limit: int, make: Callable):
    """A cached value, made where it is missing; the least recently used ones are dropped."""
    if key not in cache:
        cache[key] = make()
    cache.move_to_end(key)
    value = cache[key]
    while len(cache) > limit:
        cache.popitem(last=False)
    return value


@contextlib.contextmanager
def undisturbed():
    """Run without what sometimes takes longer than a picture: other threads and the collector.

    A drawing makes so many small objects that garbage would be collected every few pictures.
    """
    threads, collects = torch.get_num_threads(), gc.isenabled()
    torch.set_num_threads(1)
    gc.disable()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if collects:
            gc.enable()
