"""The house: imports point down, every module stands alone, notebooks are thin and clean."""
import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ORDER = ["config", "data", "connectivity", "pruning", "population", "imp", "store", "sweep", "claims", "plots", "explorer", "__main__"]
ENGINES = ["_dense", "_sparse", "_seats"]       # private, behind population
MODULES = sorted(p.stem for p in (ROOT / "lth_utils").glob("*.py") if p.stem != "__init__")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def imported(module):
    tree = ast.parse((ROOT / "lth_utils" / f"{module}.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "lth_utils":
            parts = node.module.split(".")
            yield from parts[1:2] or [alias.name for alias in node.names if alias.name != "__version__"]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("lth_utils."))


def rank(module):
    return ORDER.index("population") - 0.5 + ENGINES.index(module) / 10 if module in ENGINES else ORDER.index(module)


def test_no_module_is_unknown_to_the_house():
    assert set(MODULES) <= {*ORDER, *ENGINES}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    for other in imported(module):
        assert rank(other) < rank(module), f"{module} imports {other}"
        assert other not in ENGINES or module in (*ENGINES, "population"), f"{module} reaches past population for {other}"


def test_every_module_imports_alone():
    """In a fresh process each; a module that needs another one imported first fails here."""
    running = [(m, subprocess.Popen([sys.executable, "-W", "error", "-c", f"import lth_utils.{m}"], stderr=subprocess.PIPE, text=True))
               for m in MODULES if m != "__main__"]
    failed = {m: errors for m, process in running if (errors := process.communicate()[1]) or process.returncode}
    assert not failed


def test_the_command_line_starts_without_the_slow_libraries():
    code = "import sys, lth_utils.__main__; print([m for m in ('papermill', 'seaborn', 'scipy.stats', 'matplotlib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebooks_are_thin_and_without_outputs(path):
    cells = [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]
    assert len(cells) <= 14
    assert sum("parameters" in c["metadata"].get("tags", []) for c in cells) == 1
    for cell in cells:
        assert not cell["outputs"] and cell["execution_count"] is None
        defined = [n for n in ast.walk(ast.parse("".join(cell["source"])))
                   if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda))]
        assert not defined


def test_every_notebook_has_parameters_in_every_set_and_none_is_left_over():
    for folder in (ROOT / "parameters").iterdir():
        assert sorted(p.stem for p in folder.iterdir()) == [p.stem for p in NOTEBOOKS], folder.name
    assert {"smoke", "quick", "thesis"} <= {p.name for p in (ROOT / "parameters").iterdir()}


def test_nothing_names_a_registry():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    for name in tracked.stdout.split():
        if (ROOT / name).suffix in (".md", ".txt", ".toml", ".yml", ".yaml", ".py", ".cff", ""):
            text = (ROOT / name).read_text(errors="ignore")
            assert "pypi" + ".org" not in text and "files.pythonhosted" + ".org" not in text, name
