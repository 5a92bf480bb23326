"""Plugin code that the coordinator calls itself: it may raise, hang or answer nonsense."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from longlag.bench.campaign.grid import ladders
from longlag.bench.contract.errors import BadInput
from longlag.bench.plugins import guard
from longlag.bench.plugins.guard import patience, plain, where
from longlag.bench.plugins.registry import discover


def test_what_hangs_is_ended_and_says_where() -> None:
    def hang() -> None:
        while True:
            with suppress(Exception):
                time.sleep(10)

    started = time.monotonic()
    with pytest.raises(TimeoutError) as caught, patience(0.2):
        hang()
    assert time.monotonic() - started < 2
    assert where(caught.value).startswith("TimeoutError: not done after 0.2 s at test_guard.py:")


def test_what_is_done_in_time_is_left_alone() -> None:
    with patience(0.2):
        pass
    time.sleep(0.3)


def test_a_limit_within_another_leaves_it_as_it_was() -> None:
    def hang() -> None:
        with patience(5):
            time.sleep(0.1)
        time.sleep(10)

    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"after 0\.8 s"), patience(0.8):
        hang()
    assert 0.7 < time.monotonic() - started < 2
    time.sleep(0.6)


def test_of_two_limits_that_end_together_the_inner_one_says_where() -> None:
    with pytest.raises(TimeoutError) as caught, patience(0.2), patience(0.2):
        time.sleep(10)
    assert where(caught.value).startswith("TimeoutError: not done after 0.2 s at test_guard.py:")


def test_a_reason_is_one_line_that_every_file_can_hold() -> None:
    class Rude(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert where(Rude()) == "Rude"
    assert where(ValueError("\ud800\nb")) == "ValueError: ?"
    assert len(plain("x" * 10_000)) == 400


def test_bad_suggestions_cost_their_trials(
    make_profile: Callable[..., Any],
    campaign: Callable[..., Any],
    trials: Callable[[Path], pd.DataFrame],
    inline: Any,
    tmp_path: Path,
) -> None:
    profile = make_profile(methods=["bad_suggestions"], lags=[1], trials=6, batch=6, retests=1)
    campaign(profile, tmp_path / "c", inline)
    rows = trials(tmp_path / "c")
    told = rows[rows.phase == "tune"].sort_values("trial").detail.tolist()
    assert told[0].startswith("RuntimeError: no first guess at chores.py:")
    assert told[1] == "ValueError: 'rate' in the suggestion of bad_suggestions is no JSON value: inf"
    assert told[2].endswith("'rate' in the suggestion of bad_suggestions is no JSON value: <ufunc 'tanh'>")
    assert told[3] == "TypeError: the suggestion of bad_suggestions is a list, not a dictionary"
    assert told[4].startswith("RuntimeError: nothing comes to mind at chores.py:")
    assert rows[rows.phase == "tune"].sort_values("trial").status.tolist()[:5] == ["crashed"] * 5
    assert "crashed" not in rows[rows.trial == 5].status.tolist()
    assert len(rows) == 7


def test_a_hanging_suggestion_costs_its_trial(
    make_profile: Callable[..., Any],
    campaign: Callable[..., Any],
    trials: Callable[[Path], pd.DataFrame],
    inline: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guard, "PATIENCE", 0.5)
    profile = make_profile(methods=["slow_suggestions"], lags=[1], trials=3, retests=1)
    campaign(profile, tmp_path / "c", inline)
    rows = trials(tmp_path / "c").set_index(["phase", "trial"])
    assert rows.loc[("tune", 1)].status == "crashed"
    assert "not done after 0.5 s at chores.py" in rows.loc[("tune", 1)].detail
    assert (rows.drop(index=("tune", 1)).status != "crashed").all()


def test_a_case_that_cannot_be_set_up_is_skipped_with_its_reason(make_profile: Callable[..., Any]) -> None:
    profile = make_profile(methods=["nothing", "unwilling"])
    grid, skipped = ladders(profile, discover(tuple(profile.plugins)))
    assert [ladder.method for ladder in grid] == ["nothing", "nothing"]
    assert len(skipped) == 2
    assert all(why.startswith("RuntimeError: do not ask at chores.py:") for why in skipped.values())


def test_a_campaign_of_skipped_cases_is_refused(
    make_profile: Callable[..., Any], campaign: Callable[..., Any], inline: Any, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="nothing to run: RuntimeError: do not ask"):
        campaign(make_profile(methods=["unwilling"]), tmp_path / "c", inline)
