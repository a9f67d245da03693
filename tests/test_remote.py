"""Sweeps on an executor's workers: dead, closed and foreign ones lose nothing and are named."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from test_sweep import SPEC, slow_specs

import lth_utils
from lth_utils.config import TrainSpec, expand, run_id
from lth_utils.runs import remote, sweep
from lth_utils.runs.store import Store


def test_a_sweep_in_the_threads_of_an_executor_equals_one_without(tmp_path):
    seen, specs = [], expand(SPEC, {"seed": list(range(5)), "prune.levels": [1, 3]})
    with ThreadPoolExecutor(2) as executor:
        report = sweep.run(
            specs,
            Store(tmp_path / "with"),
            device="cpu",
            executor=executor,
            progress=lambda text, share: seen.append(share),
        )
    sweep.run(specs, Store(tmp_path / "without"), device="cpu")
    assert len(report.done) == 10 and seen == sorted(seen) and seen[-1] == pytest.approx(1)
    assert Store(tmp_path / "with").table(specs).equals(Store(tmp_path / "without").table(specs))
    with ThreadPoolExecutor(1) as executor:
        assert not sweep.run(specs, Store(tmp_path / "with"), device="cpu", executor=executor).done


def test_failures_in_a_worker_are_named_and_the_others_finish(tmp_path):
    broken = replace(SPEC, train=TrainSpec(lr=1e30, batch_size=32, patience=2, max_epochs=4))
    with (
        ThreadPoolExecutor(2) as executor,
        pytest.raises(
            sweep.SweepError, match=r"1 of 2 runs failed(.|\n)*seed 0 is not finite at level 0"
        ),
    ):
        sweep.run([broken, SPEC], Store(tmp_path), device="cpu", executor=executor)
    assert Store(tmp_path).done(run_id(SPEC))


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_loses_a_worker_finishes_the_sweep(tmp_path):
    """Two worker processes of dask, one of them killed as soon as it has begun."""
    distributed = pytest.importorskip("distributed")
    specs = expand(slow_specs()[0], {"seed": list(range(12))})
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            processes=True,
            local_directory=str(tmp_path / "dask"),
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        victims = client.run(os.getpid)
        killer = threading.Thread(
            target=kill_when_begun, args=(next(iter(victims.values())), tmp_path / "cluster")
        )
        killer.start()
        report = sweep.run(
            specs,
            Store(tmp_path / "cluster"),
            device="cpu",
            executor=client.get_executor(pure=False),
        )
        killer.join()
        assert set(client.run(os.getpid).values()) != set(victims.values())
    assert set(report.done) | set(report.reused) == set(map(run_id, specs)) and not report.failed
    sweep.run(specs, Store(tmp_path / "here"), device="cpu")
    assert Store(tmp_path / "cluster").table(specs).equals(Store(tmp_path / "here").table(specs))
    assert Store(tmp_path / "cluster").check() == []


def kill_when_begun(pid, root):
    while not list(root.glob("runs/*/partial.npz")):
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)


# workers of another version


def test_a_worker_of_another_version_is_named_and_computes_nothing(tmp_path):
    report = sweep.run_chunk([SPEC], Store(tmp_path), "cpu", 1, "0.9.0")
    (reason,) = report.failed.values()
    ours = re.escape(lth_utils.__version__)
    assert re.search(rf"worker on \S+, process {os.getpid()}, has lth_utils {ours}", reason)
    assert "install 0.9.0 there" in reason and not list(tmp_path.iterdir())


def package_of_version(folder, version):
    """A copy of this package that says it is of another version."""
    source = Path(lth_utils.__file__).parent
    shutil.copytree(source, folder / "lth_utils", ignore=shutil.ignore_patterns("*.nb?"))
    init = folder / "lth_utils" / "__init__.py"
    text = init.read_text().replace('version("lth_utils")', repr(version))
    assert version in text
    init.write_text(text)


@pytest.mark.filterwarnings("ignore")
def test_a_dask_worker_of_another_version_is_refused_by_name(tmp_path, monkeypatch):
    """A scheduler of this version and a worker process that imports another one."""
    distributed = pytest.importorskip("distributed")
    package_of_version(tmp_path / "other", "0.99.0")
    store = Store(tmp_path / "outputs")
    with distributed.LocalCluster(
        n_workers=0, dashboard_address=None, local_directory=str(tmp_path / "dask")
    ) as cluster:
        command = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address]
        worker = subprocess.Popen(
            [*command, "--no-dashboard", "--nthreads", "1", "--local-directory", str(tmp_path)],
            env={**os.environ, "PYTHONPATH": str(tmp_path / "other")},
            cwd=tmp_path,
            stderr=subprocess.DEVNULL,
        )
        try:
            with distributed.Client(cluster) as client:
                executor = client.get_executor(pure=False)
                for _ in range(2):
                    with pytest.raises(sweep.SweepError, match=r"has lth_utils 0\.99\.0") as error:
                        sweep.run([SPEC], store, device="cpu", executor=executor)
                    assert lth_utils.__version__ in str(error.value)
        finally:
            worker.terminate()
            worker.wait()
    assert not store.done(run_id(SPEC)) and not list(store.runs.glob("*/*"))


def test_what_a_worker_wrote_elsewhere_is_missing_here(tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "VISIBLE_AFTER", 0.3)
    run_chunk = sweep.run_chunk
    elsewhere = Store(tmp_path / "elsewhere")
    monkeypatch.setattr(
        sweep, "run_chunk", lambda specs, store, *rest: run_chunk(specs, elsewhere, *rest)
    )
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(sweep.SweepError, match="must see this folder under the same path"),
    ):
        sweep.run([SPEC], Store(tmp_path / "here"), device="cpu", executor=executor)


# executors that end


def test_an_executor_that_takes_no_work_is_said(tmp_path):
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(sweep.SweepError, match=r"takes no work.* 0 of 1 runs are finished and"):
        sweep.run([SPEC], Store(tmp_path), device="cpu", executor=executor)


def test_a_chunk_whose_worker_fails_takes_no_other_along(tmp_path, monkeypatch):
    run_chunk = sweep.run_chunk

    def fails_for_one(specs, *rest):
        if specs[0].seed == 1:
            raise AttributeError("no such function here")
        return run_chunk(specs, *rest)

    monkeypatch.setattr(sweep, "run_chunk", fails_for_one)
    specs, store = expand(SPEC, {"seed": [0, 1, 2]}), Store(tmp_path)
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(sweep.SweepError, match=r"1 of 3 .*\n.*seed1-.*no such function here"),
    ):
        sweep.run(specs, store, device="cpu", executor=executor)
    assert [store.done(run_id(spec)) for spec in specs] == [True, False, True]


@pytest.mark.filterwarnings("ignore")
def test_a_closed_scheduler_says_what_was_kept(tmp_path):
    distributed = pytest.importorskip("distributed")
    specs, store = expand(slow_specs()[0], {"seed": list(range(30))}), Store(tmp_path / "outputs")
    cluster = distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        dashboard_address=None,
        local_directory=str(tmp_path / "dask"),
    )
    client = distributed.Client(cluster)

    def close_when_one_is_finished():
        while not list(store.runs.glob("*/done.json")):
            time.sleep(0.01)
        cluster.close()

    closer = threading.Thread(target=close_when_one_is_finished)
    closer.start()
    try:
        match = r"executor was closed or lost a worker .*; \d+ of 30 runs are finished and kept"
        with pytest.raises(sweep.SweepError, match=match) as error:
            sweep.run(specs, store, device="cpu", executor=client.get_executor(pure=False))
    finally:
        closer.join()
        client.close()
    finished = sum(store.done(run_id(spec)) for spec in specs)
    assert 1 <= finished < 30 and f"; {finished} of 30 runs" in str(error.value)
    assert not store.check()
    assert len(sweep.run(specs, store, device="cpu").reused) >= finished
