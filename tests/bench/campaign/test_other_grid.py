"""A campaign goes on with other methods, tasks and lags than it began with; what it has is not run again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest

from longlag.bench import store
from longlag.bench.campaign.profile import Profile
from longlag.bench.contract.errors import BadInput
from longlag.bench.store.studies import storage_of
from tests.bench.conftest import Stops

Campaign = Callable[..., list[dict[str, Any]]]
Trials = Callable[[Path], pd.DataFrame]


@pytest.fixture(scope="module")
def wide(make_profile: Callable[..., Profile]) -> Profile:
    return make_profile(methods=["nothing", "climber"])


@pytest.fixture(scope="module")
def narrow(make_profile: Callable[..., Profile]) -> Profile:
    return make_profile()


@pytest.fixture(scope="module")
def whole(wide: Profile, campaign: Campaign, inline: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "c"
    campaign(wide, folder, inline)
    return folder


def test_a_finished_campaign_takes_another_method(
    narrow: Profile,
    wide: Profile,
    whole: Path,
    campaign: Campaign,
    inline: Any,
    trials: Trials,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "c"
    campaign(narrow, folder, inline)
    fresh = campaign(wide, folder, inline, resume=True)
    assert {row["method"] for row in fresh} == {"climber"}
    pd.testing.assert_frame_equal(trials(folder), trials(whole))
    manifest = store.read_manifest(folder)
    assert manifest.profile["methods"] == ["nothing", "climber"]
    assert manifest.resumed[0]["methods"] == ["nothing"]
    studies = optuna.get_all_study_names(storage_of(folder / store.STUDIES))
    assert len(studies) == len(set(studies)) == 4


def test_an_unfinished_campaign_ends_with_fewer(
    narrow: Profile,
    wide: Profile,
    complete_narrow: Path,
    campaign: Campaign,
    inline: Any,
    trials: Trials,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "c"
    with pytest.raises(KeyboardInterrupt):
        campaign(wide, folder, Stops(inline, 2))
    campaign(narrow, folder, inline, resume=True)
    pd.testing.assert_frame_equal(trials(folder), trials(complete_narrow))
    assert not (folder / store.JOURNAL).exists()


def test_a_finished_climb_goes_on_to_longer_lags(
    make_profile: Callable[..., Profile], campaign: Campaign, inline: Any, trials: Trials, tmp_path: Path
) -> None:
    low, high = (make_profile(methods=["climber"], lags=f"climb:1..{last}") for last in (2, 20))
    campaign(low, tmp_path / "c", inline)
    fresh = campaign(high, tmp_path / "c", inline, resume=True)
    campaign(high, tmp_path / "whole", inline)
    assert {row["lag"] for row in fresh} == {5, 10}
    pd.testing.assert_frame_equal(trials(tmp_path / "c"), trials(tmp_path / "whole"))
    assert store.read_manifest(tmp_path / "c").resumed[0]["lags"] == "climb:1..2"


@pytest.fixture(scope="module")
def complete_narrow(
    narrow: Profile, campaign: Campaign, inline: Any, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("narrow") / "c"
    campaign(narrow, folder, inline)
    return folder


def test_what_is_left_out_comes_back(
    narrow: Profile,
    wide: Profile,
    whole: Path,
    campaign: Campaign,
    inline: Any,
    trials: Trials,
    tmp_path: Path,
) -> None:
    folder = shutil.copytree(whole, tmp_path / "c")
    assert campaign(narrow, folder, inline, resume=True) == []
    assert set(trials(folder)["method"]) == {"nothing"}
    assert (folder / store.LEFT_OUT).exists()
    assert campaign(wide, folder, inline, resume=True) == []
    for name in (store.TRIALS, store.CURVES, store.PROBES, store.EXTRAPOLATION):
        pd.testing.assert_frame_equal(pd.read_parquet(folder / name), pd.read_parquet(whole / name))
    assert not (folder / store.LEFT_OUT).exists()


def test_nothing_but_the_grid_may_differ(
    make_profile: Callable[..., Profile], whole: Path, campaign: Campaign, inline: Any, tmp_path: Path
) -> None:
    folder = shutil.copytree(whole, tmp_path / "c")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(BadInput, match="its retests: 2"):
        campaign(make_profile(methods=["nothing"], retests=3), folder, inline, resume=True)
    with pytest.raises(BadInput, match="its methods: "):
        campaign(make_profile(), folder, inline)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_command_line_takes_another_method(
    whole: Path, longlag: Callable[..., tuple[object, str]], tmp_path: Path
) -> None:
    folder = shutil.copytree(whole, tmp_path / "c")
    code, printed = longlag("run", "--resume", "--out", str(folder), "--methods", "nothing", "--jobs", "1")
    assert code == 0, printed
    assert "its methods were others until now" in printed
    assert "its tasks were others" not in printed
    ours = [row for row in store.rows(whole) if row["method"] == "nothing"]
    assert f"{len(ours)} trials are known, and not run again" in printed
    manifest = store.read_manifest(folder)
    assert (manifest.campaign, manifest.finished is None) == ("chores", False)
    assert set(pd.read_parquet(folder / store.TRIALS).method) == {"nothing"}
