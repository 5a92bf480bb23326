"""Killed at any moment, a campaign is finished by running it again: nothing lost, nothing run twice."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import optuna
import pandas as pd
import psutil
import pytest

from longlag.bench import store
from longlag.bench.campaign import coordinator
from longlag.bench.campaign.coordinator import Coordinator
from longlag.bench.campaign.profile import Profile
from longlag.bench.contract.errors import BadInput
from longlag.bench.plugins.registry import discover
from longlag.bench.store.journal import lines
from longlag.bench.store.studies import storage_of
from longlag.bench.trial.spec import Outcome, TrialSpec

Campaign = Callable[..., list[dict[str, Any]]]
Trials = Callable[[Path], pd.DataFrame]


def in_child(function: Callable[[], object], wait: float | None = None) -> int:
    """Run `function` in a fork of this process; kill it after `wait` seconds. Its wait status."""
    with warnings.catch_warnings():
        # The child never touches the threads of the parent.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        try:
            function()
            os._exit(0)
        except BadInput as error:
            os.write(2, f"{error}\n".encode())
            os._exit(2)
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
            os._exit(99)
    if wait is not None:
        time.sleep(wait)
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def known(folder: Path) -> set[str]:
    """The runs whose rows are safe."""
    found = {line.entry["row"]["run_id"] for line in lines(folder / store.JOURNAL) if line.entry}
    if (folder / store.TRIALS).exists():
        found |= set(pd.read_parquet(folder / store.TRIALS).run_id)
    return found


class Watched:
    """Runs trials in this process, and writes down which."""

    slots = 1

    def __init__(self, inner: Any, log: Path) -> None:
        self.inner = inner
        self.log = log

    def submit(self, spec: TrialSpec) -> Future[Any]:
        with self.log.open("a") as file:
            file.write(spec.run_id + "\n")
        return self.inner.submit(spec)  # type: ignore[no-any-return]

    def outcome(self, future: Future[Any]) -> Outcome:
        return self.inner.outcome(future)  # type: ignore[no-any-return]

    def close(self) -> None:
        pass


CLIMB = {"methods": ["climber", "nothing"], "lags": "climb:1..20", "bisect": True, "retests_unsolved": 1}


@pytest.fixture(scope="module", params=[{}, CLIMB], ids=["lags", "climb"])
def profile(make_profile: Callable[..., Profile], request: pytest.FixtureRequest) -> Profile:
    return make_profile(**request.param)


def test_killed_at_random_moments(
    profile: Profile, complete: Path, campaign: Campaign, trials: Trials, inline: Any, tmp_path: Path
) -> None:
    started = time.monotonic()
    in_child(lambda: campaign(profile, tmp_path / "timed", inline))
    longest = 0.5 * (time.monotonic() - started)
    chance = random.Random(7)
    folder, log = tmp_path / "c", tmp_path / "log"
    log.touch()
    executor = Watched(inline, log)
    kills = 0
    while not (folder / store.MANIFEST).exists() or store.read_manifest(folder).finished is None:
        safe, before = known(folder), len(log.read_text())
        status = in_child(
            lambda: campaign(profile, folder, executor, resume=True),
            chance.uniform(0, longest * (1 + kills / 5)),
        )
        assert os.WIFSIGNALED(status) or status == 0
        kills += os.WIFSIGNALED(status)
        assert safe <= known(folder)
        assert not safe & set(log.read_text()[before:].split())
        assert kills < 100
    assert kills >= 3
    campaign(profile, folder, executor, resume=True)
    pd.testing.assert_frame_equal(trials(folder), trials(complete))


def dying(step: int, action: Callable[[], Any]) -> None:
    """Do `action`, but die before the durable step numbered `step` / 2, or right after it."""
    count = 0

    def around(real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **more: Any) -> Any:
            nonlocal count
            count += 1
            if 2 * count == step + 2:
                os.kill(os.getpid(), signal.SIGKILL)
            result = real(*arguments, **more)
            if 2 * count + 1 == step + 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return called

    for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink")):
        setattr(owner, name, around(getattr(owner, name)))
    action()


def test_killed_before_and_after_every_durable_step(
    make_profile: Callable[..., Profile], campaign: Campaign, trials: Trials, inline: Any, tmp_path: Path
) -> None:
    profile = make_profile(lags=[1], trials=2, batch=2, retests=1)
    reference = tmp_path / "reference"
    campaign(profile, reference, inline)

    step = 0
    while True:
        folder = tmp_path / f"{step}"
        status = in_child(
            lambda folder=folder, step=step: dying(step, lambda: campaign(profile, folder, inline))  # type: ignore[misc]
        )
        if status == 0:
            break
        assert os.WIFSIGNALED(status)
        campaign(profile, folder, inline, resume=True)
        pd.testing.assert_frame_equal(trials(folder), trials(reference))
        assert not (folder / store.JOURNAL).exists()
        assert not list(folder.glob("*damaged*"))
        step += 1
    assert step > 20


def test_killed_while_it_leaves_out_what_it_had(
    make_profile: Callable[..., Profile], campaign: Campaign, trials: Trials, inline: Any, tmp_path: Path
) -> None:
    wide, narrow = (
        make_profile(methods=methods, lags=[1], trials=1, retests=1)
        for methods in (["nothing", "climber"], ["nothing"])
    )
    reference = tmp_path / "reference"
    campaign(wide, reference, inline)
    step = 0
    while True:
        folder = shutil.copytree(reference, tmp_path / f"{step}")
        status = in_child(
            lambda folder=folder, step=step: dying(  # type: ignore[misc]
                step, lambda: campaign(narrow, folder, inline, resume=True)
            )
        )
        assert campaign(narrow, folder, inline, resume=True) == []
        assert set(trials(folder)["method"]) == {"nothing"}
        assert campaign(wide, folder, inline, resume=True) == []
        for name in (store.TRIALS, store.CURVES, store.PROBES):
            pd.testing.assert_frame_equal(pd.read_parquet(folder / name), pd.read_parquet(reference / name))
        if status == 0:
            break
        # Before some steps and after others.
        step += 3
    assert step > 20


def test_a_disk_that_fills_up(
    profile: Profile,
    complete: Path,
    campaign: Campaign,
    trials: Trials,
    inline: Any,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "c"

    def cramped(size: int) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        campaign(profile, folder, inline, resume=True)

    for size in (6_000, 9_000, 14_000):
        safe = known(folder)
        assert os.waitstatus_to_exitcode(in_child(lambda size=size: cramped(size))) == 2  # type: ignore[misc]
        told = capfd.readouterr().err.strip().splitlines()
        assert len(told) == 1
        assert "File too large" in told[0] or "cannot be written" in told[0]
        assert safe <= known(folder)
    assert known(folder)
    campaign(profile, folder, inline, resume=True)
    pd.testing.assert_frame_equal(trials(folder), trials(complete))


def test_studies_that_cannot_be_written_cost_no_trial(
    profile: Profile,
    complete: Path,
    campaign: Campaign,
    trials: Trials,
    inline: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "c"
    with monkeypatch.context() as patch:
        patch.setattr(coordinator.Studies, "add", Mock(side_effect=OSError(28, "No space left on device")))
        with pytest.raises(
            BadInput, match=r"studies\.log: cannot be written: .*all finished trials are safe"
        ):
            campaign(profile, folder, inline)
    assert known(folder)
    campaign(profile, folder, inline, resume=True)
    pd.testing.assert_frame_equal(trials(folder), trials(complete))


def test_a_complete_campaign_is_not_run_again(profile: Profile, complete: Path, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    shutil.copytree(complete, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    coordinator = Coordinator(profile, discover(tuple(profile.plugins)), folder).open(resume=False)
    assert coordinator.complete
    coordinator.close()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_no_trial_is_left_running_in_the_studies(complete: Path) -> None:
    storage = storage_of(complete / store.STUDIES)
    names = optuna.get_all_study_names(storage)
    # Two lags; or five rungs of one climb, of which one is between, and one of the other.
    assert len(names) in (2, 6)
    for name in names:
        study = optuna.load_study(study_name=name, storage=storage)
        assert {trial.state for trial in study.trials} == {optuna.trial.TrialState.COMPLETE}
        assert len(study.trials) == 6


def test_an_unfinished_campaign_is_resumed_only_on_request(
    profile: Profile, inline: Any, campaign: Campaign, tmp_path: Path
) -> None:
    folder = tmp_path / "c"
    coordinator = Coordinator(profile, discover(tuple(profile.plugins)), folder).open(resume=False)
    with pytest.raises(BadInput, match="another coordinator"):
        Coordinator(profile, discover(tuple(profile.plugins)), folder).open(resume=True)
    coordinator.close()
    with pytest.raises(BadInput, match="add --resume"):
        campaign(profile, folder, inline)


def test_the_manifest_tells_how_it_came_about(
    profile: Profile, complete: Path, inline: Any, campaign: Campaign, tmp_path: Path
) -> None:
    manifest = store.read_manifest(complete)
    assert manifest.version == store.SCHEMA
    assert {"commit", "dirty"} == set(manifest.git)
    assert manifest.machine["cpu"]
    assert manifest.machine["threads_per_worker"] == 1
    assert {"torch", "optuna", "python"} <= set(manifest.versions)
    folder = tmp_path / "c"
    Coordinator(profile, discover(tuple(profile.plugins)), folder).open(resume=False).close()
    first = store.read_manifest(folder)
    store.write_manifest(folder, first.model_copy(update={"command": "longlag run by hand"}))
    campaign(profile, folder, inline, resume=True)
    resumed = store.read_manifest(folder)
    assert resumed.command == "longlag run by hand"
    assert resumed.created == first.created
    assert len(resumed.resumed) == 1
    assert resumed.resumed[0]["command"] != "longlag run by hand"


@pytest.mark.slow
def test_the_command_killed_and_interrupted(
    make_profile: Callable[..., Profile],
    campaign: Campaign,
    trials: Trials,
    inline: Any,
    tmp_path: Path,
) -> None:
    profile = make_profile(methods=["waits"], lags=[1], trials=6, retests=2)
    toml = tmp_path / "chores.toml"
    toml.write_text(_toml(profile))
    folder = tmp_path / "c"
    started = [sys.executable, "-m", "longlag", "run", "--out", str(folder), "--jobs", "2"]
    environment = {**os.environ, "LONGLAG_TEST_FOLDER": str(tmp_path)}

    def start(*more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*started, *more],
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # As a terminal starts it: whoever runs the tests in the background may ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def rows_of(process: subprocess.Popen[str], count: int) -> None:
        deadline = time.monotonic() + 120
        while len(known(folder)) < count:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.02)

    first = start("--profile", str(toml))
    rows_of(first, 2)
    workers = [int(path.stem) for path in tmp_path.glob("*.busy")]
    first.kill()
    first.communicate()
    time.sleep(0.5)
    assert workers
    assert not [pid for pid in workers if psutil.pid_exists(pid) and _runs(pid)]
    safe = known(folder)

    second = start("--resume")
    rows_of(second, len(safe) + 1)
    interrupted = time.monotonic()
    second.send_signal(signal.SIGINT)
    second.wait(timeout=30)
    taken = time.monotonic() - interrupted
    printed, _ = second.communicate(timeout=30)
    crowded = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert taken < 5 * crowded
    assert second.returncode == 130
    assert f"longlag run --resume --out {folder}" in printed
    assert f"{len(safe)} trials are known, and not run again" in printed
    assert "Traceback" not in printed
    assert safe < known(folder)

    campaign(profile, folder, inline, resume=True)
    campaign(profile, tmp_path / "reference", inline)
    pd.testing.assert_frame_equal(trials(folder), trials(tmp_path / "reference"))


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _toml(profile: Profile) -> str:
    data = profile.model_dump(exclude_none=True)
    data.pop("name")
    tables = {name: data.pop(name) for name in ("checks", "tasks")}
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in data.items())
    text += "[checks]\n" + "".join(f"{key} = {value}\n" for key, value in tables["checks"].items())
    for grid in tables["tasks"]:
        text += "[[tasks]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in grid.items())
    return text


def test_a_climb_is_not_resumed_with_another_rule(
    make_profile: Callable[..., Profile], campaign: Campaign, inline: Any, tmp_path: Path
) -> None:
    climb = {**CLIMB, "lags": "climb:1..2", "trials": 1, "retests": 1, "budget": {"at": 1, "flops": 1e4}}
    campaign(make_profile(**climb), tmp_path / "c", inline)
    with pytest.raises(BadInput, match="its budget: "):
        campaign(
            make_profile(**{**climb, "budget": {"at": 1, "flops": 1e4, "grows": "lag^2"}}),
            tmp_path / "c",
            inline,
            resume=True,
        )
    with pytest.raises(BadInput, match="its bisect: True"):
        campaign(make_profile(**{**climb, "bisect": False}), tmp_path / "c", inline, resume=True)
