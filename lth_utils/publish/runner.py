"""Notebooks executed by papermill, strictly."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lth_utils.publish.parameters import (
    check_study,
    file_name,
    find,
    parameters_folder,
    parameters_of,
    values_of,
)
from lth_utils.runs import files
from lth_utils.runs.files import write_atomically
from lth_utils.runs.places import outputs, project_root, provenance


@dataclass(frozen=True)
class Job:
    """One notebook to be executed.

    Args:
        notebook: its path.
        values: its parameters by name.
        output: where the executed notebook goes.
        mark: digest of all that the result depends on.
    """

    notebook: Path
    values: Mapping[str, Any]
    output: Path
    mark: str

    @property
    def name(self) -> str:
        """The notebook's name without its ending."""
        return self.notebook.stem

    @property
    def running(self) -> Path:
        """The file that is written during the execution."""
        return self.output.with_suffix(".running.ipynb")

    @property
    def failed(self) -> Path:
        """The file that is left where the execution failed."""
        return self.output.with_suffix(".failed.ipynb")


def run(
    name: str,
    set_name: str,
    overrides: Mapping[str, Any],
    *,
    force: bool = False,
    page: bool = True,
    say: Callable[[str], object],
):
    """Execute notebooks with the parameters of a set, then write the gallery.

    All parameters are checked before the first kernel starts. A notebook is left out where nothing
    that it depends on has changed, or where it needs data that cannot be had here.

    Args:
        name: a number such as ``01``, a name, or ``all``.
        set_name: folder of ``parameters/`` and of ``outputs/``.
        overrides: parameters that replace those of the set.
        force: execute again even if nothing changed.
        page: write the gallery.
        say: is called with each line for the user.

    Raises:
        SpecError: if a parameter is unknown, or has a wrong type or value.
        RuntimeError: if a notebook fails.
    """
    jobs = [_job(notebook, set_name, overrides) for notebook in find(name)]
    waiting = []
    for job in jobs:
        if not force and up_to_date(job.output, job.mark):
            say(f"{job.name}: done already, {job.output}")
        else:
            waiting.append(job)
    for job in waiting:
        origin = file_name(job.notebook, set_name)
        check_study(job.notebook, job.values, f"{origin} and -p" if overrides else origin)
    skipped = []
    for job in waiting:
        reason = _run_job(job, set_name, say)
        if reason:
            skipped.append(f"{job.name}: skipped, {reason}")
            say(skipped[-1])
    for job in jobs:
        headline = _headline(set_name, job.name)
        if headline:
            say(f"\n{job.name}: {headline}")
    say(f"figures, tables, facts and executed notebooks: {outputs() / set_name}")
    if page:
        changed = len(waiting) > len(skipped)
        say(f"all of it on one page: {gallery(set_name, again=changed)}")
    for line in skipped:
        say(line)


def _job(notebook: Path, set_name: str, overrides: Mapping[str, Any]) -> Job:
    values = values_of(notebook, set_name, overrides)
    output = outputs() / set_name / "notebooks" / notebook.name
    return Job(notebook, values, output, digest(notebook, values))


def _run_job(job: Job, set_name: str, say: Callable[[str], object]) -> str | None:
    """Execute one notebook; the reason where it was skipped."""
    say(f"{job.name}: running with set {set_name}")
    began = time.perf_counter()
    try:
        execute(job)
    except Exception as error:
        # without files and without a network; the other notebooks can do without
        if getattr(error, "ename", "") == "MissingData":
            job.failed.unlink(missing_ok=True)
            return error.evalue.splitlines()[0]
        reason = str(error).strip().splitlines() or [type(error).__name__]
        kept = f"\n  the notebook up to there: {job.failed}" if job.failed.exists() else ""
        raise RuntimeError(f"{job.notebook.name} failed: {reason[-1]}{kept}") from error
    say(f"{job.name}: done in {time.perf_counter() - began:.0f} s, {job.output}")
    return None


def _headline(set_name: str, name: str) -> str | None:
    """The sentence that a notebook's facts begin with, if there is one."""
    from lth_utils.publish.products import read_facts  # matplotlib and all: slow to import

    headline = read_facts(set_name, name).get("headline")
    return headline if isinstance(headline, str) else None


