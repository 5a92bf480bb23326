"""The promises of a method, or of a remedy on the vanilla recipe."""

from __future__ import annotations

import json
import os
import time
import warnings
from typing import Any

import optuna
import torch

from longlag.bench.checking.promises import DECLARE, Promises, Unkept
from longlag.bench.checking.tried import NO_LIMIT, Again, Tried, size_of, tensors
from longlag.bench.contract.errors import BadInput
from longlag.bench.contract.method import MOST_RECIPES
from longlag.bench.contract.seeds import generator
from longlag.bench.contract.task import SHORTEST_TWIN
from longlag.bench.plugins import tuning
from longlag.bench.plugins.combination import Combination
from longlag.bench.trial.meter import BudgetMeter, Stream, step_cost, weights
from longlag.bench.trial.spec import Limits
from longlag.bench.trial.trainer import fit

TWIN = "temporal_order"
"""The task whose twin has to be learned: its answer is the order of two keys, next to it."""
TWIN_UPDATES, _TWIN_FLOPS = 1000, 5e9
"""How long it may learn: as a method of small steps, and as one of large."""
LEARNED, _ATTEMPTS = 0.8, 5
"""It has learned where this share of the loss by chance is left; and how many settings may try."""
_FEW = 5


PROMISES: Promises[Tried] = Promises()


