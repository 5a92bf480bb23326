"""A campaign in several sittings: by changed code only on request, and then it says so; and from a clone."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from longlag.bench import store
from longlag.bench.campaign.coordinator import Coordinator
from longlag.bench.campaign.profile import Profile
from longlag.bench.contract.errors import BadInput
from longlag.bench.plugins.registry import discover
from longlag.bench.workers.hashes import code_hash

Trials = Callable[[Path], pd.DataFrame]


@pytest.fixture
def unfinished(halfway: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(halfway, tmp_path / "mine"))


@pytest.fixture
def resume(profile: Profile, inline: Any) -> Callable[..., list[str]]:
    """Resumes a campaign to its end; the notices."""

    def resume(folder: Path, code_changed: Any = "refuse") -> list[str]:
        coordinator = Coordinator(profile, discover(tuple(profile.plugins)), folder)
        coordinator.open(True, code_changed)
        try:
            coordinator.run(inline, lambda *_: None)
        finally:
            coordinator.close()
        return coordinator.notices

    return resume


def run_by_other_code(folder: Path, count: int) -> list[str]:
    """Let the first `count` rows be other code's; their runs."""
    path = folder / store.JOURNAL
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    for entry in entries[:count]:
        entry["row"]["code_hash"] = "0" * 12
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return [entry["row"]["run_id"] for entry in entries[:count]]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_changed_code_is_refused_and_nothing_touched(
    unfinished: Path, resume: Callable[..., list[str]]
) -> None:
    run_by_other_code(unfinished, 2)
    with (unfinished / store.JOURNAL).open("a") as journal:
        journal.write('{"row": {"run')
    before = contents(unfinished)
    with pytest.raises(BadInput, match="the code has changed since 2 of its trials were run; --code-changed"):
        resume(unfinished)
    assert contents(unfinished) == before


def test_who_goes_on_has_a_mix_that_says_so(
    unfinished: Path, resume: Callable[..., list[str]], complete: Path, trials: Trials
) -> None:
    old = run_by_other_code(unfinished, 2)
    (notice,) = resume(unfinished, "go-on")
    assert "the code has changed since 2 of its trials were run" in notice
    rows, unmixed = trials(unfinished), trials(complete)
    assert set(rows.loc[rows.code_hash == "0" * 12, "run_id"]) == set(old)
    pd.testing.assert_frame_equal(rows.drop(columns="code_hash"), unmixed.drop(columns="code_hash"))
    mixed = store.load(unfinished)
    (run,) = mixed.manifest.resumed
    assert run[store.OTHER_CODE] == 2
    assert mixed.mixed == (
        "1 of its 1 methods on a task have trials of several versions of the code; "
        f"resumed on {run['at'][:10]} by other code than that of 2 of its trials"
    )
    assert not store.load(complete).mixed


def test_a_version_that_computes_counts_as_code(unfinished: Path, resume: Callable[..., list[str]]) -> None:
    manifest = store.read_manifest(unfinished)
    versions = manifest.versions | {"torch": "1.0", "pandas": "0.1"}
    store.write_manifest(unfinished, manifest.model_copy(update={"versions": versions}))
    before = contents(unfinished)
    now = manifest.versions["torch"]
    with pytest.raises(BadInput, match=rf"torch was 1\.0, and is {now.replace('+', '.')};") as refused:
        resume(unfinished)
    assert "pandas" not in str(refused.value)
    assert contents(unfinished) == before
    resume(unfinished, "go-on")
    assert store.load(unfinished).mixed == f"torch was 1.0 and {now}"


def test_how_it_computes_counts_as_code(unfinished: Path, resume: Callable[..., list[str]]) -> None:
    manifest = store.read_manifest(unfinished)
    machine = manifest.machine | {"kernels": "torch", "cpu": "another"}
    store.write_manifest(unfinished, manifest.model_copy(update={"machine": machine}))
    now = manifest.machine["kernels"]
    with pytest.raises(BadInput, match=f"kernels was torch, and is {now};") as refused:
        resume(unfinished)
    assert "another" not in str(refused.value)
    resume(unfinished, "go-on")
    assert store.load(unfinished).mixed == f"kernels was torch and {now}"


def test_a_row_has_the_hash_of_the_code_that_was_there_at_the_start(
    make_profile: Any, inline: Any, chores: str, tmp_path: Path
) -> None:
    """What is edited while a campaign runs has not made its rows: workers have imported it before."""
    plugin = Path(shutil.copy(chores, tmp_path / "mine.py"))
    profile = make_profile(plugins=[str(plugin)])
    registry = discover((str(plugin),))
    hashed = code_hash(registry.plugins("nothing", "chore"))
    coordinator = Coordinator(profile, registry, tmp_path / "c").open(resume=False)
    plugin.write_text(plugin.read_text() + "\n# edited\n")
    try:
        coordinator.run(inline, lambda *_: None)
    finally:
        coordinator.close()
    assert {row["code_hash"] for row in store.rows(tmp_path / "c")} == {hashed}
    assert code_hash(registry.plugins("nothing", "chore")) != hashed


