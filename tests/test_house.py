"""The order of the house: imports point down, names agree, notebooks hold calls.

Sizes are a report (``tests/house_metrics.py``), not a gate: a limit would tempt to cram.
"""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lth_utils import config

ROOT = Path(__file__).parents[1]
FOLDERS = [
    "config",
    "data",
    "connectivity",
    "networks",
    "pruning",
    "training",
    "imp",
    "runs",
    "plots",
    "viewer",
    "studies",
    "publish",
    "explorer",
    "one_call",
    "selftest",
    "__main__",
]
"""From values to people; a folder imports only from those before it."""
PACKAGE = ROOT / "lth_utils"
MODULES = {
    ".".join(p.relative_to(PACKAGE).with_suffix("").parts): p
    for p in sorted(PACKAGE.rglob("*.py"))
    if p != PACKAGE / "__init__.py"
}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SETS = sorted({"smoke", "quick", "thesis"} | {p.name for p in (ROOT / "parameters").iterdir()})

each_module = pytest.mark.parametrize("name", MODULES)
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)


def imported(path):
    """The modules of this package that a file imports anywhere, without ``lth_utils.``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {
                a.name.removeprefix("lth_utils.")
                for a in node.names
                if a.name.startswith("lth_utils.")
            }
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, (
                f"{path.name} line {node.lineno}: imports are written out, not relative"
            )
            if node.module == "lth_utils":
                found |= {a.name for a in node.names if a.name != "__version__"}
            elif node.module.startswith("lth_utils."):
                place = node.module.removeprefix("lth_utils.")
                found |= {
                    f"{place}.{a.name}" if f"{place}.{a.name}" in MODULES else place
                    for a in node.names
                }
    return found


def folder(name):
    return name.split(".")[0]


def inside(name):
    """The modules of the same folder that a module imports; a folder's name is its ``__init__``."""
    same = [m for m in imported(MODULES[name]) if folder(m) == folder(name)]
    return {f"{m}.__init__" if f"{m}.__init__" in MODULES else m for m in same}


# modules


def test_every_folder_has_its_place_in_the_order():
    assert {folder(name) for name in MODULES} == set(FOLDERS)


@each_module
def test_imports_point_down(name):
    above = FOLDERS[FOLDERS.index(folder(name)) + 1 :]
    assert not {m for m in imported(MODULES[name]) if folder(m) in above}


def test_there_is_no_circle_within_a_folder():
    left = {name: inside(name) for name in MODULES}
    while free := [name for name, needs in left.items() if not needs & set(left)]:
        for name in free:
            del left[name]
    assert not left, f"these import each other: {left}"


@each_module
def test_no_name_with_an_underscore_is_imported(name):
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            private = [a.name for a in node.names if re.match("_[^_]", a.name)]
            assert not private, f"{name} line {node.lineno}"


@each_module
def test_every_module_says_its_purpose_in_one_line(name):
    text = ast.get_docstring(ast.parse(MODULES[name].read_text(encoding="utf-8"))) or ""
    assert text.split("\n\n")[0].count("\n") == 0 and text, name


def test_no_module_is_private():
    private = [p.name for p in MODULES.values() if re.match("_[^_]", p.name)]
    assert not private


def test_notebook_study_plots_and_tests_bear_one_name():
    names = [n.stem[3:] for n in NOTEBOOKS]
    studies = {name.split(".")[1] for name in MODULES if name.startswith("studies.")}
    plots = {name.split(".")[1] for name in MODULES if name.startswith("plots.")}
    assert [n.stem[:2] for n in NOTEBOOKS] == [f"{n:02}" for n in range(1, len(names) + 1)]
    for name in names:
        assert name in studies
        assert (ROOT / "tests" / f"test_{name}.py").is_file()
        # the ticket explorer draws with the explorer's own modules
        assert name in plots or name == "ticket_explorer"


