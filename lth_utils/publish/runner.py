"""Notebooks executed by papermill, strictly."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from lth_utils import config
from lth_utils.config import SpecError, coerce, nearest
from lth_utils.runs import files, store
from lth_utils.runs.files import write_atomically
from lth_utils.runs.places import outputs, project_root, provenance

KINDS = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict}


def find(name: str) -> list[Path]:
    """The notebooks that `name` means: ``all``, a number (``01``) or a full name, in order."""
    folder = project_root() / "notebooks"
    known = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    found = [p for p in known if name == "all" or name.zfill(2) in (p.stem, p.stem[:2], p.name)]
    if not found:
        raise SpecError(
            f"no notebook {name} in {folder}; known: all, {', '.join(p.stem for p in known)}"
            f"{nearest(name, [p.stem for p in known])}"
        )
    return found


def parameters_of(notebook: Path) -> dict:
    """What the notebook's one parameters cell declares: name to papermill's description."""
    import nbformat
    import papermill

    tagged = [
        c
        for c in nbformat.read(notebook, as_version=4).cells
        if "parameters" in c.metadata.get("tags", [])
    ]
    if len(tagged) != 1:
        raise SpecError(
            f"{notebook}: {len(tagged)} cells are tagged parameters; expected exactly one"
        )
    return papermill.inspect_notebook(str(notebook))


def parameters(notebook: Path, given: dict, origin: str) -> dict:
    """`given` checked against the notebook's own parameters cell and brought to the declared types."""
    known, checked = parameters_of(notebook), {}
    for name, value in given.items():
        if name not in known:
            raise SpecError(
                f"{origin}: {name} is not a parameter of {notebook.name}; it has {', '.join(known)}{nearest(name, known)}"
            )
        declared, default = known[name]["inferred_type_name"], known[name]["default"]
        kind = KINDS.get(declared) or type(ast.literal_eval(default))
        if isinstance(value, str) and kind in (list, dict):
            value = yaml.safe_load(value)
        checked[name] = coerce(value, kind, f"{origin}: {name}")
    return checked


def digest(notebook: Path, values: dict) -> str:
    """What an executed notebook depends on: its source, its parameters, the package's sources."""
    package = Path(__file__).parents[1]
    sources = [notebook, *sorted(package.rglob("*.py")), *sorted(package.rglob("*.csv"))]
    text = json.dumps(values, sort_keys=True) + "".join(
        files.digest(p.read_bytes()) for p in sources
    )
    return files.digest(text.encode())


def _products(folder: Path) -> dict[str, float]:
    return {
        str(p.relative_to(folder)): p.stat().st_mtime
        for kind in ("figures", "tables", "facts")
        for p in (folder / kind).glob("*")
    }


def up_to_date(output: Path, wanted: str) -> bool:
    """Whether `output` was executed from the same inputs and all its products are still there."""
    try:
        mark = json.loads(output.read_text(encoding="utf-8"))["metadata"]["lth_utils"]
    except (OSError, ValueError, KeyError):
        return False
    return mark["digest"] == wanted and all(
        (output.parents[1] / p).exists() for p in mark["products"]
    )


@contextlib.contextmanager
def own_kernel():
    """Make ``python3`` mean this interpreter for the kernels of this process, whatever is installed elsewhere."""
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
        "metadata": {"supported_encryption": "curve"},
    }
    before = os.environ.get("JUPYTER_PATH")
    with tempfile.TemporaryDirectory() as folder:
        write_atomically(Path(folder) / "kernels" / "python3" / "kernel.json", json.dumps(spec))
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [folder, before]))
        try:
            yield
        finally:
            os.environ.pop("JUPYTER_PATH") if before is None else os.environ.update(
                JUPYTER_PATH=before
            )


def execute(notebook: Path, output: Path, values: dict, mark: str):
    """Execute one notebook; `output` appears only if every cell has run."""
    import papermill
    from traitlets.config import Config

    running, failed = output.with_suffix(".running.ipynb"), output.with_suffix(".failed.ipynb")
    write_atomically(
        running, ""
    )  # fails now, with a clear message, where outputs cannot be written
    before = _products(output.parents[1])
    encrypted = Config()
    encrypted.KernelManager.transport_encryption = (
        "auto"  # else ipykernel 7 warns that others on this machine could listen
    )
    try:
        with own_kernel():
            done = papermill.execute_notebook(
                str(notebook),
                str(running),
                parameters=values,
                kernel_name="python3",
                cwd=str(project_root()),
                progress_bar=False,
                stdout_file=sys.stdout,
                stderr_file=sys.stderr,
                config=encrypted,
            )
        never = [
            n
            for n, c in enumerate(done.cells)
            if c.cell_type == "code" and c.source.strip() and c.execution_count is None
        ]
        if never:
            raise RuntimeError(f"cells {never} never ran")
        products = sorted(
            p for p, changed in _products(output.parents[1]).items() if changed != before.get(p)
        )
        content = json.loads(running.read_text(encoding="utf-8"))
        content["metadata"]["lth_utils"] = {"digest": mark, "products": products, **provenance()}
        write_atomically(output, json.dumps(content, indent=1, ensure_ascii=False))
    except BaseException:
        running.replace(failed)
        output.unlink(missing_ok=True)  # an older success would hide the failure
        raise
    running.unlink()
    failed.unlink(missing_ok=True)


