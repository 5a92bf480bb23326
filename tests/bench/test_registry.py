from __future__ import annotations

from pathlib import Path

import pytest

from bench import BadInput, Method, Remedy, Task
from bench.combination import Combination
from bench.registry import code_hash, discover

GOOD = '''
from bench import Recipe, Remedy

class Shout(Remedy):
    """Changes nothing, loudly."""
    name = "{name}"
    changes = "gradient"
    def apply(self, recipe: Recipe, *, volume: float) -> Recipe:
        return recipe
    def suggest(self, trial, task):
        return {{"volume": trial.suggest_float("volume", 0, 1)}}
'''


def plugin(folder: Path, text: str, name: str = "plugin.py") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_both_folders_are_found() -> None:
    registry = discover()
    assert {"vanilla", "gradient_clipping", "lstm", "careful_init", "echo_state"} <= set(registry.methods)
    assert {"adding", "temporal_order", "timer"} <= set(registry.tasks)
    assert all(issubclass(task, Task) for task in registry.tasks.values())
    assert all(issubclass(method, (Method, Remedy)) for method in registry.methods.values())
    assert registry.broken == []


def test_a_file_the_user_names_is_found_and_combines(tmp_path: Path) -> None:
    registry = discover((plugin(tmp_path, GOOD.format(name="shout")),))
    method = registry.method("lstm+shout")
    assert isinstance(method, Combination)
    assert method.name == "lstm+shout"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nonsense_that_is_not_there", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def f(:", "SyntaxError"),
        ("x = 1", "holds no concrete Task, Remedy or Method"),
        (GOOD.format(name="Not Valid"), "'Not Valid' is not [a-z0-9_]+"),
        (GOOD.format(name="../evil"), "is not [a-z0-9_]+"),
        (GOOD.format(name="lstm"), "'lstm' is taken"),
        (GOOD.format(name="shout").replace('"gradient"', '"optimizer"'), "did you mean 'optimiser'"),
    ],
)
def test_a_broken_plugin_is_listed_with_its_reason(tmp_path: Path, text: str, reason: str) -> None:
    registry = discover((plugin(tmp_path, text),))
    assert len(registry.broken) == 1
    assert reason in registry.broken[0].reason
    assert "lstm" in registry.methods


def test_asking_for_a_broken_plugin_says_why(tmp_path: Path) -> None:
    registry = discover((plugin(tmp_path, "import nonsense_that_is_not_there", "mine.py"),))
    with pytest.raises(BadInput, match=r"mine.*ModuleNotFoundError"):
        registry.method("mine")


def test_a_missing_plugin_file_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no such file"):
        discover(("nowhere.py",))


def test_unknown_names_get_the_nearest() -> None:
    registry = discover()
    with pytest.raises(BadInput, match="did you mean 'lstm'"):
        registry.method("lsmt")
    with pytest.raises(BadInput, match="did you mean 'adding'"):
        registry.task("ading", None, 50)
    with pytest.raises(BadInput, match="has no variant 'ms12': did you mean 'ms11'"):
        registry.variant("adding:ms12")


def test_a_lag_the_task_cannot_make_says_which_it_can() -> None:
    with pytest.raises(BadInput, match=r"cannot make lag -3: it makes lags of \d+ and more"):
        discover().task("adding", "ms11", -3)


def test_a_method_with_a_model_of_its_own_cannot_be_combined() -> None:
    with pytest.raises(BadInput, match="'echo_state' brings a model of its own"):
        discover().method("lstm+echo_state")


def test_the_code_hash_follows_the_plugin_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("x = 1")
    before = code_hash([path])
    assert before == code_hash([path])
    path.write_text("x = 2")
    assert code_hash([path]) != before