@PROMISES.promise("it changes the parts of the recipe that it declares, and no others")
def _declares(tried: Tried) -> str | None:
    if not isinstance(tried.method, Combination):
        return "a model of its own: it changes no recipe"
    task = tried.supported()
    study = tuning.study([], optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        try:
            tried.method.recipe(tried.suggested(study, task))
        except BadInput as undeclared:
            raise Unkept(str(undeclared), DECLARE) from None
    return None


@PROMISES.promise("its search space is made of JSON values, and the same for the same seed")
def _suggests(tried: Tried) -> None:
    task = tried.supported()
    for seed in range(5):
        one, two = (tried.settings(task, seed, recipe=False) for _ in range(2))
        if one != two:
            differ = sorted(key for key in {*one, *two} if one.get(key) != two.get(key))
            raise Unkept(
                f"seed {seed} gave {differ[0]!r} two values", "Draw hyperparameters from the trial alone"
            )
        if json.loads(json.dumps(one)) != one:
            raise Unkept(
                "its hyperparameters change when they are stored", "Return numbers, texts and lists alone"
            )


@PROMISES.promise("its recipes are few, lie in its search space, and are formulas of the lag and sizes alone")
def _recipes(tried: Tried) -> str:
    short = tried.supported()
    allowed = type(short).lags(short.variant)
    for lag in (lag for lag in (20, 100, 1000, 10_000) if lag in allowed):
        # At the lag itself, on which the search space may depend.
        task = type(short)(lag, short.variant)
        recipes = [dict(each) for each in tried.method.recipes(task.sizes)]
        if len(recipes) > MOST_RECIPES:
            raise Unkept(
                f"it brings {len(recipes)} recipes at a lag of {lag}",
                f"Keep the best {MOST_RECIPES}: the rest is found by tuning",
            )
        for recipe in recipes:
            trial = tuning.study([recipe], optuna.samplers.RandomSampler(seed=0)).ask()
            with warnings.catch_warnings(record=True) as out_of_range:
                warnings.simplefilter("always")
                tried.method.suggest(trial, task)
            other = [key for key, value in recipe.items() if trial.params.get(key) != value]
            told = [f"it sets {other[0]!r}, which suggest does not"] if other else []
            told += [str(each.message).rstrip(".") for each in out_of_range]
            if told:
                raise Unkept(
                    f"of its recipe for a lag of {lag}: {told[0]}",
                    "Widen the search space, or name the hyperparameter as suggest does",
                )
    count = len(list(tried.method.recipes(short.sizes)))
    return f"{count} recipes" if count != 1 else "1 recipe"


@PROMISES.promise("it builds a model for every task that it says it supports")
def _builds(tried: Tried) -> str:
    built = refused = 0
    for name, plugin in sorted(tried.registry.tasks.items()):
        for variant in plugin.variants:
            task = tried.made(name, variant)
            if task is None:
                continue
            why_not = tried.method.supports(task)
            if why_not is not None:
                if not str(why_not).strip() or "\n" in str(why_not):
                    raise Unkept(
                        f"it refuses {name}:{variant} without a reason",
                        "Let `supports` return one line that says why not, or None",
                    )
                refused += 1
                continue
            model = tried.build(task, tried.settings(task))
            batch = task.sample(3, generator(0, "some"))
            with torch.no_grad():
                outputs = model(batch.inputs, batch.mask)
            wanted = (int(batch.mask.sum()), 3, task.output_size)
            if tuple(outputs.shape) != wanted:
                raise Unkept(
                    f"on {name}:{variant} its outputs are {list(outputs.shape)}, not {list(wanted)}",
                    "Return outputs [S, B, K] at the steps where the mask is true, and no others",
                )
            built += 1
    return f"{built} task variants" + (f", {refused} refused with a reason" if refused else "")


@PROMISES.promise("a few updates change its weights, and leave them finite")
def _updates(tried: Tried) -> None:
    task = tried.supported()
    before = tensors(tried.build(task, tried.settings(task)))
    # The first step of a method that looks before it steps may be none.
    after = tensors(tried.trained(task, _FEW))
    if not any(not torch.equal(before[key], after[key]) for key in before.keys() & after.keys()):
        raise Unkept("no weight changed", "Return the loss from training_step, and configure an optimiser")
    wrong = [key for key, value in after.items() if value.is_floating_point() and not value.isfinite().all()]
    if wrong:
        raise Unkept(f"{wrong[0]} is no longer finite", "Lower the step of the first recipe")


@PROMISES.promise("the same seed gives the same model, and another seed another")
def _seeded(tried: Tried) -> None:
    task = tried.supported()
    batch = task.sample(50, generator(0, "some"))
    outputs = []
    for seed in (1, 1, 2):
        model = tried.trained(task, 2, seed)
        with torch.no_grad():
            outputs.append(model(batch.inputs, batch.mask))
    if not torch.equal(outputs[0], outputs[1]):
        raise Unkept("two models of one seed differ", "Draw from torch's generator, which is seeded")
    if torch.equal(outputs[0], outputs[2]):
        raise Unkept("models of two seeds are the same", "Seed nothing yourself: draw what you need")


@PROMISES.promise("its model survives a checkpoint")
def _survives(tried: Tried) -> None:
    task = tried.supported()
    model = tried.trained(task, 2)
    again = tried.build(task, tried.settings(task), seed=7)
    again.load_state_dict(model.state_dict())
    batch = task.sample(20, generator(0, "some"))
    with torch.no_grad():
        one, two = (each(batch.inputs, batch.mask) for each in (model, again))
    if not torch.equal(one, two):
        raise Unkept(
            "with the weights loaded into a new model, the outputs are others",
            "Keep what was learned or drawn in parameters and buffers",
        )


@PROMISES.promise("its steps are charged, at least a forward pass each")
def _charged(tried: Tried) -> str:
    task = tried.supported()
    model = tried.build(task, tried.settings(task))
    batch = task.sample(size_of(model), generator(0, "train"))
    meter = BudgetMeter(Limits(NO_LIMIT, updates=1))
    fit(model, Again(batch), [meter])
    forward = 2.0 * weights(model) * batch.length * batch.size
    charged = step_cost(model, batch)
    # One part in a million: costs are sums of rounded products.
    if not charged >= forward * (1 - 1e-6):
        raise Unkept(
            f"a step is charged {charged:.3g} FLOPs, less than its forward pass of {forward:.3g}",
            "Let `weights` count what is used at every step, and `cost` what a step takes",
        )
    return f"{charged:.3g} FLOPs, {charged / forward * 2:.2g} N T B"


@PROMISES.promise("it learns a task without a lag")
def _learns(tried: Tried) -> str | None:
    if tried.method.control:
        return "a control, which need not learn"
    plugin = tried.registry.tasks.get(TWIN)
    if plugin is None:
        return f"not tried: there is no task {TWIN!r}"
    task = plugin(SHORTEST_TWIN).twin()
    if tried.method.supports(task) is not None:
        return f"not tried: it does not support {TWIN}"
    held = task.draw(200, generator(0, "held"), "validation")
    losses = []
    for attempt in range(_ATTEMPTS):
        settings = tried.settings(task, attempt, recipe=attempt == 0)
        model = tried.trained(task, TWIN_UPDATES, flops=_TWIN_FLOPS, settings=settings)
        with torch.no_grad():
            losses.append(float(task.loss(model(held.inputs, held.mask), held.targets)) / task.chance_loss)
        if losses[-1] < LEARNED:
            return f"{losses[-1]:.0%} of the loss by chance are left, with setting {attempt + 1}"
    raise Unkept(
        f"of {_ATTEMPTS} settings none came below {LEARNED:.0%} of the loss by chance on the twin of {TWIN}, "
        f"in {TWIN_UPDATES} updates or {_TWIN_FLOPS:g} FLOPs; the best was {min(losses):.0%}",
        "Give a recipe that learns where there is no lag, or look for a sign or a scale that is wrong",
    )


@PROMISES.promise("it leaves alone what others share: threads, default dtype, gradient mode, environment")
def _leaves(tried: Tried) -> None:
    def shared() -> dict[str, Any]:
        return {
            "torch's threads": torch.get_num_threads(),
            "the default dtype": torch.get_default_dtype(),
            "the gradient mode": torch.is_grad_enabled(),
            "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
            "the environment": dict(os.environ),
            "the folder": os.getcwd(),  # noqa: PTH109 - as a text, to compare
        }

    before = shared()
    tried.trained(tried.supported(), 2)
    after = shared()
    touched = [name for name in before if before[name] != after[name]]
    if touched:
        raise Unkept(f"it changed {' and '.join(touched)}", "Put it back, or do without")


@PROMISES.promise("a trained step takes a finite time")
def _timed(tried: Tried) -> str:
    task = tried.supported()
    model = tried.build(task, tried.settings(task))
    meter = BudgetMeter(Limits(NO_LIMIT, updates=20))
    started = time.perf_counter()
    fit(model, Stream(task, size_of(model), generator(0, "train")), [meter])
    each = (time.perf_counter() - started) / meter.updates
    count = sum(p.numel() for p in model.parameters())
    return f"{1000 * each:.2g} ms an update of {size_of(model)} sequences, {count} parameters"
