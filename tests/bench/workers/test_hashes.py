"""The code that a trial depends on, and its hash."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from longlag.bench.plugins.registry import discover, load_file
from longlag.bench.workers.hashes import code, code_hash

ROOT = Path(__file__).parents[3]
CASES = [("lstm+gradient_clipping", "adding"), ("hessian_free", "timer")]

OTHERS_ALONE = "bench/contract/data.py"
"""Loaded too, by tasks that these cases are not of."""

LOADED = """
import sys, torch
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import Case, Limits, TrialSpec
from longlag.bench.workers import worker
from dataclasses import asdict
from pathlib import Path
import optuna
method, task = sys.argv[1:]
registry = discover()
about = registry.task(task, None, 20)
trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
settings = registry.method(method).suggest(trial, about)
case = Case(method, task, about.variant, 20)
outcome = worker.execute(asdict(TrialSpec(case, "tune", 0, 0, settings, Limits(1e6))))
for module in list(sys.modules.values()):
    name = getattr(module, "__name__", "")
    if name.startswith("longlag.") and getattr(module, "__file__", None):
        print(name, module.__file__)
"""


def names(files: Iterable[Path]) -> set[str]:
    return {"/".join(path.parts[-3:]) for path in files}


@pytest.mark.parametrize(("method", "task"), CASES, ids=lambda case: case)
def test_what_a_trial_loads_is_hashed(method: str, task: str) -> None:
    plugins = discover().plugins(method, task)
    printed = subprocess.run(
        [sys.executable, "-c", LOADED, method, task], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    loaded = {tuple(line.split(" ", 1)) for line in printed}
    # All plugins are loaded, to be found; a trial runs through its own alone.
    others = {plugin.__module__ for plugin in (*discover().methods.values(), *discover().tasks.values())}
    others -= {plugin.__module__ for plugin in plugins}
    parts = {name for name, _ in loaded if ".parts." in name}
    wanted = {Path(file) for name, file in loaded if name not in others | parts}
    assert len(wanted) > 20
    assert names(wanted) - names(code(plugins)) == {OTHERS_ALONE}
    assert OTHERS_ALONE in names(code(discover().plugins(method, "mnist")))


def test_what_other_plugins_are_made_of_is_not_hashed() -> None:
    found = names(code(discover().plugins("lstm", "adding")))
    assert {"parts/lstm/cell.py", "tasks/parts/marked.py", "bench/trial/meter.py"} <= found
    assert not [name for name in found if {"echo_state", "store", "campaign"} & set(name.split("/"))]
    assert not {"echo_state.py", "xor.py"} & {name.rpartition("/")[2] for name in found}


def test_a_plugin_made_of_another_depends_on_that_one_too(tmp_path: Path) -> None:
    path = tmp_path / "sparse.py"
    path.write_text(
        "from longlag.methods.careful_init import CarefulInit\n\n"
        "class Sparse(CarefulInit):\n    name = 'sparse'\n"
    )
    found = {each.name for each in code([load_file(path).Sparse])}
    assert {"sparse.py", "careful_init.py", "first_guesses.py", "initialisers.py"} <= found


def test_the_code_hash_follows_what_a_plugin_says(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    text = "from longlag.methods.lstm import LSTM\n\nclass Mine(LSTM):\n    name = 'mine'\n"
    path.write_text(text)
    plugin = load_file(path).Mine
    before = code_hash([plugin])
    assert before == code_hash([plugin])
    path.write_text(text + "# more\n")
    assert code_hash([plugin]) != before
