"""Longer lags, from the profile to the files: retests alone are asked, and replayed, and nothing changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from longlag.bench import store
from longlag.bench.campaign.profile import Profile
from longlag.bench.campaign.replay import replay, stored_profile
from longlag.bench.contract.errors import BadInput
from longlag.bench.plugins.registry import discover

NEW = ["extrapolates"]


@pytest.fixture(scope="module")
def profile(make_profile: Callable[..., Profile]) -> Profile:
    return make_profile(methods=["climber", "nothing"], lags=[1], budget=1e6, extrapolate=[3, 2, 20_000])


def test_only_the_retests_that_solved_it_are_asked(complete: Path) -> None:
    campaign = store.load(complete)
    asked = campaign.trials.dropna(subset=NEW)
    solved = campaign.trials.query("phase == 'retest' and solved")
    assert asked["run_id"].tolist() == solved["run_id"].tolist()
    assert set(asked["method"]) == {"climber"}
    assert set(asked["extrapolates"]) == {3}
    rows = campaign.extrapolation
    assert rows["run_id"].unique().tolist() == asked["run_id"].tolist()
    assert rows["lag"].tolist() == [2, 3, 20_000] * 2
    assert rows["solved"].tolist() == [True, True, False] * 2
    assert rows["detail"].tolist() == ["", "", "a lag above 10000"] * 2


def test_all_else_is_as_without(
    complete: Path,
    profile: Profile,
    campaign: Callable[..., Any],
    trials: Callable[..., pd.DataFrame],
    inline: Any,
    tmp_path: Path,
) -> None:
    campaign(profile.model_copy(update={"extrapolate": []}), tmp_path / "c", inline)
    without = store.load(tmp_path / "c")
    assert without.extrapolation.empty
    pd.testing.assert_frame_equal(
        trials(complete).drop(columns=NEW), trials(tmp_path / "c").drop(columns=NEW)
    )


def test_a_retest_is_replayed_with_its_longer_lags(complete: Path, profile: Profile, inline: Any) -> None:
    row = next(row for row in store.rows(complete) if row["phase"] == "retest" and row["solved"])
    result = replay(row, stored_profile(complete), discover(tuple(profile.plugins)), inline)
    assert not result.differences
    assert result.again["extrapolates"] == 3


def test_a_lost_table_is_told(complete: Path, tmp_path: Path) -> None:
    """Only where the campaign is older than the table may it be missing."""
    folder = tmp_path / "c"
    folder.mkdir()
    for path in complete.iterdir():
        if path.is_file() and path.name != store.EXTRAPOLATION:
            (folder / path.name).write_bytes(path.read_bytes())
    with pytest.raises(BadInput, match=r"extrapolation\.parquet: missing"):
        store.load(folder)
    table = pd.read_parquet(folder / store.TRIALS).drop(columns=NEW)
    table.to_parquet(folder / store.TRIALS)
    _not_asked(folder)


def test_a_journal_of_before_is_read_as_not_asked(complete: Path, tmp_path: Path) -> None:
    (tmp_path / store.MANIFEST).write_bytes((complete / store.MANIFEST).read_bytes())
    rows = [row for row in store.rows(complete) if row.pop("extrapolates")]
    lines = [json.dumps({"row": row, "curve": [], "probes": []}) for row in rows]
    (tmp_path / store.JOURNAL).write_text("".join(f"{line}\n" for line in lines))
    unfinished = store.read_manifest(complete).model_copy(update={"finished": None})
    store.write_manifest(tmp_path, unfinished)
    assert len(store.load(tmp_path).trials) == len(rows) > 0
    _not_asked(tmp_path)


def _not_asked(folder: Path) -> None:
    campaign = store.load(folder)
    assert campaign.trials["extrapolates"].isna().all()
    assert campaign.extrapolation.empty


@pytest.mark.parametrize("factors", [[1], [0], [2.5], ["2"], 2])
def test_a_factor_is_a_whole_number_above_one(make_profile: Callable[..., Profile], factors: Any) -> None:
    with pytest.raises(BadInput, match="key 'extrapolate"):
        make_profile(extrapolate=factors)
