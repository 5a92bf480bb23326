"""The Markdown of the pages of tasks and methods, generated from these: it cannot disagree with them."""

from __future__ import annotations

import optuna

from longlag.bench.contract.method import Method
from longlag.bench.contract.recipe import Remedy
from longlag.bench.contract.task import Task
from longlag.bench.plugins import tuning
from longlag.bench.plugins.listing import changes, definition, first_line
from longlag.bench.plugins.registry import Registry

_HEADER = """# Tasks

Generated from the tasks themselves by `longlag list --tasks --markdown`. T is the nominal length of the
paper, which is the lag a campaign asks for; positions are 0-based; "wrong" is judged for each sequence.
A variant's twin, asked for as `task:variant_twin`, is the same task with its keys next to the answer, at lags
of 20 and more: what is left when the lag is taken away.
"""

_METHODS = """# Methods

Generated from the methods themselves by `nox -s docs`: what each changes of the recipe, its source, what is
tuned, and its recipes, which the first trials try. Ranges are those at a lag of {lag} on {task}; some follow
the lag and the sizes. What only some settings have, as a momentum where the optimiser has one, is there too.
"""
_LAG, _TASK = 100, "adding:ms11"
_DRAWS = 200
"""Settings drawn of a method to see all that it may ask for."""


def methods(registry: Registry) -> str:
    """Every method: what it changes, its source, its search space and its recipes."""
    name, variant = _TASK.split(":")
    task = registry.task(name, variant, _LAG)
    sections = [
        _method(registry.methods[name], registry.method(name), task) for name in sorted(registry.methods)
    ]
    return "\n".join([_METHODS.format(lag=_LAG, task=_TASK), *sections])


def _method(plugin: type[Method] | type[Remedy], method: Method, task: Task) -> str:
    found: dict[str, optuna.distributions.BaseDistribution] = {}
    study = tuning.study([], optuna.samplers.RandomSampler(seed=0))
    for _ in range(_DRAWS):
        trial = study.ask()
        method.suggest(trial, task)
        found |= {key: each for key, each in trial.distributions.items() if key not in found}
    recipes = method.recipes(task.sizes)
    head = ("tuned", "range", *(f"recipe {number}" for number in range(1, len(recipes) + 1)))
    rows = [
        (f"`{key}`", _range(each), *(_value(recipe[key]) if key in recipe else "" for recipe in recipes))
        for key, each in found.items()
    ]
    lines = [
        f"## {method.name}",
        "",
        first_line(plugin),
        "",
        f"Changes: {changes(plugin)}. Source: {plugin.source}.",
        "",
    ]
    return "\n".join([*lines, *_table(head, rows), ""])


def _range(each: optuna.distributions.BaseDistribution) -> str:
    if isinstance(each, optuna.distributions.CategoricalDistribution):
        return ", ".join(map(_value, each.choices))
    assert isinstance(each, optuna.distributions.FloatDistribution | optuna.distributions.IntDistribution)
    return f"{_value(each.low)} to {_value(each.high)}" + ", log" * each.log


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def tasks(registry: Registry) -> str:
    """Every task: its definition, and its variants with the lags they make."""
    sections = [_section(registry.tasks[name]) for name in sorted(registry.tasks)]
    return "\n".join([_HEADER, *sections])


def _section(plugin: type[Task]) -> str:
    lines = [
        f"## {plugin.name}",
        "",
        first_line(plugin),
        "",
        *_table(("", "definition"), list(definition(plugin).items())),
        "",
        *_table(
            ("variant", "lags", "how it differs"),
            [(f"`{name}`", str(plugin.lags(name)), how) for name, how in plugin.variants.items()],
        ),
        "",
    ]
    return "\n".join(lines)


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [header, tuple("---" for _ in header), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
