"""Widgets that choose one run and one of its levels."""

from __future__ import annotations

import contextlib
import functools
import html
import threading
from collections.abc import Callable

import ipywidgets as widgets
import numpy as np
from traitlets import Unicode

from lth_utils.config import SpecError
from lth_utils.explorer.choices import Catalogue
from lth_utils.explorer.words import level_in_words, stretches_in_words
from lth_utils.plots.style import STATUS_COLOURS

NONE = -1
"""No layer, no unit: a list shows nothing where None is chosen."""

LABEL = {"description_width": "auto"}
"""A control's label is as wide as its text."""

AUTO = {"width": "auto"}
"""A control is as wide as its content."""

ROW = {"flex_flow": "row wrap", "grid_gap": "2px 14px"}
"""Controls side by side, in further lines where the page is narrow."""

LOCK = threading.RLock()


def one_at_a_time(handler: Callable) -> Callable:
    """Run handlers of widgets one after the other.

    JupyterLab sends a kernel's widgets their messages in two threads, and drawing changes settings
    that all threads share.
    """

    @functools.wraps(handler)
    def waiting(*args):
        with LOCK:
            return handler(*args)

    return waiting


class Picture(widgets.Image):
    """An image whose tooltip, read by screen readers, says what it shows.

    The browser's part of a tooltip needs a description.
    """

    description = Unicode("").tag(sync=True)


class Chooser:
    """Widgets that choose one run and one of its levels.

    Args:
        catalogue: of the runs.
        changed: called once for each change, however many widgets it moves.
        key: of the run to begin with.
        suffix: of all labels, where there are two choosers.
    """

    def __init__(
        self, catalogue: Catalogue, changed: Callable[[], None], key: str, suffix: str = ""
    ):
        self.catalogue, self.changed, self.quiet = catalogue, changed, False
        self.current_run, self.error = None, ""
        self._make_controls(suffix)
        self.experiment.options = list(catalogue.tree)
        for control in (self.experiment, self.size, self.run):
            control.observe(self._on_list, "value")
        self.slider.observe(self._on_level, "value")
        self.previous_button.on_click(lambda _: self.step(-1))
        self.next_button.on_click(lambda _: self.step(1))
        level = [self.slider, self.previous_button, self.next_button, self.play]
        self.rows = [
            widgets.HBox([self.experiment, self.size, self.run], layout=ROW),
            widgets.HBox(level, layout=ROW),
            self.words,
        ]
        self.select(key)

    def _make_controls(self, suffix: str):
        """Three lists, a slider with buttons, and the words below them."""
        look = {"style": LABEL, "layout": {**AUTO, "max_width": "100%"}}
        self.experiment = widgets.Dropdown(description=f"Experiment{suffix}", **look)
        self.size = widgets.Dropdown(description=f"Size{suffix}", **look)
        self.run = widgets.Dropdown(description=f"Run{suffix}", **look)
        wide = {"style": LABEL, "layout": {"width": "420px"}}
        self.slider = widgets.IntSlider(description=f"Level{suffix}", min=0, max=1, **wide)
        play = {"interval": 700, "tooltip": f"Play the levels{suffix}", "show_repeat": True}
        self.play = widgets.Play(min=0, max=1, **play)
        self.previous_button = widgets.Button(
            description="◀ previous", tooltip="Previous level", layout=AUTO
        )
        self.next_button = widgets.Button(description="next ▶", tooltip="Next level", layout=AUTO)
        self.words = widgets.HTML()
        widgets.jslink((self.play, "value"), (self.slider, "value"))

    @property
    def level(self) -> int:
        """Position of the level in the run's rows.

        The slider of a run with one level has a second stop, which means the same.
        """
        return min(self.slider.value, len(self.current_run.rows) - 1)

    def step(self, by: int):
        """Go to the next level, or back."""
        last = len(self.current_run.rows) - 1
        self.slider.value = int(np.clip(self.slider.value + by, 0, last))

    def select(self, key: str):
        """Show a run by its key."""
        experiment, size = self.catalogue.where(key)
        with self._one_change():
            self.experiment.value = experiment
            self._fill_sizes(size)
            self._fill_runs(key)
            self._open()

    @contextlib.contextmanager
    def _one_change(self):
        """While one widget moves others, only the whole counts as a change."""
        before, self.quiet = self.quiet, True
        try:
            yield
        finally:
            self.quiet = before
        if not self.quiet:
            self.changed()

    def _fill_sizes(self, size: str | None = None):
        """The sizes of the chosen experiment."""
        sizes = list(self.catalogue.tree[self.experiment.value])
        self.size.options = sizes
        self.size.value = size or sizes[0]

    def _fill_runs(self, key: str | None = None):
        """The runs of the chosen size."""
        runs = self.catalogue.tree[self.experiment.value][self.size.value]
        separated = [k for words, k in runs if "separated at" in words]
        self.run.options = runs
        self.run.value = key or (separated or [runs[0][1]])[0]

    def _open(self):
        """The chosen run in memory, the slider at its most telling level."""
        self.current_run, self.error = None, ""
        try:
            self.current_run = self.catalogue.open(self.run.value)
        except (RuntimeError, SpecError, OSError, ImportError) as error:
            self.error = str(error)  # the run is damaged, or its data cannot be had
        run = self.current_run
        levels = [] if run is None else list(run.rows["level"])
        for control in (self.slider, self.play, self.previous_button, self.next_button):
            control.disabled = len(levels) < 2
        self.slider.readout = levels == list(range(len(levels))) and len(levels) > 1
        self.play.playing = False  # else the browser's timer would walk on in the other run
        # said in any case: where the kernel is busy, the news that it plays may still be on its way
        self.play.send_state("playing")
        for control in (self.slider, self.play):
            # both get the same value in one message, or the browser's link would echo an old one
            with control.hold_sync():
                control.max = max(1, len(levels) - 1)  # a single stop fails in the browser
                control.value = 0 if run is None else run.chosen()

    @one_at_a_time
    def _on_list(self, change):
        """A choice in one of the three lists fills those after it."""
        if self.quiet:
            return
        with self._one_change():
            if change["owner"] is self.experiment:
                self._fill_sizes()
            if change["owner"] is not self.run:
                self._fill_runs()
            self._open()

    @one_at_a_time
    def _on_level(self, _):
        """Another level of the same run."""
        if not self.quiet:
            self.changed()

    def write_words(self):
        """Write the chosen level in words, and where the run changed its status."""
        run = self.current_run
        if run is None:
            error = html.escape(self.error)
            text = f"<b>This run cannot be shown.</b> {error}"
            self.words.value = f"<div role='status'>{text}</div>"
            return
        words, levels = list(run.rows["status"]), list(run.rows["level"])
        here = html.escape(level_in_words(run, self.level))
        whole = html.escape(stretches_in_words(words, levels))
        self.words.value = (
            f"<div role='status' aria-live='polite' style='line-height:1.5'>{here}</div>"
            f"{self._status_band(words)}<div style='line-height:1.5'>Whole run: {whole}.</div>"
        )

    def _status_band(self, words: list[str]) -> str:
        """The statuses as colours in a row, the current level framed."""
        marks = ""
        for n, word in enumerate(words):
            frame = "outline:2px solid black;z-index:1" if n == self.level else ""
            style = f"flex:1;height:8px;background:{STATUS_COLOURS[word]};{frame}"
            marks += f"<span style='{style}'></span>"
        style = "display:flex;width:420px;max-width:100%;gap:1px;margin:3px 0"
        return f"<div aria-hidden='true' style='{style}'>{marks}</div>"
