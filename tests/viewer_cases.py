"""Runs of all kinds, packed, and a page with them; for the tests of the viewer."""

import json

from conftest import ROOT
from explorer_cases import explored_store

from lth_utils.runs.store import Store
from lth_utils.viewer import open_run, pack, page

KEPT = Store(ROOT / "outputs" / "extended")
"""The runs that are kept with the repository."""

AXE = """where => axe.run(where ?? document, {resultTypes: ['violations'],
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']}).then(found =>
    found.violations.filter(v => ['serious', 'critical'].includes(v.impact)).map(v =>
      v.id + ': ' + v.nodes.map(n => n.target + ' ' + (n.any[0]?.message || '')).join('; ')))"""
"""The serious faults that axe-core finds in a page, or in what a selector names."""


def kept(data):
    """The first kept run of a data set that separates and stays whole."""
    return next(
        run
        for run, entry in sorted(KEPT.entries().items())
        if entry["head"]["data"] == data and entry["outcome"] == "separated"
    )


def packed_runs(folder):
    """Two kept runs, points and images, beside five made in a moment; and the runs themselves."""
    small = explored_store(folder)
    runs = [open_run(KEPT, kept("moons_circles")), open_run(KEPT, kept("mnist_fashion"))]
    runs += [open_run(small, run) for run in small.entries()]
    return {run.key: run for run in runs}, [json.loads(json.dumps(pack(run))) for run in runs]


def write_page(folder):
    """A page with all of them, and the runs."""
    runs, packed = packed_runs(folder / "store")
    path = folder / "viewer.html"
    path.write_text(page(packed, "Some runs"), encoding="utf-8")
    return path, runs


SCREENS = [(390, 844, 2), (683, 384, 2), (768, 1024, 1), (1366, 768, 1), (1920, 1080, 1)]
"""Width, height and pixels per point: a phone, a laptop at 200 %, and larger ones."""
