"""`longlag check`: a promise that is broken is found, told in one sentence, and how to mend it in another."""

from __future__ import annotations

import re
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from longlag import BadInput, check
from longlag.bench.checking import methods, tasks
from longlag.bench.checking.tried import Tried
from longlag.bench.plugins.registry import Registry, discover
from longlag.bench.workers.server import THREAD_VARIABLES

UNKEPT = Path(__file__).with_name("unkept.py")
CELLS = Path(__file__).parents[1] / "plugins" / "cells.py"
METHODS = {
    "drawing": ("JSON values", "gave 'rate' two values. Draw hyperparameters from the trial alone."),
    "guessing": ("recipes are few", "0.5 is out of range"),
    "wide": ("builds a model", "its outputs are [21, 3, 1], not [1, 3, 1]. Return outputs [S, B, K] at"),
    "greedy": ("parts of the recipe", "'greedy' changes the units, which is not among its `changes`. Name"),
    "still": ("change its weights", "no weight changed. Return the loss from training_step"),
    "seeding": ("another seed another", "models of two seeds are the same. Seed nothing yourself"),
    "forgetful": ("survives a checkpoint", "the outputs are others. Keep what was learned or drawn in"),
    "cheap": ("are charged", "a step is charged 1 FLOPs, less than its forward pass of"),
    "uphill": ("without a lag", "none came below 80% of the loss by chance on the twin of temporal_order"),
    "meddling": ("leaves alone", "it changed torch's threads. Put it back, or do without."),
}
TASKS = {
    "any_lag": ("refuses shorter lags", "makes a lag of 0, which `lags` does not list. Call super()"),
    "doubles": (
        "shapes and types",
        "the type of doubles:standard's inputs is torch.float64, not torch.float32",
    ),
    "global": ("generator alone", "two draws of global:standard by one seed differ. Hand `generator` to"),
    "lenient": ("no number is wrong", "an answer of NaN is right for lenient:standard. Write `wrong` so"),
    "sure": ("chance is a share", "the chance of sure:standard is 1.5. Set it to the share of sequences"),
    "short": ("its lag is one", "the minimal_lag of short:standard is 20, of 5 steps. Set it to the steps"),
    "far_twin": ("next to the answer", "the twin of standard still bridges 200 steps. Let bring_near move"),
    "silent": ("what it is", "its facts say nothing of inputs, targets, length, lag, loss, wrong, trivial"),
}


@pytest.fixture(scope="module")
def registry() -> Any:
    found = discover((str(UNKEPT),))
    assert not found.broken
    return found


@pytest.fixture(scope="module")
def with_methods(registry: Any) -> Registry:
    """Their methods, and tasks that keep their promises."""
    return Registry(discover().tasks, registry.methods)


def promise(promises: Any, words: str) -> str:
    (text,) = (each for each in promises if words in each)
    return str(text)