IMPORT_ALONE = """
import importlib, sys, traceback
for name in sys.argv[1:]:
    for loaded in [m for m in sys.modules if m.split(".")[0] == "lth_utils"]:
        del sys.modules[loaded]
    try:
        importlib.import_module(f"lth_utils.{name}".removesuffix(".__init__"))
    except BaseException:
        sys.exit(f"{name} cannot be imported alone: {traceback.format_exc()}")
"""


def test_every_module_can_be_imported_alone():
    """In two fresh processes, which forget this package, but no library, before each module."""
    running = []
    for names in (list(MODULES)[::2], list(MODULES)[1::2]):
        command = [sys.executable, "-W", "error", "-c", IMPORT_ALONE, *names]
        running.append(subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True))
    assert [process.communicate()[1] for process in running] == ["", ""]
    assert [process.returncode for process in running] == [0, 0]


@pytest.mark.parametrize(
    ("modules", "slow"),
    [
        (["config", "data"], ["torch", "sklearn", "pandas"]),
        (["__main__"], ["papermill", "seaborn", "scipy.stats", "matplotlib"]),
    ],
)
def test_what_must_start_fast_leaves_slow_libraries_alone(modules, slow):
    names = ", ".join(f"lth_utils.{m}" for m in modules)
    code = f"import sys, {names}; print([m for m in {slow} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_nothing_names_a_registry():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    for name in tracked.stdout.split():
        if (ROOT / name).suffix in (".md", ".txt", ".toml", ".yml", ".yaml", ".py", ".cff", ""):
            text = (ROOT / name).read_text(errors="ignore")
            assert not re.search("pypi[.]org|pythonh[o]sted", text), name


# notebooks


def cells(path):
    every = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [c for c in every if c["cell_type"] == "code"]


def source(cell):
    return "".join(cell["source"])


def parameters_cell(path):
    (cell,) = [c for c in cells(path) if "parameters" in c["metadata"].get("tags", [])]
    return source(cell)


@each_notebook
def test_notebooks_define_nothing(path):
    definitions = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda
    for cell in cells(path):
        for node in ast.walk(ast.parse(source(cell))):
            assert not isinstance(node, definitions), source(cell)


@each_notebook
def test_notebooks_are_committed_without_results(path):
    for cell in cells(path):
        assert cell["outputs"] == [] and cell["execution_count"] is None, source(cell)


@each_notebook
def test_notebooks_are_short(path):
    own = [source(c) for c in cells(path) if "parameters" not in c["metadata"].get("tags", [])]
    lines = [line for text in own for line in text.splitlines() if line.strip()]
    assert len(own) <= 14 and len(lines) <= 50  # about 40; what is more belongs in the study


@each_notebook
def test_parameters_are_one_cell_of_typed_literals(path):
    names, lines = [], parameters_cell(path).splitlines()
    for node in ast.parse(parameters_cell(path)).body:
        line = " ".join(lines[node.lineno - 1 : node.end_lineno])
        assert isinstance(node, ast.AnnAssign), f"{line}: expected name: type = literal"
        assert isinstance(node.annotation, ast.Name), f"{line}: papermill reads plain types only"
        assert line.count("=") == 1, f"{line}: a second = hides the parameter from papermill"
        ast.literal_eval(node.value)
        names.append(node.target.id)
    assert "set_name" in names and len(set(names)) == len(names)


@each_notebook
@pytest.mark.parametrize("set_name", SETS)
def test_every_notebook_has_parameters_in_every_set(path, set_name):
    known = {node.target.id for node in ast.parse(parameters_cell(path)).body}
    assert set(config.read(ROOT / "parameters" / set_name / f"{path.stem}.yaml")) <= known


def test_every_parameter_file_belongs_to_a_notebook():
    assert {p.name for p in (ROOT / "parameters").glob("*/*")} <= {
        f"{n.stem}.yaml" for n in NOTEBOOKS
    }
