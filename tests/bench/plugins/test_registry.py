from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from longlag import BadInput, BatchOptimizer, Method, Recurrent, Remedy, SequenceModel, Task
from longlag.bench.plugins.combination import Combination
from longlag.bench.plugins.registry import discover

Command = Callable[..., tuple[object, str]]

GOOD = '''
from longlag import Recipe, Remedy

class Shout(Remedy):
    """Changes nothing, loudly."""
    name = "{name}"
    changes = "gradient"
    def apply(self, recipe: Recipe, *, volume: float) -> Recipe:
        return recipe
    def suggest(self, trial, task):
        return {{"volume": trial.suggest_float("volume", 0, 1)}}
'''

LACKING = {
    "a task": (
        'class Mine(Task):\n    name = source = "mine"\n    def sample(self, size, generator): ...',
        "Mine: it lacks wrong",
    ),
    "a method": (
        'class Mine(Method):\n    name = "mine"\n    def suggest(self, trial, task): ...',
        "Mine: it lacks build",
    ),
    "a remedy": ('class Mine(Remedy):\n    name = "mine"', "Mine: it lacks apply"),
    "a companion": ('class Part(Change):\n    changes = "units"', "Part: it lacks apply"),
    "a penalty": ("class Part(Penalty): ...", "Part: it lacks add_gradient"),
    "a cell": (
        "class Part(Recurrent):\n    def forward(self, inputs, mask): ...\n    def input_blocks(self): ...",
        "Part: it lacks biases, recurrent_blocks",
    ),
    "an optimiser": ("class Part(BatchOptimizer):\n    def step(self, closure): ...", "Part: it lacks load"),
    "a model": ("class Part(SequenceModel): ...", "Part: it lacks forward"),
}
"""A class that lacks a method, and what is said of it."""


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
        ("x = 1", "holds no Task, Remedy or Method"),
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


@pytest.mark.parametrize("kind", LACKING)
def test_a_class_without_a_method_is_told_when_it_is_registered(
    tmp_path: Path, kind: str, longlag: Command
) -> None:
    text, reason = LACKING[kind]
    path = plugin(tmp_path, f"from longlag import *\n{text}\n{GOOD.format(name='shout')}", "mine.py")
    registry = discover((path,))
    assert [broken.reason for broken in registry.broken] == [reason]
    assert "mine" not in registry.methods | registry.tasks
    # What is made of an unfinished part is not offered; a whole plugin beside one that is not, is.
    assert ("shout" in registry.methods) == text.startswith("class Mine")
    code, printed = longlag("list", "--plugin", path)
    assert code == 0
    assert f"broken: {path}: {reason}" in printed
    code, printed = longlag("run", "--plugin", path, "--methods", "mine", "--out", str(tmp_path / "out"))
    assert code == 2
    assert "Part" not in reason or f"{path} is broken: {reason}" in printed


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("name = 5", "its name is 5, not a text"),
        ("source = ('Mine', 2024)", "its source is ('Mine', 2024), not a text"),
        ("source = None", "its source is None, not a text"),
        ("variants = ['easy', 'hard']", "its variants are ['easy', 'hard'], not a dictionary"),
        ("variants = {'easy': None}", "its variants hold None, not texts alone"),
        ("variants = {'easy': 3}", "its variants hold 3, not texts alone"),
        ("variants = {1: 'easy'}", "its variants hold 1, not texts alone"),
        ("variants = {}", "it has no variants"),
        ("variants = {'not so': ''}", "the name 'not so' is not [a-z0-9_]+"),
        ("variants = {'old_twin': ''}", "the variant 'old_twin' ends in _twin, which names twins"),
        ("facts = 'lag 5'", "its facts are 'lag 5', not a dictionary"),
        ("facts = {'lag': 5}", "its facts hold 5, not texts alone"),
    ],
)
def test_what_is_said_of_a_task_must_be_text(
    tmp_path: Path, lines: str, reason: str, longlag: Command
) -> None:
    path = plugin(
        tmp_path,
        "from longlag import Task\nclass Mine(Task):\n    name = source = 'mine'\n"
        f"    {lines}\n    sample = wrong = lambda *_: None\n",
    )
    for options in ([], ["--tasks"]):
        code, printed = longlag("list", *options, "--plugin", path)
        assert code == 0
        assert f"broken: {path}: Mine: {reason}\n" in printed


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("source = 1997", "its source is 1997, not a text"),
        ("companions = Vanilla", "its companions are no tuple of changes"),
        ("companions = (Vanilla,)", "its companions are no tuple of changes"),
        ("changes = 3", "its changes are 3, not the names of parts"),
    ],
)
def test_what_is_said_of_a_remedy_is_checked_too(tmp_path: Path, lines: str, reason: str) -> None:
    path = plugin(
        tmp_path,
        "from longlag import Remedy\nfrom longlag.methods.vanilla import Vanilla\nclass Mine(Remedy):\n"
        f"    name = 'mine'\n    {lines}\n    def apply(self, recipe): ...\n",
    )
    assert [broken.reason for broken in discover((path,)).broken] == [f"Mine: {reason}"]