@pytest.mark.parametrize("name", METHODS)
def test_a_broken_promise_of_a_method_is_told_with_its_mend(
    name: str, with_methods: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, told = METHODS[name]
    # By Lightning alone an update takes some milliseconds.
    monkeypatch.setattr(methods, "TWIN_UPDATES", 200)
    text = promise(methods.PROMISES, words)
    verdict = methods.PROMISES.tried(text, Tried(with_methods.method(name), with_methods))
    assert not verdict.kept
    assert told in verdict.told
    assert "\n" not in verdict.told
    whole = methods.PROMISES.tried(text, Tried(with_methods.method("whole"), with_methods))
    assert whole.kept, whole.told


@pytest.mark.parametrize("name", TASKS)
def test_a_broken_promise_of_a_task_is_told_with_its_mend(name: str, registry: Any) -> None:
    words, told = TASKS[name]
    text = promise(tasks.PROMISES, words)
    verdict = tasks.PROMISES.tried(text, tasks.Tried(registry.tasks[name], registry))
    assert not verdict.kept
    assert told in verdict.told
    assert tasks.PROMISES.tried(text, tasks.Tried(registry.tasks["plain"], registry)).kept


def test_whatever_a_plugin_raises_breaks_its_promise(registry: Any) -> None:
    class Raising(type(registry.method("whole"))):  # type: ignore[misc]
        def suggest(self, trial: Any, task: Any) -> Any:
            raise RuntimeError("not today")

    text = promise(methods.PROMISES, "JSON values")
    verdict = methods.PROMISES.tried(text, Tried(Raising(), registry))
    assert not verdict.kept
    assert verdict.told.startswith("It raised RuntimeError: not today at test_check.py:")


@pytest.mark.parametrize(("computed", "busy"), [(lambda: 0.0, True), (time.monotonic, False)])
def test_what_takes_long_is_told_from_a_machine_that_is_busy(
    computed: Any, busy: bool, registry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Waiting(type(registry.method("whole"))):  # type: ignore[misc]
        def suggest(self, trial: Any, task: Any) -> Any:
            time.sleep(30)

    monkeypatch.setattr("longlag.bench.plugins.handed.patience", lambda: nullcontext())
    monkeypatch.setattr("longlag.bench.checking.promises.SECONDS", 0.5)
    # The processor's time, which a test cannot have for sure.
    monkeypatch.setattr(time, "process_time", computed)
    text = promise(methods.PROMISES, "JSON values")
    told = methods.PROMISES.tried(text, Tried(Waiting(), registry)).told
    assert "It raised TimeoutError: not done after 0.5 s" in told
    assert ("try when the machine is less busy" in told) == busy


def test_what_there_is_not_and_what_cannot_be_loaded(tmp_path: Path, longlag: Any) -> None:
    with pytest.raises(BadInput, match="no method, task or file 'lsmt': did you mean 'lstm'"):
        check("lsmt")
    broken = tmp_path / "broken.py"
    broken.write_text("from longlag import Nothing\n")
    code, printed = longlag("check", str(broken))
    assert (code, printed.count("\n")) == (2, 1)
    assert "broken.py: ImportError" in printed
    code, printed = longlag("check", str(tmp_path / "none.py"))
    assert (code, printed.count("\n")) == (2, 1)
    code, printed = longlag("check", f"{CELLS}:GRUU")
    assert (code, printed.count("\n")) == (2, 1)
    assert "no recurrent layer GRUU(inputs, units), made of two sizes, there: did you mean 'GRU'" in printed
    empty = tmp_path / "empty.py"
    empty.write_text("")
    code, printed = longlag("check", str(empty))
    assert (code, printed.count("\n")) == (2, 1)
    assert "holds no Task, Remedy or Method" in printed


def test_the_command_lists_every_promise_and_its_exit_code_says_whether_all_are_kept(
    longlag: Any, tmp_path: Path
) -> None:
    code, printed = longlag("check", "latch")
    assert code == 0, printed
    assert all(f"  yes {text}\n" in printed for text in tasks.PROMISES)
    mine = tmp_path / "mine.py"
    classes = re.split(r"\n\n\n(?=class )", UNKEPT.read_text())
    heads = ("class Plain(", "class Sure(")
    mine.write_text("\n\n\n".join([classes[0], *(each for each in classes if each.startswith(heads))]))
    code, printed = longlag("check", str(mine))
    assert code == 1
    assert "plain\n" in printed
    assert "  NO  chance is a share" in printed
    assert "17 of 18 promises are kept" in printed
    assert check(mine) == [
        "sure: chance is a share, and its loss that of an answer that knows nothing: the chance of "
        "sure:standard is 1.5. Set it to the share of sequences that the trivial predictor gets wrong."
    ]


def test_the_command_computes_as_trials_do_on_one_thread(
    longlag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_num_threads()
    for variable in THREAD_VARIABLES:
        monkeypatch.setenv(variable, "2")
    torch.set_num_threads(2)
    try:
        code, printed = longlag("check", "latch")
        assert code == 0, printed
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_one_fault_is_told_once(longlag: Any, tmp_path: Path) -> None:
    sly = tmp_path / "sly.py"
    sly.write_text(
        "from longlag import Remedy\n\n\n"
        "class Sly(Remedy):\n"
        '    """Changes what it does not say."""\n\n'
        '    name, source, changes = "sly", "none", "gradient"\n\n'
        "    def apply(self, recipe):\n"
        "        return recipe.replace(batch_size=7)\n"
    )
    code, printed = longlag("check", str(sly))
    assert code == 1
    assert printed.count("  NO  ") > 3
    assert printed.count("which is not among its `changes`. Name the part in `changes`") == 1
    assert printed.count("the same, as above") == printed.count("  NO  ") - 1
    assert printed.index("  NO  it changes the parts") < printed.index("which is not among")
