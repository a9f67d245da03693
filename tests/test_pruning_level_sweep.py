"""Notebook 04: verdicts on a made-up grid."""

from made_up import cells, verdict

from lth_utils.studies import pruning_level_sweep, reference


def test_verdicts_on_the_grid():
    theirs = reference.reference("separations_by_size_and_levels")
    grid = {(w, n): (0.0 if w < 48 else 0.9) for w in (31, 38, 48, 57) for n in range(3, 11)}
    found = pruning_level_sweep.pruning_levels(cells(grid), theirs)
    for text in (
        "width 31 never",
        "width 38 never",
        "width 48 does",
        "rates below 0.41",
        "largest rate",
    ):
        assert verdict(found, text)["verdict"] == "agrees", text
    found = pruning_level_sweep.pruning_levels(
        cells(grid | {(38, 10): 0.3, (48, 8): 0.0, (48, 1): 0.2, (57, 10): 0.0}), theirs
    )
    for text in ("width 38 never", "rates below 0.41", "largest rate"):
        assert verdict(found, text)["verdict"] == "differs", text
