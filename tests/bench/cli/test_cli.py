"""The command line as a user meets it: a whole small campaign, and bad input."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from longlag.bench.store import MANIFEST, SCHEMAS, TRIALS
from longlag.bench.store.studies import storage_of

Command = Callable[..., tuple[object, str]]

FILES = {
    "manifest.json",
    "trials.parquet",
    "curves.parquet",
    "probes.parquet",
    "extrapolation.parquet",
    "studies.log",
    "frontier.svg",
    "summary.csv",
    "summary.md",
    "summary.tex",
    "report.html",
    "rows.csv",
    "rows.parquet",
}


@pytest.fixture(scope="session")
def told(longlag: Command) -> Callable[..., str]:
    """Runs the command line and checks its exit code; what it printed."""

    def run(*arguments: str, code: int = 0) -> str:
        ended, printed = longlag(*arguments)
        assert ended == code, printed
        return printed

    return run


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory, told: Callable[..., str]) -> Path:
    """The tiny profile, run once."""
    folder = tmp_path_factory.mktemp("campaign") / "tiny"
    printed = told("run", "--profile", "tiny", "--out", str(folder), "--jobs", "2")
    assert "report.html" in printed
    assert "2 cases, 10 trials (tuning 6, retests 4), on 2 workers" in printed
    return folder


def test_a_campaign_leaves_its_files(campaign: Path) -> None:
    assert {path.name for path in campaign.iterdir()} - {".lock"} == FILES


def test_every_trial_has_a_row_with_every_column(campaign: Path) -> None:
    trials = pd.read_parquet(campaign / "trials.parquet")
    assert list(trials.columns) == SCHEMAS[TRIALS].names
    counts = trials.groupby(["method", "phase"]).size().to_dict()
    assert counts == {
        ("lstm", "retest"): 2,
        ("lstm", "tune"): 3,
        ("vanilla", "retest"): 2,
        ("vanilla", "tune"): 3,
    }
    assert trials.run_id.is_unique
    assert trials.seed.is_unique
    assert trials.score.between(0, 3).all()
    for name, schema in SCHEMAS.items():
        frame = pd.read_parquet(campaign / name)
        assert list(frame.columns) == schema.names
        assert set(frame.run_id) <= set(trials.run_id)


def test_a_remedy_solves_what_the_baseline_does_not(campaign: Path) -> None:
    retests = pd.read_parquet(campaign / "trials.parquet").query("phase == 'retest'")
    solved = retests.groupby("method").solved.mean()
    assert solved["lstm"] == 1.0
    assert solved["vanilla"] < 1.0


def test_retests_run_the_best_hyperparameters_on_fresh_seeds(campaign: Path) -> None:
    trials = pd.read_parquet(campaign / "trials.parquet")
    for _, case in trials.groupby("method"):
        tuned, retests = (case[case.phase == phase] for phase in ("tune", "retest"))
        best = tuned.loc[tuned.score.idxmin()]
        assert set(retests.hyperparameters) == {best.hyperparameters}
        assert not set(retests.seed) & set(tuned.seed)


def test_the_manifest_says_how_to_repeat_it(campaign: Path) -> None:
    manifest = json.loads((campaign / MANIFEST).read_text())
    assert manifest["schema"] == 1
    assert manifest["command"].startswith("longlag run --profile tiny")
    assert manifest["finished"] is not None
    assert {"torch", "optuna", "pytorch-lightning", "python"} <= set(manifest["versions"])
    assert {"commit", "dirty"} == set(manifest["git"])
    assert manifest["profile"]["trials"] == 3


def test_optuna_opens_the_studies(campaign: Path) -> None:
    import optuna

    storage = storage_of(campaign / "studies.log")
    trials = pd.read_parquet(campaign / "trials.parquet").query("phase == 'tune'")
    for method, rows in trials.groupby("method"):
        study = optuna.load_study(study_name=f"{method}/temporal_order:ms11/30", storage=storage)
        told = {trial.user_attrs["run_id"]: trial.value for trial in study.trials}
        assert told == pytest.approx(dict(zip(rows.run_id, rows.score, strict=True)))


def test_a_complete_campaign_is_not_run_again(campaign: Path, told: Callable[..., str]) -> None:
    before = (campaign / "trials.parquet").read_bytes()
    printed = told("run", "--profile", "tiny", "--out", str(campaign))
    assert "this campaign is complete already; no trial is run" in printed
    assert (campaign / "trials.parquet").read_bytes() == before


def test_another_campaign_is_not_written_over(campaign: Path, told: Callable[..., str]) -> None:
    before = {path.name: path.read_bytes() for path in campaign.iterdir()}
    printed = told("run", "--profile", "tiny", "--seed", "1", "--out", str(campaign), code=2)
    assert "holds another campaign (its seed: 0); choose another --out" in printed
    assert {path.name: path.read_bytes() for path in campaign.iterdir()} == before


def test_report_writes_the_page_again(campaign: Path, tmp_path: Path, told: Callable[..., str]) -> None:
    told("report", str(campaign), "--out", str(tmp_path / "again"))
    assert (tmp_path / "again" / "report.html").read_text().startswith("<!")


def test_plan_shows_the_grid_and_its_cost(told: Callable[..., str]) -> None:
    printed = told("plan", "--profile", "tiny", "--jobs", "2")
    assert "2 cases, 10 trials (tuning 6, retests 4): at most 2e10 FLOPs" in printed
    assert re.search(r"on 2 workers: from .* if every case is solved early, in 5% .* to .* if none", printed)


def test_a_plan_in_a_narrow_terminal_keeps_its_numbers(
    monkeypatch: pytest.MonkeyPatch, told: Callable[..., str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    printed = told("plan", "--profile", "tiny", "--jobs", "2")
    assert max(map(len, printed.splitlines()[:-2])) <= 60
    assert printed.count("2e9") == 2


def test_lags_of_the_command_line_serve_a_task_of_several_entries(
    tmp_path: Path, told: Callable[..., str]
) -> None:
    profile = tmp_path / "several.toml"
    profile.write_text(
        'name = "several"\nmethods = ["vanilla"]\nlags = [20]\ntrials = 3\nretests = 2\nbudget = 1e8\n'
        '[[tasks]]\ntask = "adding:ms11"\nlags = [20]\nbudget = 1e7\n'
        '[[tasks]]\ntask = "adding:ms11"\nlags = [30, 40]\n'
        '[[tasks]]\ntask = "xor:ms11"\nlags = [20]\nbudget = 1e6\n'
    )
    printed = told("plan", "--profile", str(profile), "--lags", "20,50", "--jobs", "2")
    # What was said of adding at lag 20 alone is not said of others; xor keeps its budget.
    assert "4 cases, 20 trials (tuning 12, retests 8): at most 1.01e9 FLOPs" in printed
    options = ("--tasks", "adding:ms11,temporal_order", "--lags", "50", "--budget", "1e7")
    printed = told("plan", "--profile", str(profile), *options, "--jobs", "2")
    assert "2 cases, 10 trials (tuning 6, retests 4): at most 1e8 FLOPs" in printed


def test_lags_that_leave_out_a_profile_s_controls_say_so(
    tmp_path: Path, chores: str, told: Callable[..., str]
) -> None:
    small = 'name = "small"\nmethods = ["nothing"]\ntasks = [{ task = "chore" }]\nlags = [1]\nbudget = 1e4\n'
    small += f'trials = 1\nretests = 1\nupdates = 2\nplugins = ["{chores}"]\n'
    (tmp_path / "bare.toml").write_text(small)
    (tmp_path / "certified.toml").write_text(small + "controls = { lags = [1] }\n")
    notice = "--lags leaves out the controls of small: nothing will say whether it is the lag\n"
    for profile, lags, said in (
        ("certified", [], 0),
        ("certified", ["--lags", "2"], 1),
        ("bare", ["--lags", "2"], 0),
    ):
        printed = told("plan", "--profile", str(tmp_path / f"{profile}.toml"), "--jobs", "1", *lags)
        assert printed.count(notice) == said, printed


def test_list_shows_what_there_is(told: Callable[..., str]) -> None:
    printed = told("list")
    for name in ("vanilla", "lstm", "adding", "timer", "quick", "tiny"):
        assert name in printed
    assert "0.5" in told("list", "--tasks")


def test_a_list_cuts_no_name_and_says_none_twice(
    monkeypatch: pytest.MonkeyPatch, told: Callable[..., str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    printed = told("list")
    assert "…" not in printed
    assert "timer, timer" not in printed


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--methods", "lsmt"], "there is no method 'lsmt': did you mean 'lstm'?"),
        (["--methods", "lstm+lstm"], "'lstm' and 'lstm' cannot be combined: both change the cell"),
        (["--methods", "careful_init+hessian_free"], "both change the optimiser"),
        (["--tasks", "ading"], "there is no task 'ading': did you mean 'adding'?"),
        (["--tasks", "adding:ms12"], "task 'adding' has no variant 'ms12': did you mean 'ms11'?"),
        (["--lags", "-3"], "key 'lags.0': input should be greater than or equal to 1, not -3"),
        (["--lags", "3"], "cannot make lag 3: it makes lags of"),
        (["--lags", "100000000000000000000"], "key 'lags.0': input should be less than 9223372036854775808"),
        (["--lags", "fifty"], "--lags fifty: whole numbers divided by commas"),
        (["--trials", "0"], "key 'trials': input should be greater than or equal to 1, not 0"),
        (["--retests", "0"], "key 'retests': input should be greater than or equal to 1, not 0"),
        (["--budget", "-1"], "key 'budget': input should be greater than 0"),
        (["--budget", "nan"], "key 'budget'"),
        (["--profile", "tinny"], "did you mean 'tiny'?"),
        (["--plugin", "nowhere.py"], "--plugin nowhere.py: no such file"),
        (["--trails", "3"], "No such option: --trails"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], complaint: str, tmp_path: Path, told: Callable[..., str]
) -> None:
    given = arguments if "--profile" in arguments else ["--profile", "tiny", *arguments]
    printed = told("run", *given, "--out", str(tmp_path / "out"), code=2)
    assert complaint in printed
    assert printed.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_remedy_that_changes_more_than_it_says_is_refused(tmp_path: Path, told: Callable[..., str]) -> None:
    plugin = tmp_path / "sly.py"
    plugin.write_text(
        "from longlag import Remedy\n"
        "class Sly(Remedy):\n"
        "    name, changes = 'sly', 'gradient'\n"
        "    def apply(self, recipe):\n"
        "        return recipe.replace(cell=lambda *_: None)\n"
    )
    given = ("--profile", "tiny", "--plugin", str(plugin), "--methods", "lstm+sly")
    printed = told("run", *given, "--out", str(tmp_path / "out"), code=2)
    assert printed == "longlag: 'sly' changes the cell, which is not among its `changes`\n"
    assert not (tmp_path / "out").exists()


def test_the_module_is_the_command_and_its_exit_code_is_the_process_s() -> None:
    command = [sys.executable, "-m", "longlag", "run", "--methods", "lsmt"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "longlag: there is no method 'lsmt': did you mean 'lstm'?\n"


def test_a_bare_command_shows_its_help_and_the_version_is_told(told: Callable[..., str]) -> None:
    assert "replay" in told(code=2)
    assert told("--version").startswith("longlag 0.")


def test_a_changed_profile_has_a_folder_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: Callable[..., str]
) -> None:
    monkeypatch.chdir(tmp_path)
    small = ["--profile", "tiny", "--methods", "echo_state", "--trials", "1", "--retests", "1", "--jobs", "1"]
    told("run", *small)
    told("run", *small, "--lags", "20")
    folders = [path.name for path in (tmp_path / "results" / "local").iterdir()]
    assert len(folders) == 2
    assert all(name.startswith("tiny-0-") for name in folders)


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, told: Callable[..., str]) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    printed = told("run", "--profile", "tiny", "--out", str(tmp_path), code=2)
    assert "holds files but no campaign" in printed
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_that_is_no_results_file_is_named(tmp_path: Path, told: Callable[..., str]) -> None:
    quick = Path(__file__).parents[3] / "results" / "quick"
    (tmp_path / MANIFEST).write_bytes((quick / MANIFEST).read_bytes())
    (tmp_path / "trials.parquet").write_text("not parquet")
    printed = told("report", str(tmp_path), code=2)
    assert "trials.parquet: not a readable results file" in printed
    assert "no campaign here" in told("report", str(tmp_path / "empty"), code=2)