def digest(notebook: Path, values: Mapping[str, Any]) -> str:
    """What an executed notebook depends on: its source, its parameters, the package's sources."""
    package = Path(__file__).parents[1]
    text = json.dumps(values, sort_keys=True)
    for path in (notebook, *sorted(package.rglob("*.py")), *sorted(package.rglob("*.csv"))):
        text += files.digest(path.read_bytes())
    return files.digest(text.encode())


def up_to_date(output: Path, wanted: str) -> bool:
    """Whether `output` was executed from the same inputs and all its products are still there."""
    try:
        mark = json.loads(output.read_bytes())["metadata"]["lth_utils"]
        there = all((output.parents[1] / product).exists() for product in mark["products"])
        return there and mark["digest"] == wanted
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False  # there is none, or it is damaged


def execute(job: Job):
    """Execute one notebook; its output appears only if every cell has run.

    Raises:
        RuntimeError: if a cell never ran.
        Exception: whatever a cell raised, as papermill reports it.
    """
    write_atomically(job.running, "")  # fails now, and clearly, where outputs cannot be written
    folder = job.output.parents[1]
    before = _products(folder)
    try:
        done = _papermill(job)
        never = []
        for n, cell in enumerate(done.cells):
            if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
                never.append(n)
        if never:
            raise RuntimeError(f"cells {never} never ran")
        after = _products(folder)
        products = sorted(path for path in after if after[path] != before.get(path))
        content = json.loads(job.running.read_text(encoding="utf-8"))
        content["metadata"]["lth_utils"] = {
            "digest": job.mark,
            "products": products,
            **provenance(),
        }
        write_atomically(job.output, json.dumps(content, indent=1, ensure_ascii=False))
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            job.running.replace(job.failed)
        job.output.unlink(missing_ok=True)  # an older success would hide the failure
        raise
    job.running.unlink()
    job.failed.unlink(missing_ok=True)


def _papermill(job: Job):
    """The notebook as papermill executed it in this interpreter."""
    import papermill
    from traitlets.config import Config

    config = Config()
    # else ipykernel 7 warns that others on this machine could listen
    config.KernelManager.transport_encryption = "auto"
    with own_kernel():
        return papermill.execute_notebook(
            str(job.notebook),
            str(job.running),
            parameters=dict(job.values),
            kernel_name="python3",
            cwd=str(project_root()),
            progress_bar=False,
            stdout_file=sys.stdout,
            stderr_file=sys.stderr,
            config=config,
        )


@contextlib.contextmanager
def own_kernel() -> Iterator[None]:
    """Make ``python3`` mean this interpreter for the kernels of this process."""
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
        "metadata": {"supported_encryption": "curve"},
    }
    before = os.environ.get("JUPYTER_PATH")
    with tempfile.TemporaryDirectory() as folder:
        write_atomically(Path(folder) / "kernels" / "python3" / "kernel.json", json.dumps(spec))
        os.environ["JUPYTER_PATH"] = folder if before is None else folder + os.pathsep + before
        try:
            yield
        finally:
            if before is None:
                os.environ.pop("JUPYTER_PATH")
            else:
                os.environ["JUPYTER_PATH"] = before


def _products(folder: Path) -> dict[str, float]:
    """When each figure, table and file of facts of a set was written."""
    written = {}
    for kind in ("figures", "tables", "facts"):
        for path in (folder / kind).glob("*"):
            written[path.relative_to(folder).as_posix()] = path.stat().st_mtime
    return written


def gallery(set_name: str, again: bool) -> Path:
    """The page of a set, written `again` or where there is none."""
    path = outputs() / set_name / "index.html"
    if again or not path.is_file():
        from lth_utils.publish import gallery as page  # matplotlib and all: slow to import

        page.write(set_name)
    return path


def figures(set_name: str) -> int:
    """Draw all figures of a set from its kept tables, without training.

    As many notebooks are executed at once as there are cores.

    Args:
        set_name: folder of ``outputs/`` that holds the tables.

    Returns:
        The highest exit status, 0 if all went well.
    """
    parameters_folder(set_name)  # an unknown set is reported once, not by every notebook
    notebooks = [notebook for notebook in find("all") if "train" in parameters_of(notebook)]
    notebooks.sort(key=lambda notebook: -notebook.stat().st_size)  # the longest first

    def draw(notebook: Path) -> int:
        command = [sys.executable, "-m", "lth_utils", "run", notebook.stem]
        options = ["--set", set_name, "--no-page", "-p", "train", "false"]
        return subprocess.run([*command, *options]).returncode

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return max(pool.map(draw, notebooks))