def test_classes_that_others_are_made_from_are_left_alone(tmp_path: Path) -> None:
    bases = (
        "from abc import ABC\nfrom longlag import *\n"
        "class Nameless(Task): ...\n"
        "class Cell(Recurrent): ...\n"
        "class Whole(Cell):\n    forward = recurrent_blocks = input_blocks = biases = lambda self: None\n"
        'class Shared(Remedy, ABC):\n    name = "shared"\n'
        'class Named(Remedy):\n    name = "named"\n'
        'class Own(Named):\n    name = "own"\n    def apply(self, recipe): return recipe\n'
    )
    registry = discover((plugin(tmp_path, bases),))
    assert registry.broken == []
    assert "own" in registry.methods
    assert not {"shared", "named"} & set(registry.methods)


@pytest.mark.parametrize(
    ("loaded", "reason"),
    [
        (type("Half", (Remedy,), {"name": "half"}), "Half: it lacks apply"),
        (dict, "dict: it is no class of a Task, a Method or a Remedy"),
        (len, "len: it is no class of a Task, a Method or a Remedy"),
    ],
)
def test_an_entry_point_is_held_to_the_same(
    monkeypatch: pytest.MonkeyPatch, loaded: object, reason: str
) -> None:
    point = SimpleNamespace(name="theirs", load=lambda: loaded)
    monkeypatch.setattr(
        "longlag.bench.plugins.registry.entry_points",
        lambda group: [point] if group == "longlag.methods" else [],
    )
    broken = discover.__wrapped__().broken
    assert [(each.where, each.reason) for each in broken] == [("longlag.methods theirs", reason)]


@pytest.mark.parametrize("base", [Recurrent, BatchOptimizer, SequenceModel])
def test_a_part_that_lacks_a_method_cannot_be_made(base: type) -> None:
    unfinished = type("Unfinished", (base,), {})
    with pytest.raises(TypeError, match="abstract class Unfinished"):
        unfinished()


def test_asking_for_a_broken_plugin_says_why(tmp_path: Path) -> None:
    registry = discover((plugin(tmp_path, "import nonsense_that_is_not_there", "mine.py"),))
    with pytest.raises(BadInput, match=r"mine.*ModuleNotFoundError"):
        registry.method("mine")


def test_an_unknown_name_may_be_a_broken_plugin_s(tmp_path: Path) -> None:
    registry = discover((plugin(tmp_path, "import nonsense_that_is_not_there", "mine.py"),))
    with pytest.raises(BadInput, match=r"'lsmt': did you mean 'lstm'\?; plugin .*mine\.py is broken: Module"):
        registry.method("lsmt")


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
