"""What batch systems do to a campaign: jobs that end, a scheduler and a coordinator that go and come."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from longlag.bench import store
from longlag.bench.campaign.profile import Profile, read
from longlag.bench.contract.errors import BadInput
from longlag.bench.store.journal import lines
from longlag.bench.workers.cluster import DaskExecutor
from longlag.bench.workers.pool import LocalPool
from tests.bench.workers.clusters import After, Cluster, kill

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        yield made
    finally:
        made.stop()


PROFILE = """
name = "chores"
methods = ["waits"]
tasks = [{ task = "chore" }]
lags = [1, 2]
trials = 6
batch = 3
startup = 3
retests = 2
budget = 1e4
updates = 2
timeout = 60
checks = { validation = 4, confirmation = 4, test = 4 }
"""


@pytest.fixture
def written(chores: str, tmp_path: Path) -> Path:
    plugin, path = tmp_path / "mine.py", tmp_path / "chores.toml"
    shutil.copy(chores, plugin)
    path.write_text(f'{PROFILE}plugins = ["{plugin}"]\n')
    return path


@pytest.fixture
def profile(written: Path) -> Profile:
    return read(str(written))


@pytest.fixture
def expected(
    profile: Profile, campaign: Callable[..., Any], trials: Callable[[Path], pd.DataFrame], tmp_path: Path
) -> pd.DataFrame:
    """The rows of the same campaign on one machine."""
    local = LocalPool(1, profile.timeout, profile.memory)
    try:
        campaign(profile, tmp_path / "local", local)
    finally:
        local.close()
    return trials(tmp_path / "local")


@pytest.mark.parametrize("told", ["lifetime", "job"])
def test_no_trial_starts_on_a_worker_that_might_not_live_to_its_end(
    told: str,
    cluster: Cluster,
    profile: Profile,
    expected: pd.DataFrame,
    campaign: Callable[..., Any],
    trials: Callable[[Path], pd.DataFrame],
    tmp_path: Path,
) -> None:
    short, long = tmp_path / "short", tmp_path / "long"
    short.mkdir()
    long.mkdir()
    if told == "lifetime":
        cluster.worker("--lifetime", "50s", LONGLAG_TEST_FOLDER=str(short))
    else:
        cluster.worker(LONGLAG_TEST_FOLDER=str(short), SLURM_JOB_END_TIME=str(int(time.time()) + 50))
    with pytest.raises(
        BadInput, match=r"a trial may take 60 s \(timeout\), and no worker there lives as long"
    ):
        DaskExecutor.connect(cluster.address, profile.timeout, profile.memory)
    cluster.worker(LONGLAG_TEST_FOLDER=str(long))
    for _ in range(200):
        try:
            executor = DaskExecutor.connect(cluster.address, profile.timeout, profile.memory)
            break
        except BadInput:
            time.sleep(0.1)
    try:
        assert executor.slots == 1
        campaign(profile, tmp_path / "dask", executor)
    finally:
        executor.close()
    pd.testing.assert_frame_equal(trials(tmp_path / "dask"), expected)
    assert list(long.iterdir())
    assert not list(short.iterdir())


def test_a_scheduler_that_is_lost_and_found_again_costs_no_trial(
    cluster: Cluster,
    profile: Profile,
    expected: pd.DataFrame,
    campaign: Callable[..., Any],
    trials: Callable[[Path], pd.DataFrame],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("longlag.bench.workers.cluster._PATIENCE", 20.0)
    cluster.worker()

    def replaced() -> None:
        for process in list(cluster.processes):
            kill(process)
        cluster.scheduler()
        cluster.worker()

    executor = DaskExecutor.connect(cluster.address, profile.timeout, profile.memory)
    try:
        fresh = campaign(profile, tmp_path / "dask", After(executor, 3, replaced))
    finally:
        executor.close()
    assert len(cluster.processes) == 4
    assert len(fresh) == len(expected)
    pd.testing.assert_frame_equal(trials(tmp_path / "dask"), expected)


def test_no_more_trials_at_once_than_asked(cluster: Cluster, make_spec: Callable[..., Any]) -> None:
    cluster.worker()
    cluster.worker()
    executor = DaskExecutor.connect(cluster.address, 60, 1, most=1)
    running: list[int] = []
    try:
        futures = [executor.submit(make_spec("nothing", number, rate=0.1)) for number in range(6)]
        while not all(future.done() for future in futures):
            info = executor._client.processing()
            running.append(sum(map(len, info.values())))
            time.sleep(0.02)
        assert {executor.outcome(future).status for future in futures} <= {"improving", "plateau", "vanished"}
    finally:
        executor.close()
    assert executor.slots == 1
    assert max(running) == 1


def test_four_workers_are_nearly_four_times_as_fast_as_one(
    cluster: Cluster, make_spec: Callable[..., Any]
) -> None:
    """What is between the trials, that is: they sleep, so that it takes no machine of four cores."""

    def took(workers: int, trials: int) -> float:
        executor = DaskExecutor.connect(cluster.address, 60, 1)
        try:
            started = time.monotonic()
            while executor.slots < workers and time.monotonic() - started < 60:
                time.sleep(0.1)
            assert executor.slots == workers
            # The first trial of a worker loads plugins and torch.
            for count in (2 * workers, trials):
                start = time.monotonic()
                specs = [make_spec("sleeper", workers * trials + n, rate=0.1) for n in range(count)]
                futures = [executor.submit(spec) for spec in specs]
                ended = {executor.outcome(future).status for future in futures}
                assert ended <= {"improving", "plateau", "vanished"}
            return time.monotonic() - start
        finally:
            executor.close()

    cluster.worker()
    alone = took(1, 12)
    for _ in range(3):
        cluster.worker()
    assert alone / took(4, 12) >= 3.5


def test_a_coordinator_that_is_killed_goes_on_where_it_was(
    cluster: Cluster,
    written: Path,
    expected: pd.DataFrame,
    trials: Callable[[Path], pd.DataFrame],
    tmp_path: Path,
) -> None:
    cluster.worker(LONGLAG_TEST_FOLDER=str(tmp_path))
    folder = tmp_path / "dask"
    command = [sys.executable, "-m", "longlag", "run", "--out", str(folder), "--dask", cluster.address]
    first = subprocess.Popen([*command, "--profile", str(written)], start_new_session=True)
    journal = folder / store.JOURNAL
    started = time.monotonic()
    while (not journal.exists() or sum(1 for _ in lines(journal)) < 3) and time.monotonic() - started < 90:
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    kept = sum(1 for _ in lines(journal))
    assert 3 <= kept < len(expected)
    subprocess.run([*command, "--resume"], check=True, timeout=150)
    pd.testing.assert_frame_equal(trials(folder), expected)


SBATCH = """#!/bin/sh
# What a batch system does: take the script, say its number, run it somewhere.
export SLURM_JOB_END_TIME=$(($(date +%s) + 600))
for script; do :; done
cp "$script" "$script.kept"
setsid sh "$script.kept" > "{folder}/job.log" 2>&1 &
echo "Submitted batch job $!"
"""


def test_jobs_of_a_batch_system_are_workers(
    make_spec: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobqueue = pytest.importorskip("dask_jobqueue")
    for name, text in (
        ("sbatch", SBATCH.replace("{folder}", str(tmp_path))),
        ("scancel", "#!/bin/sh\nkill -- -$1\n"),
    ):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with jobqueue.SLURMCluster(
        cores=1,
        processes=1,
        memory="1GB",
        walltime="00:10:00",
        python=sys.executable,
        worker_extra_args=["--lifetime", "9m"],
        scheduler_options={"host": "127.0.0.1", "dashboard_address": None},
        local_directory=str(tmp_path),
        log_directory=str(tmp_path),
    ) as cluster:
        cluster.scale(jobs=1)
        executor = DaskExecutor.connect(cluster.scheduler_address, 60, 1)
        try:
            left = next(iter(executor._ends.values())) - time.monotonic()
            assert 400 < left <= 540
            outcome = executor.outcome(executor.submit(make_spec("nothing", rate=0.1)))
            assert outcome.updates > 0
        finally:
            executor.close()
