"""Combinations: remedies of different parts work together, remedies of one part say that they do not."""

from __future__ import annotations

import itertools
import json
from dataclasses import fields
from typing import Any, get_args

import optuna
import pytest
import torch

from longlag import BadInput, Batch, Recipe, Remedy, SquaredError, Task
from longlag.bench.contract.recipe import PARTS, Part
from longlag.bench.plugins.combination import Combination
from longlag.bench.plugins.registry import discover
from longlag.methods.careful_init import CarefulInit
from longlag.methods.gradient_clipping import GradientClipping
from longlag.methods.lstm import LSTM
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.tanh.cell import TanhCell
from longlag.methods.parts.updates import AcceleratedGradient, Adam, Descent
from longlag.methods.vanilla import Vanilla

REMEDIES = {name: plugin for name, plugin in discover().methods.items() if issubclass(plugin, Remedy)}
THROUGH_TIME = {"state_noise", "truncated_bptt"}
UNTAKEN = {"hessian_free", "lmu", "lru", "min_gru", "selective_ssm"}
"""What is trained with neither."""
PAIRS = [(a, b) for a, b in itertools.permutations(sorted(REMEDIES), 2) if "vanilla" not in (a, b)]


class Sum(Task):
    """The sum of two inputs over four steps."""

    name = "sum"
    source = ""

    def __init__(self) -> None:
        super().__init__(4)
        self.input_size, self.output_size, self.loss = 2, 1, SquaredError()

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        inputs = torch.rand(4, batch_size, 2, generator=generator)
        return Batch(inputs, inputs.sum((0, 2)).view(1, -1, 1), torch.arange(4) == 3)

    def wrong(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return (outputs - batch.targets).abs().amax((0, 2)) > 0.04


def asked(method, seed=0, first=True):
    """Hyperparameters as the engine gets them: from a seeded study, the method's own first guess first."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    if first:
        study.enqueue_trial(method.recipes(Sum().sizes)[0])
    return method.suggest(study.ask(), Sum())


def trained(method, hyperparameters, updates=2):
    torch.manual_seed(0)
    model = method.build(Sum(), **hyperparameters)
    optimizer = model.configure_optimizers()
    batch = Sum().sample(model.batch_size, torch.Generator().manual_seed(1))
    for _ in range(updates):
        if hasattr(optimizer, "load"):
            optimizer.load(batch)
        optimizer.step(closure=lambda: model.gradient(batch))
    return model


@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
@pytest.mark.parametrize("first", [True, False], ids=["first_guess", "random"])
def test_two_remedies_combine_unless_they_change_one_part(pair, first):
    remedies = [REMEDIES[name]() for name in pair]
    shared = set(remedies[0].parts) & set(remedies[1].parts)
    if shared:
        with pytest.raises(BadInput, match=r"cannot be combined: both change the \w+$") as error:
            Combination(remedies, Vanilla())
        assert all(repr(name) in str(error.value) for name in pair)
        assert str(error.value).rsplit(" ", 1)[1] in shared
        return
    method = Combination(remedies, Vanilla())
    assert method.name == "+".join(pair)
    if THROUGH_TIME & set(pair) and UNTAKEN & set(pair):
        with pytest.raises(BadInput, match="is trained with neither state noise nor a horizon"):
            trained(method, asked(method, first=first))
        return
    model = trained(method, asked(method, first=first))
    for parameter in model.parameters():
        assert torch.isfinite(parameter).all()


@pytest.mark.parametrize("name", sorted(REMEDIES))
def test_hyperparameters_survive_as_one_flat_dictionary(name):
    method = Combination([REMEDIES[name]()], Vanilla())
    for seed in range(5):
        given = asked(method, seed, first=False)
        stored = json.loads(json.dumps(given))
        assert stored == given
        assert set(given) <= {parameter for step in method.steps for parameter in step.parameters}
        weights = [trained(method, h, updates=0).state_dict() for h in (given, stored)]
        assert weights[0].keys() == weights[1].keys()
        assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


@pytest.mark.parametrize("name", sorted(REMEDIES))
def test_a_first_guess_is_within_the_space(name):
    method = Combination([REMEDIES[name]()], Vanilla())
    first = method.recipes(Sum().sizes)[0]
    assert {key: value for key, value in asked(method).items() if key in first} == first


def test_the_memory_cell_keeps_its_optimiser_and_gains_the_clipping():
    method = Combination([LSTM(), GradientClipping()], Vanilla())
    given = {**asked(method), "clip_by": "norm", "threshold": 1e-3}
    model = trained(method, given, updates=0)
    assert isinstance(model.network.recurrent, LSTMCell)
    assert isinstance(model.configure_optimizers(), Adam)
    model.gradient(Sum().sample(20, torch.Generator().manual_seed(0)))
    norm = torch.cat([p.grad.flatten() for p in model.network.parameters()]).norm()
    assert norm == pytest.approx(1e-3, rel=1e-4)


def test_a_companion_gives_way_to_a_remedy_that_claims_its_part():
    for order in ([LSTM(), CarefulInit()], [CarefulInit(), LSTM()]):
        method = Combination(order, Vanilla())
        assert "adam_rate" not in asked(method)
        model = trained(method, asked(method))
        assert isinstance(model.network.recurrent, LSTMCell)
        assert isinstance(model.configure_optimizers(), AcceleratedGradient)


def test_vanilla_is_all_companions():
    model = trained(Combination([Vanilla()], Vanilla()), asked(Combination([Vanilla()], Vanilla())))
    assert isinstance(model.network.recurrent, TanhCell)
    optimizer = model.configure_optimizers()
    assert type(optimizer) is Descent
    assert optimizer.settings["momentum"] == 0


def test_a_hyperparameter_nobody_knows_is_an_error():
    method = Combination([LSTM()], Vanilla())
    with pytest.raises(BadInput, match="no hyperparameter 'threshold'"):
        method.recipe({**asked(method), "threshold": 1.0})


class Twice(Remedy):
    """A remedy that names its hyperparameter as the optimiser does."""

    name = "twice"
    changes = "penalty"

    def apply(self, recipe: Recipe, *, learning_rate: float) -> Recipe:
        return recipe


def test_two_changes_with_one_hyperparameter_name_are_an_error():
    with pytest.raises(BadInput, match="PlainDescent and 'twice' both have a hyperparameter 'learning_rate'"):
        Combination([Twice()], Vanilla())


class Sly(Remedy):
    """A remedy that says it clips, and trains larger batches too."""

    name = "sly"
    changes = "gradient"

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        return {"threshold": trial.suggest_float("threshold", 1.0, 2.0)}

    def apply(self, recipe: Recipe, *, threshold: float) -> Recipe:
        return recipe.replace(gradient=lambda _: None, batch_size=500)


class SlyCompanion(Sly):
    """The same, as what it was published with."""

    name = "sly_companion"
    changes = ()
    companions = (Sly(),)

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        return {}

    def apply(self, recipe: Recipe) -> Recipe:
        return recipe


@pytest.mark.parametrize("remedy", [Sly(), SlyCompanion()])
def test_a_change_that_was_not_declared_is_an_error(remedy):
    method = Combination([remedy], Vanilla())
    what = "'sly' changes the batch_size, which is not among its `changes`"
    with pytest.raises(BadInput, match=what):
        trained(method, asked(method, first=False))
    with pytest.raises(BadInput, match=what):
        method.check(Sum())


def test_the_parts_are_the_fields_of_a_recipe():
    assert set(get_args(Part)) == set(PARTS) == {field.name for field in fields(Recipe)}


def test_what_several_remedies_bring_is_set_by_the_first_named():
    sizes = discover().task("adding", "ms11", 50).sizes
    of = {name: discover().method(name).recipes(sizes)[0] for name in ("lstm", "gradient_clipping")}
    assert of["lstm"]["batch_size"] != of["gradient_clipping"]["batch_size"]
    for first, second in (("lstm", "gradient_clipping"), ("gradient_clipping", "lstm")):
        combined = discover().method(f"{first}+{second}").recipes(sizes)[0]
        assert combined["batch_size"] == of[first]["batch_size"]
        assert combined["threshold"] == of["gradient_clipping"]["threshold"]
