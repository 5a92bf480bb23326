"""The same profile and seed give the same rows, however many workers there are and whatever came before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from longlag.bench.campaign.profile import Profile
from longlag.bench.plugins.registry import discover
from longlag.bench.store import CURVES, PROBES, named
from longlag.bench.workers.pool import LocalPool


@pytest.fixture(scope="module")
def profile(make_profile: Callable[..., Profile]) -> Profile:
    """Real methods and one that does nothing; TPE from the fourth trial on; some trials fail."""
    return make_profile(
        methods=["lstm", "nothing", "misbehave"],
        tasks=[{"task": "temporal_order:ms11", "lags": [10]}, {"task": "chore"}],
        lags=[1],
        trials=7,
        batch=3,
        updates=3,
        budget=1e8,
        timeout=12,
        memory=0.5,
    )


def tables(folder: Path, trials: Callable[[Path], pd.DataFrame]) -> list[pd.DataFrame]:
    times = named("time")
    return [
        trials(folder),
        pd.read_parquet(folder / CURVES).drop(columns=times),
        pd.read_parquet(folder / PROBES),
    ]


def test_the_number_of_workers_changes_nothing(
    profile: Profile, campaign: Callable[..., Any], trials: Callable[[Path], pd.DataFrame], tmp_path: Path
) -> None:
    # As `longlag run` does: compiling takes longer than a trial may here.
    discover(()).method("lstm").warm_up()
    found = []
    for jobs in (1, 2, 4):
        pool = LocalPool(jobs, profile.timeout, profile.memory)
        try:
            campaign(profile, tmp_path / f"{jobs}", pool)
        finally:
            pool.close()
        found.append(tables(tmp_path / f"{jobs}", trials))
    assert {"crashed", "timeout", "out_of_memory", "exploded"} <= set(found[0][0].status)
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            pd.testing.assert_frame_equal(one, other)


def test_another_seed_gives_other_rows(
    make_profile: Callable[..., Profile],
    campaign: Callable[..., Any],
    trials: Callable[[Path], pd.DataFrame],
    inline: Any,
    tmp_path: Path,
) -> None:
    rows = []
    for seed in (0, 1):
        campaign(make_profile(seed=seed, lags=[1], trials=2), tmp_path / f"{seed}", inline)
        rows.append(trials(tmp_path / f"{seed}"))
    assert not set(rows[0].run_id) & set(rows[1].run_id)
    assert not set(rows[0].hyperparameters) & set(rows[1].hyperparameters)


def test_a_method_more_changes_no_row_of_the_others(
    make_profile: Callable[..., Profile],
    campaign: Callable[..., Any],
    trials: Callable[[Path], pd.DataFrame],
    inline: Any,
    tmp_path: Path,
) -> None:
    campaign(make_profile(lags=[1]), tmp_path / "a", inline)
    campaign(make_profile(lags=[1], methods=["waits", "nothing"]), tmp_path / "b", inline)
    alone, beside = trials(tmp_path / "a"), trials(tmp_path / "b")
    pd.testing.assert_frame_equal(alone, beside[beside.method == "nothing"].reset_index(drop=True))
