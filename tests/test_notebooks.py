"""The notebooks, executed by the project's own command, and the errors that careless use gets."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT, lth

from lth_utils import __main__
from lth_utils.runs import store

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_every_cell_ran_and_nothing_is_left_over(smoke):
    folder = smoke[0] / "smoke" / "notebooks"
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        [p.name for p in NOTEBOOKS] + [f"{p.stem}.html" for p in NOTEBOOKS]
    )
    for path in folder.glob("*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        assert all(c["execution_count"] for c in cells if c["cell_type"] == "code")


def test_every_figure_is_there_as_png_and_svg(smoke):
    written = {p.name for p in (smoke[0] / "smoke" / "figures").iterdir()}
    for key in (
        "data",
        "parameter-states",
        "dense-network",
        "imp-levels",
        "independent-tickets",
        "performance-one-size",
    ):
        assert {f"{key}.png", f"{key}.svg"} <= written


@pytest.mark.parametrize(
    ("notebook", "shown"),
    [
        ("01_toy_data", "4-7-7-2"),
        ("02_mnist_fashion", "98-16-12-4"),
        ("05_ticket_explorer", "4-7-7-2"),
    ],
)
def test_the_explorer_shows_a_run_of_its_notebook(smoke, notebook, shown):
    executed = json.loads((smoke[0] / "smoke" / "notebooks" / f"{notebook}.ipynb").read_text())
    (still,) = [
        output["data"]
        for cell in executed["cells"]
        for output in cell.get("outputs", ())
        if "lth-still" in "".join(output.get("data", {}).get("text/html", ""))
    ]
    assert f"title&quot;:&quot;{shown} · network seed " in "".join(still["text/html"])
    assert re.match(r"Level \d+: ", "".join(still["text/plain"]))


def test_every_figure_and_every_explorer_of_a_notebook_is_a_picture(smoke):
    """Also in a notebook that imports no pyplot, and where there is no kernel."""
    pictures = 0
    for path in (smoke[0] / "smoke" / "notebooks").glob("*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            for output in cell.get("outputs", ()):
                shown = output.get("data", {})
                words = "".join(shown.get("text/plain", ""))
                alive = "lth-still" in "".join(shown.get("text/html", ""))
                assert not words.startswith("Explorer(")
                if alive or re.match(r"<Figure|Picture\(", words):
                    assert "image/png" in shown, f"{path.name}: {words[:80]}"
                    pictures += 1
    assert pictures > 20


def test_facts_agree_with_the_table(smoke):
    facts = json.loads((smoke[0] / "smoke" / "facts" / "01_toy_data.json").read_text())
    everything = store.Store(smoke[0]).table()
    table = everything[(everything["base"] == "4-4-4-2") & (everything["data"] == "moons_circles")]
    assert facts["ours"]["runs"] == table["run"].nunique() == 2
    assert facts["ours"]["separated"] == table.loc[table["status"] == "separated", "run"].nunique()
    assert facts["headline"] in smoke[1]


def test_a_second_call_does_nothing(smoke):
    before = {p: p.stat().st_mtime_ns for p in smoke[0].rglob("*") if p.is_file()}
    done = lth("run", "all", "--set", "smoke", outputs=smoke[0])
    assert done.returncode == 0 and "done already" in done.stdout
    assert {p: p.stat().st_mtime_ns for p in smoke[0].rglob("*") if p.is_file()} == before


def test_a_lost_figure_is_made_again_without_training(smoke):
    lost = smoke[0] / "smoke" / "figures" / "performance-one-size.png"
    lost.unlink()
    done = lth("run", "01", "--set", "smoke", outputs=smoke[0])
    assert done.returncode == 0 and lost.exists() and "level 0/2" not in done.stdout


def test_plain_papermill_works_from_anywhere(smoke, tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "papermill",
            str(NOTEBOOKS[0]),
            str(tmp_path / "out.ipynb"),
            "-k",
            "python3",
            "-f",
            str(ROOT / "parameters" / "smoke" / "01_toy_data.yaml"),
            "-p",
            "set_name",
            "smoke",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "LTH_OUTPUTS": str(smoke[0])},
    )
    assert done.returncode == 0, done.stderr


def test_a_failing_notebook_is_kept_under_another_name_and_the_exit_code_says_so(tmp_path):
    done = lth("run", "01", "--set", "smoke", "-p", "seeds", "0, 0", outputs=tmp_path)
    assert done.returncode == 1 and "axis seed repeats" in done.stderr
    assert [p.name for p in (tmp_path / "smoke" / "notebooks").iterdir()] == [
        "01_toy_data.failed.ipynb"
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["run", "01", "-p", "rat", "0.3"],
            "command line: rat is not a parameter of 01_toy_data.ipynb; it has set_name, train, s",
        ),
        (["run", "01", "-p", "rat", "0.3"], "did you mean rate"),
        (["run", "01", "-p", "levels", "many"], "levels is 'many' (str); expected int"),
        (["run", "01", "--set", "quik"], "no set quik"),
        (["run", "99"], "no notebook 99"),
    ],
)
def test_bad_arguments_stop_before_anything_is_written(
    tmp_path, capsys, monkeypatch, arguments, message
):
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    assert __main__.main(arguments) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_check_names_corrupt_runs_and_repairs_them(smoke, tmp_path, monkeypatch, capsys):
    import shutil

    shutil.copytree(smoke[0] / "runs", tmp_path / "runs")
    victim = next((tmp_path / "runs").iterdir())
    (victim / "levels.csv").write_text("level\n")
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    assert __main__.main(["check"]) == 1 and victim.name in capsys.readouterr().out
    assert __main__.main(["check", "--repair"]) == 0 and not victim.exists()
    assert __main__.main(["check"]) == 0


def listen_to_sigint():
    """What a shell starts in the background ignores the signal, and so would all its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_keeps_the_finished_levels_and_the_next_call_goes_on(tmp_path):
    """SIGINT to the whole process group, as a terminal sends it."""
    longer = ["run", "01", "--set", "smoke", "-p", "levels", "6", "-p", "n_samples", "1000"]
    longer += ["-p", "max_epochs", "500", "-p", "patience", "500"]
    process = subprocess.Popen(
        [sys.executable, "-m", "lth_utils", *longer],
        cwd=ROOT,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LTH_OUTPUTS": str(tmp_path)},
        preexec_fn=listen_to_sigint,
    )
    while not (found := list(tmp_path.glob("runs/*/partial.npz"))) and process.poll() is None:
        time.sleep(0.02)
    assert found, "the notebook ended before it could be interrupted"
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130 and "the same command goes on from there" in errors
    assert not (tmp_path / "smoke" / "notebooks" / "01_toy_data.ipynb").exists()
    assert not store.Store(tmp_path).check()
    done = lth(*longer, outputs=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("runs/*/partial.npz"))