def parameters_folder(set_name: str) -> Path:
    """Where the parameters of a set are."""
    parent = project_root() / "parameters"
    known = sorted(p.name for p in parent.iterdir() if p.is_dir())
    if set_name not in known:
        raise SpecError(
            f"no set {set_name} in {parent}; known: {', '.join(known)}{nearest(set_name, known)}"
        )
    return parent / set_name


def run(name: str, set_name: str, overrides: dict, force: bool = False, page: bool = True):
    """Execute the notebooks that `name` means with the parameters of a set, after all of them have been checked; then the gallery."""
    folder, jobs = parameters_folder(set_name), []
    for notebook in find(name):
        file = folder / f"{notebook.stem}.yaml"
        if not file.is_file():
            raise SpecError(
                f"set {set_name} lacks the parameters of {notebook.name}: {file} is missing"
            )
        values = parameters(notebook, config.read(file), str(file)) | parameters(
            notebook, overrides, "command line"
        )
        jobs.append((notebook, {**values, "set_name": set_name}))
    skipped, executed = [], 0
    for notebook, values in jobs:
        output, mark = outputs() / set_name / "notebooks" / notebook.name, digest(notebook, values)
        if not force and up_to_date(output, mark):
            print(f"{notebook.stem}: done already, {output}")
            continue
        print(f"{notebook.stem}: running with set {set_name}", flush=True)
        began = time.perf_counter()
        try:
            execute(notebook, output, values, mark)
        except Exception as error:
            failed = output.with_suffix(".failed.ipynb")
            if (
                getattr(error, "ename", "") == "MissingData"
            ):  # no files and no network: the others can do without
                failed.unlink(missing_ok=True)
                skipped.append(f"{notebook.stem}: skipped, {error.evalue.splitlines()[0]}")
                print(skipped[-1], flush=True)
                continue
            reason = str(error).strip().splitlines() or [type(error).__name__]
            kept = f"\n  the notebook up to there: {failed}" if failed.exists() else ""
            raise RuntimeError(f"{notebook.name} failed: {reason[-1]}{kept}") from error
        executed += 1
        print(f"{notebook.stem}: done in {time.perf_counter() - began:.0f} s, {output}", flush=True)
    for notebook, _ in jobs:
        facts = outputs() / set_name / "facts" / f"{notebook.stem}.json"
        if facts.is_file() and (headline := json.loads(facts.read_text()).get("headline")):
            print(f"\n{notebook.stem}: {headline}")
    print(f"figures, tables, facts and executed notebooks: {outputs() / set_name}")
    if page:
        print(f"all of it on one page: {gallery(set_name, again=executed > 0)}")
    for line in skipped:
        print(line)


def gallery(set_name: str, again: bool) -> Path:
    """The page of a set, written `again` or where there is none."""
    path = outputs() / set_name / "index.html"
    if again or not path.is_file():
        from lth_utils.publish import gallery as page  # matplotlib and all: slow to import

        page.write(set_name)
    return path


def figures(set_name: str) -> int:
    """Draw from the tables kept in ``outputs/<set>/``, without training, as many notebooks at once as there are cores."""
    parameters_folder(set_name)  # said once, not by every notebook
    notebooks = [n for n in find("all") if "train" in parameters_of(n)]

    def draw(notebook: Path) -> int:
        command = [
            sys.executable,
            "-m",
            "lth_utils",
            "run",
            notebook.stem,
            "--set",
            set_name,
            "--no-page",
            "-p",
            "train",
            "false",
        ]
        return subprocess.run(command).returncode

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return max(
            pool.map(draw, sorted(notebooks, key=lambda n: -n.stat().st_size))
        )  # the longest first


def check(repair: bool) -> int:
    """Name every corrupt run; with `repair` set them aside."""
    results = store.Store()
    found = results.check(repair)
    for error in found:
        print(
            f"corrupt: {error.folder}"
            + (f" (moved to {results.root / 'corrupt'})" if repair else f"\n  {error}")
        )
    print(f"{len(found)} corrupt of the runs in {results.runs}")
    return 1 if found and not repair else 0
