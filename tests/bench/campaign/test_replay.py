"""Replay: a stored trial comes out the same, and a difference is told."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from longlag.bench import store
from longlag.bench.campaign import provenance
from longlag.bench.campaign.profile import Profile
from longlag.bench.campaign.replay import Replay, find, replay, spec_of, stored_profile
from longlag.bench.contract.errors import BadInput
from longlag.bench.plugins.registry import discover

Command = Callable[..., tuple[object, str]]


@pytest.fixture(scope="module")
def profile(make_profile: Callable[..., Profile]) -> Profile:
    return make_profile(methods=["nothing", "bad_suggestions"], lags=[1], trials=6, batch=2, cap=1.5)


@pytest.fixture(scope="module")
def again(complete: Path, profile: Profile, inline: Any) -> Callable[[dict[str, Any]], Replay]:
    registry = discover(tuple(profile.plugins))
    return lambda stored: replay(stored, stored_profile(complete), registry, inline)


def test_every_trial_that_ran_comes_out_the_same(
    complete: Path, again: Callable[[dict[str, Any]], Replay]
) -> None:
    never = ("RuntimeError", "ValueError", "TypeError")
    ran = [row for row in store.rows(complete) if not row["detail"].startswith(never)]
    assert len(ran) >= 9
    for stored in ran:
        result = again(stored)
        assert not result.differences
        assert not result.code_changed
        assert result.again["run_id"] == stored["run_id"]


def test_a_difference_is_told(complete: Path, again: Callable[[dict[str, Any]], Replay]) -> None:
    stored = next(row for row in store.rows(complete) if row["method"] == "nothing")
    result = again({**stored, "error": 0.123, "seconds": 99.0, "code_hash": "0" * 12})
    assert set(result.differences) == {"error"}
    assert result.differences["error"][0] == 0.123
    assert result.code_changed


def test_a_column_that_came_later_is_no_difference(
    complete: Path, again: Callable[[dict[str, Any]], Replay]
) -> None:
    stored = next(row for row in store.rows(complete) if row["method"] == "nothing")
    assert not again({**stored, "state_bytes": math.nan}).differences
    assert set(again({**stored, "state_bytes": 7.0}).differences) == {"state_bytes"}


def test_a_trial_that_never_ran_cannot_be_replayed(complete: Path, profile: Profile) -> None:
    stored = next(row for row in store.rows(complete) if row["detail"].startswith("TypeError"))
    with pytest.raises(BadInput, match="never ran, there is nothing to replay: TypeError"):
        spec_of(stored, profile)


def test_a_row_of_another_campaign_is_refused(complete: Path, profile: Profile) -> None:
    stored = next(store.rows(complete))
    other = profile.model_copy(update={"updates": 3})
    with pytest.raises(BadInput, match="do not belong together"):
        spec_of(stored, other)


def test_a_run_is_found_by_the_beginning_of_its_id(complete: Path) -> None:
    runs = [row["run_id"] for row in store.rows(complete)]
    assert find(complete, runs[3])["run_id"] == runs[3]
    assert find(complete, runs[3][:12])["run_id"] == runs[3]
    with pytest.raises(BadInput, match=f"{len(runs)} runs begin|no run ''"):
        find(complete, "")
    changed = runs[3][:-1] + ("0" if runs[3][-1] != "0" else "1")
    with pytest.raises(BadInput, match=f"no run '{changed}': did you mean '{runs[3]}'"):
        find(complete, changed)
    # However many there are.
    for folder in (complete, Path(__file__).parents[3] / "results" / "quick"):
        with pytest.raises(BadInput, match=r"no run 'zz': the first of \d+ is \w+$"):
            find(folder, "zz")


def test_a_spec_survives_its_row(complete: Path, profile: Profile) -> None:
    capped = [row for row in store.rows(complete) if row["cap"] == row["cap"]]
    for stored in capped:
        spec = spec_of(stored, profile)
        assert spec.limits.cap == stored["cap"]
        assert replace(spec, seed=spec.seed + 1).run_id != spec.run_id


def test_the_published_rows_give_the_run_ids_that_they_have() -> None:
    folder = Path(__file__).parents[3] / "results" / "quick"
    published = stored_profile(folder)
    for stored in store.rows(folder):
        assert spec_of(stored, published).run_id == stored["run_id"]


def test_the_command_says_whether_it_came_out_the_same(complete: Path, longlag: Command) -> None:
    run_id = next(row["run_id"] for row in store.rows(complete) if row["method"] == "nothing")
    code, printed = longlag("replay", str(complete), run_id[:10])
    assert code == 0, printed
    assert f"run {run_id} (tune 0 of nothing) came out the same" in printed
    assert "the code has changed" not in printed


def test_the_command_says_where_it_differs(
    complete: Path, monkeypatch: pytest.MonkeyPatch, longlag: Command
) -> None:
    stored = next(row for row in store.rows(complete) if row["method"] == "nothing")
    monkeypatch.setattr(
        "longlag.bench.campaign.replay.find", lambda *_: {**stored, "loss": -1.0, "code_hash": "0" * 12}
    )
    # Of three sittings, the second by the code of the first: nothing is noted of it then.
    later = [{"at": "2026-01-02"}, {"at": "2026-01-03", "git": {"commit": "4" * 40}}]
    manifest = store.read_manifest(complete)
    noted = {
        "git": {"commit": "0123abc", "dirty": False},
        "resumed": later,
        "versions": {**manifest.versions, "numpy": "1.0"},
        "machine": {**manifest.machine, "cpu": "another"},
    }
    manifest = manifest.model_copy(update=noted)
    monkeypatch.setattr(store, "read_manifest", lambda _: manifest)
    code, printed = longlag("replay", str(complete), stored["run_id"])
    assert code == 1
    assert f"its campaign's code was that of 0123abc, {'4' * 12}" in printed
    assert "loss: -1.0 then" in printed
    assert f"cpu was another, and is {provenance.machine()['cpu']}" in printed
    assert f"numpy was 1.0, and is {version('numpy')}" in printed
    assert "torch was" not in printed
    assert f"the code has changed since: {'0' * 12} then, {stored['code_hash']} now" in printed
    assert "did not come out the same" in printed


@pytest.mark.slow
def test_a_trial_on_data_of_the_user_s_is_replayed(
    make_profile: Callable[..., Profile], tmp_path: Path
) -> None:
    data, moved, folder = tmp_path / "data", tmp_path / "moved", tmp_path / "c"
    data.mkdir()
    (data / "numbers").write_text("1 2 3")
    profile = make_profile(tasks=[{"task": "fetched"}], lags=[1], trials=1, retests=1)
    toml = tmp_path / "p.toml"
    keys = profile.model_dump(exclude_none=True, exclude={"tasks", "checks"})
    toml.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items()))
    with toml.open("a") as file:
        file.write('tasks = [{ task = "fetched" }]\n')

    def command(*arguments: str) -> tuple[int, str]:
        # In a process of its own: the server of this one's workers may have another environment already.
        environment = {key: value for key, value in os.environ.items() if key != "LONGLAG_DATA"}
        done = subprocess.run(
            [sys.executable, "-m", "longlag", *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    given = ("--profile", str(toml), "--out", str(folder), "--jobs", "1")
    code, printed = command("run", *given, "--data", "data")
    assert code == 0, printed
    assert store.read_manifest(folder).data == str(data)
    run_id = next(store.rows(folder))["run_id"]
    code, printed = command("replay", str(folder), run_id)
    assert code == 0, printed
    assert "came out the same" in printed
    data.rename(moved)
    code, printed = command("replay", str(folder), run_id)
    assert (code, printed) == (2, "longlag: task 'fetched' needs --data DIR\n")
    code, printed = command("replay", str(folder), run_id, "--data", str(moved))
    assert code == 0, printed


def test_bad_input_is_one_line(complete: Path, tmp_path: Path, longlag: Command) -> None:
    code, printed = longlag("replay", str(tmp_path), "abc")
    assert code == 2
    assert len(printed.strip().splitlines()) == 1
    code, printed = longlag("replay", str(complete), "zz")
    assert code == 2
    assert len(printed.strip().splitlines()) == 1