def test_a_complete_campaign_is_not_shown_for_what_was_edited_since(
    make_profile: Any, inline: Any, chores: str, tmp_path: Path
) -> None:
    """As whoever edits a method and gives the same command again would be shown what it was before."""
    plugin, folder = Path(shutil.copy(chores, tmp_path / "mine.py")), tmp_path / "c"
    profile = make_profile(plugins=[str(plugin)])
    registry = discover((str(plugin),))
    coordinator = Coordinator(profile, registry, folder).open(resume=False)
    coordinator.run(inline, lambda *_: None)
    coordinator.close()
    count, before = len(store.load(folder).trials), contents(folder)
    again = Coordinator(profile, registry, folder).open(resume=False)
    assert (again.complete, again.notices) == (True, [])
    again.close()

    plugin.write_text(plugin.read_text() + "\n# edited\n")
    told = f"this campaign is complete, and the code has changed since {count} of its trials were run"
    with pytest.raises(BadInput, match=f"{told}; --out names a folder"):
        Coordinator(profile, registry, folder).open(resume=False)
    again = Coordinator(profile, registry, folder).open(resume=True)
    assert (again.complete, again.notices) == (True, [f"{folder}: {told}"])
    again.close()
    assert contents(folder) == before


def test_the_same_code_is_no_mix(unfinished: Path, resume: Callable[..., list[str]]) -> None:
    assert resume(unfinished) == []
    assert not store.load(unfinished).mixed


def test_a_campaign_without_a_row_has_nothing_to_mix(
    profile: Profile, resume: Callable[..., list[str]], tmp_path: Path
) -> None:
    Coordinator(profile, discover(tuple(profile.plugins)), tmp_path / "c").open(resume=False).close()
    manifest = store.read_manifest(tmp_path / "c")
    store.write_manifest(tmp_path / "c", manifest.model_copy(update={"versions": {"torch": "1.0"}}))
    assert resume(tmp_path / "c") == []


def test_the_command_refuses_and_goes_on(unfinished: Path, longlag: Any) -> None:
    run_by_other_code(unfinished, 1)
    given = ("run", "--resume", "--out", str(unfinished), "--jobs", "1")
    code, printed = longlag(*given)
    assert (code, printed.count("\n")) == (2, 1)
    assert "--code-changed go-on" in printed
    code, printed = longlag(*given, "--code-changed", "perhaps")
    assert (code, printed.count("\n")) == (2, 1)
    code, printed = longlag(*given, "--code-changed", "go-on")
    assert code == 0, printed
    assert "chores is a mix of code: 1 of its 1 methods" in " ".join(printed.split())


def test_what_is_committed_is_enough_to_go_on(
    unfinished: Path,
    profile: Profile,
    resume: Callable[..., list[str]],
    complete: Path,
    trials: Trials,
    tmp_path: Path,
) -> None:
    """In a clone, which has what git was given and not what it ignores."""

    def git(*arguments: str, at: Path) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *who, *arguments], cwd=at, check=True, capture_output=True)

    home = tmp_path / "home"
    shutil.copytree(unfinished, home / "results" / "mine")
    shutil.copy(Path(__file__).parents[3] / ".gitignore", home)
    git("init", at=home)
    git("add", ".gitignore", *(f"results/mine/{name}" for name in (store.MANIFEST, store.JOURNAL)), at=home)
    git("commit", "-m", "halfway", at=home)
    git("clone", str(home), str(tmp_path / "clone"), at=tmp_path)
    cloned = tmp_path / "clone" / "results" / "mine"
    assert {path.name for path in cloned.iterdir()} == {store.MANIFEST, store.JOURNAL}
    assert resume(cloned) == []
    pd.testing.assert_frame_equal(trials(cloned), trials(complete))
    # Finished, it is committed as tables, and complete in the next clone.
    git("add", *(f"results/mine/{name}" for name in (store.MANIFEST, *store.SCHEMAS)), at=tmp_path / "clone")
    git("commit", "-a", "-m", "done", at=tmp_path / "clone")
    git("clone", str(tmp_path / "clone"), str(tmp_path / "last"), at=tmp_path)
    last = tmp_path / "last" / "results" / "mine"
    assert {path.name for path in last.iterdir()} == {store.MANIFEST, *store.SCHEMAS}
    again = Coordinator(profile, discover(tuple(profile.plugins)), last).open(resume=False)
    again.close()
    assert again.complete
    pd.testing.assert_frame_equal(trials(last), trials(complete))
