"""What the tests of campaigns share: a plugin file that does nothing, and campaigns that take seconds."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from longlag.bench.campaign.coordinator import Coordinator
from longlag.bench.campaign.profile import Profile, parse
from longlag.bench.cli.app import main
from longlag.bench.plugins.registry import discover
from longlag.bench.store import JOURNAL, TRIALS, named
from longlag.bench.trial.spec import Case, Checks, Limits, Outcome, TrialSpec
from longlag.bench.workers.pool import LocalPool
from longlag.bench.workers.worker import execute

CHORES = str(Path(__file__).with_name("chores.py"))

MakeSpec = Callable[..., TrialSpec]
MakeProfile = Callable[..., Profile]
Command = Callable[..., tuple[object, str]]


class Inline:
    """An executor without processes: a trial is run when it is submitted."""

    slots = 1

    def submit(self, spec: TrialSpec) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(Outcome(**execute(asdict(spec))))
        return future

    def outcome(self, future: Future[Any]) -> Outcome:
        outcome: Outcome = future.result()
        return outcome

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def chores() -> str:
    return CHORES


@pytest.fixture(scope="session")
def inline() -> Inline:
    return Inline()


@pytest.fixture(scope="session")
def make_spec() -> MakeSpec:
    """A trial of a method of chores.py that takes a moment."""

    def make(method: str = "nothing", number: int = 0, **hyperparameters: Any) -> TrialSpec:
        return TrialSpec(
            case=Case(method, "chore", "standard", 1),
            phase="tune",
            number=number,
            seed=number,
            hyperparameters=hyperparameters,
            limits=Limits(1e4, updates=2),
            checks=Checks(4, 4, 4),
            plugins=(CHORES,),
        )

    return make


@pytest.fixture(scope="session")
def make_profile() -> MakeProfile:
    """A campaign of two cases of chores.py; a second or two."""

    def make(**changes: Any) -> Profile:
        base = {
            "name": "chores",
            "methods": ["nothing"],
            "tasks": [{"task": "chore"}],
            "lags": [1, 2],
            "trials": 6,
            "batch": 3,
            "startup": 3,
            "retests": 2,
            "budget": 1e4,
            "updates": 2,
            "timeout": 60,
            "memory": 1,
            "checks": {"validation": 4, "confirmation": 4, "test": 4},
            "plugins": [CHORES],
        }
        return parse({**base, **changes}, "test")

    return make


@pytest.fixture(scope="session")
def longlag() -> Command:
    """Runs the command line in this process; its exit code and what it printed, errors last."""

    def run(*arguments: str) -> tuple[object, str]:
        out, err = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.setattr(sys, "argv", ["longlag", *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        return ended.value.code, out.getvalue() + err.getvalue()

    return run


@pytest.fixture(scope="session")
def campaign() -> Callable[..., list[dict[str, Any]]]:
    """Runs a campaign to its end; the rows that were run now, without those known from before."""

    def run(profile: Profile, folder: Path, executor: Any, resume: bool = False) -> list[dict[str, Any]]:
        fresh: list[dict[str, Any]] = []
        coordinator = Coordinator(profile, discover(tuple(profile.plugins)), folder).open(resume=resume)
        try:
            if not coordinator.complete:
                coordinator.run(executor, lambda row, curve: None if curve is None else fresh.append(row))
        finally:
            coordinator.close()
        return fresh

    return run


@pytest.fixture(scope="module")
def complete(
    profile: Profile, campaign: Callable[..., Any], inline: Inline, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a complete campaign of the module's `profile`."""
    folder = tmp_path_factory.mktemp("complete") / "c"
    campaign(profile, folder, inline)
    return folder


@pytest.fixture(scope="session")
def trials() -> Callable[[Path], pd.DataFrame]:
    """The rows of a complete campaign, without the columns that tell the time."""

    def read(folder: Path) -> pd.DataFrame:
        return pd.read_parquet(folder / TRIALS).drop(columns=named("time"))

    return read


@pytest.fixture(scope="package")
def pool() -> Iterator[LocalPool]:
    """Two workers, for all tests that only need some."""
    made = LocalPool(2, timeout=60, memory_gb=1)
    yield made
    made.close()


class Stops:
    """An executor that is interrupted after some trials."""

    slots = 1

    def __init__(self, inner: Any, trials: int) -> None:
        self.inner = inner
        self.left = trials

    def submit(self, spec: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return self.inner.submit(spec)

    def outcome(self, future: Any) -> Any:
        return self.inner.outcome(future)


@pytest.fixture(scope="session")
def profile(make_profile: Callable[..., Profile]) -> Profile:
    """A campaign of two cases of four trials each."""
    return make_profile(trials=4, batch=2)


@pytest.fixture(scope="session")
def halfway(
    profile: Profile, campaign: Callable[..., Any], inline: Any, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The same, unfinished, one of its two studies stored."""
    folder = tmp_path_factory.mktemp("halfway") / "c"
    with pytest.raises(KeyboardInterrupt):
        campaign(profile, folder, Stops(inline, 6))
    assert (folder / JOURNAL).read_bytes().count(b"\n") >= 4
    return folder
