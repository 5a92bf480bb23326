"""A trial that met a limit of time or memory is run again when the campaign goes on with a larger one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from longlag.bench import store
from longlag.bench.campaign.profile import Profile
from longlag.bench.trial.spec import Outcome, TrialSpec
from tests.bench.conftest import Stops

Campaign = Callable[..., list[dict[str, Any]]]
Trials = Callable[[Path], pd.DataFrame]


class Small:
    """An executor on whose machine every second trial meets a limit."""

    slots = 1

    def __init__(self, inner: Any, status: Any) -> None:
        self.inner, self.status = inner, status

    def submit(self, spec: TrialSpec) -> Future[Any]:
        if spec.number % 2:
            future: Future[Any] = Future()
            future.set_result(Outcome(self.status, "it was too small"))
            return future
        return self.inner.submit(spec)  # type: ignore[no-any-return]

    def outcome(self, future: Future[Any]) -> Outcome:
        return self.inner.outcome(future)  # type: ignore[no-any-return]


@pytest.fixture(scope="module", params=["out_of_memory", "timeout"])
def status(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def profile(make_profile: Callable[..., Profile]) -> Profile:
    return make_profile()


@pytest.fixture(scope="module")
def raised(profile: Profile, status: str) -> Profile:
    return profile.model_copy(update={"memory": 8.0} if status == "out_of_memory" else {"timeout": 1800.0})


@pytest.fixture(scope="module")
def met(
    profile: Profile, status: str, campaign: Campaign, inline: Any, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A finished campaign, half of whose trials met a limit."""
    folder = tmp_path_factory.mktemp("met") / "c"
    campaign(profile, folder, Small(inline, status))
    return folder


def test_those_that_met_it_are_run_again_and_no_others(
    raised: Profile,
    status: str,
    met: Path,
    complete: Path,
    campaign: Campaign,
    inline: Any,
    trials: Trials,
    tmp_path: Path,
) -> None:
    folder = shutil.copytree(met, tmp_path / "c")
    before = pd.read_parquet(met / store.TRIALS)
    assert (before["status"] == status).sum() >= 2
    fresh = {row["run_id"] for row in campaign(raised, folder, inline, resume=True)}
    assert not fresh & set(before[before["status"] != status]["run_id"])
    assert not (trials(folder)["status"] == status).any()
    pd.testing.assert_frame_equal(trials(folder), trials(complete))
    assert campaign(raised, folder, inline, resume=True) == []


def test_interrupted_at_once_they_are_run_again_later(
    raised: Profile,
    profile: Profile,
    status: str,
    campaign: Campaign,
    inline: Any,
    trials: Trials,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "c"
    with pytest.raises(KeyboardInterrupt):
        campaign(profile, folder, Stops(Small(inline, status), 5))
    with pytest.raises(KeyboardInterrupt):
        campaign(raised, folder, Stops(inline, 0), resume=True)
    campaign(raised, folder, inline, resume=True)
    assert not (trials(folder)["status"] == status).any()


def test_without_a_larger_one_a_finished_campaign_is_left_alone(
    profile: Profile, raised: Profile, met: Path, campaign: Campaign, inline: Any, tmp_path: Path
) -> None:
    folder = shutil.copytree(met, tmp_path / "c")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert campaign(profile, folder, inline, resume=True) == []
    assert campaign(raised, folder, inline) == []
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}
