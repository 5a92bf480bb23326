"""The same campaign on a real Dask cluster: a worker is lost, another joins late, nothing changes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from longlag.bench import store
from longlag.bench.campaign.profile import Profile
from longlag.bench.contract.errors import BadInput
from longlag.bench.store.journal import lines
from longlag.bench.workers.cluster import DaskExecutor
from longlag.bench.workers.pool import LocalPool
from longlag.bench.workers.remote import local_copy
from tests.bench.workers.clusters import After, Cluster, kill

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def profile(
    make_profile: Callable[..., Profile], chores: str, tmp_path_factory: pytest.TempPathFactory
) -> Profile:
    """Two cases that take a moment, and one that misbehaves; the plugin file has a name of its own."""
    plugin = tmp_path_factory.mktemp("plugin") / "mine.py"
    shutil.copy(chores, plugin)
    return make_profile(
        methods=["nothing", "waits", "misbehave"],
        lags=[1],
        trials=8,
        batch=4,
        retests=4,
        timeout=6,
        memory=0.5,
        plugins=[str(plugin)],
    )


def test_a_worker_lost_and_one_late(
    cluster: Cluster,
    profile: Profile,
    campaign: Callable[..., Any],
    trials: Callable[[Path], pd.DataFrame],
    tmp_path: Path,
) -> None:
    local = LocalPool(2, profile.timeout, profile.memory)
    try:
        campaign(profile, tmp_path / "local", local)
    finally:
        local.close()

    first, _ = cluster.worker(), cluster.worker()
    executor = DaskExecutor.connect(cluster.address, profile.timeout, profile.memory)
    folder = tmp_path / "dask"
    seen: list[str] = []

    class Disturbed:
        """Loses a worker while trials run on it, and gains one later."""

        slots = 2

        def submit(self, spec: Any) -> Any:
            seen.append(spec.run_id)
            return executor.submit(spec)

        def outcome(self, future: Any) -> Any:
            outcome = executor.outcome(future)
            done = sum(1 for _ in lines(folder / store.JOURNAL))
            if first.poll() is None and done >= 5:
                kill(first)
            elif first.poll() is not None and len(cluster.processes) == 3:
                cluster.worker()
            return outcome

    try:
        fresh = campaign(profile, folder, Disturbed())
    finally:
        executor.close()
    assert first.poll() is not None
    assert len(cluster.processes) == 4
    assert len(fresh) == len(seen) == len(set(seen)) == 36
    pd.testing.assert_frame_equal(trials(folder), trials(tmp_path / "local"))
    assert {"timeout", "crashed", "out_of_memory", "exploded"} <= set(trials(folder).status)


def test_the_command_runs_on_the_cluster(cluster: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "c"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "longlag",
            "run",
            "--profile",
            "tiny",
            "--out",
            str(out),
            "--dask",
            cluster.address,
        ],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 trials" in done.stdout
    assert len(pd.read_parquet(out / store.TRIALS)) == 10


def test_a_plugin_travels_as_text(chores: str, tmp_path: Path) -> None:
    text = Path(chores).read_text()
    assert local_copy(chores, text) == chores
    copy = Path(local_copy(str(tmp_path / "elsewhere" / "mine.py"), text))
    assert copy.name == "mine.py"
    assert copy.read_text() == text
    assert local_copy(str(tmp_path / "elsewhere" / "mine.py"), text) == str(copy)
    assert local_copy(str(copy), text + "# changed") != str(copy)


def test_no_scheduler_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longlag.bench.workers.cluster._PATIENCE", 1.0)
    with pytest.raises(BadInput, match=r"--dask tcp://127\.0\.0\.1:9: no scheduler there"):
        DaskExecutor.connect("tcp://127.0.0.1:9", 1, 1)
    with pytest.raises(BadInput, match="no scheduler there"):
        DaskExecutor.connect("nonsense://x", 1, 1)


def test_a_scheduler_that_does_not_come_back_is_one_clear_line(
    make_profile: Callable[..., Profile],
    campaign: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("longlag.bench.workers.cluster._PATIENCE", 3.0)
    monkeypatch.setattr("longlag.bench.workers.cluster._ABSENCE", 3.0)
    cluster = Cluster(tmp_path)
    try:
        cluster.worker("--no-nanny")
        executor = DaskExecutor.connect(cluster.address, 60, 1)
        started = time.monotonic()
        with pytest.raises(BadInput, match="scheduler"):
            campaign(
                make_profile(methods=["waits"], trials=20),
                tmp_path / "c",
                After(executor, 2, lambda: kill(cluster.processes[0])),
            )
        assert time.monotonic() - started < 120
        assert sum(1 for _ in lines(tmp_path / "c" / store.JOURNAL)) >= 2
        executor.close()
    finally:
        cluster.stop()
