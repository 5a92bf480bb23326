"""The remedy: its search space, its recipe, and training under Lightning."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from longlag import BadInput, Batch, Task
from longlag.bench.contract.module import RecipeModule
from longlag.bench.plugins.combination import Combination
from longlag.methods.careful_init import CarefulInit
from longlag.methods.hessian_free import HessianFree
from longlag.methods.lstm import LSTM
from longlag.methods.parts.hessian_free.hf_optimizer import HessianFree as Optimizer
from longlag.methods.vanilla import Vanilla
from longlag.tasks.adding import Adding
from longlag.tasks.temporal_order import TemporalOrder

PUBLISHED: dict[str, Any] = {
    # Martens & Sutskever 2011, and Martens' thesis for the sizes
    "damping": 0.1,
    "structural": True,
    "structural_damping": 1 / 30,
    "cg_iterations": 300,
    "curvature_batch": 1000,
    "units": 100,
    # 10,000 sequences a step, of several lengths
    "batch_size": 1000,
    "gradient_batches": 10,
    "precondition": False,
    "recurrent_weights": "sparse",
    "spectral_radius": 1.1,
    "input_scale": 0.1,
    "readout_scale": 0.1,
    "centred": False,
    "hold_biases": False,
}
SMALL = {
    **PUBLISHED,
    "cg_iterations": 20,
    "curvature_batch": 20,
    "units": 10,
    "batch_size": 40,
    "gradient_batches": 1,
}


class Stream(IterableDataset[Batch]):
    """Batches of a task without end."""

    def __init__(self, task: Task, size: int) -> None:
        self.task, self.size = task, size

    def __iter__(self) -> Any:
        generator = torch.Generator().manual_seed(0)
        while True:
            yield self.task.sample(self.size, generator)


def trainer(steps: int, folder: Path) -> pl.Trainer:
    return pl.Trainer(
        max_steps=steps,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )


def fit(model: RecipeModule, steps: int, folder: Path, checkpoint: Path | None = None) -> pl.Trainer:
    chosen = trainer(steps, folder)
    with warnings.catch_warnings():
        # Lightning's advice about workers and about resuming in the middle of an epoch
        warnings.simplefilter("ignore")
        chosen.fit(
            model,
            DataLoader(Stream(model.task, model.batch_size), batch_size=None),
            ckpt_path=checkpoint,
            weights_only=checkpoint is not None,
        )
    return chosen


def hessian_free(*others: Any) -> Combination:
    return Combination([*others, HessianFree()], Vanilla())


def test_the_search_space_holds_the_published_recipe() -> None:
    found = hessian_free().suggest(optuna.trial.FixedTrial(PUBLISHED), Adding(100, "ms11"))
    assert found == PUBLISHED


def test_the_recipe_says_what_the_optimiser_does() -> None:
    model = hessian_free().build(Adding(20, "ms11"), **SMALL)
    optimizer = model.configure_optimizers()
    assert isinstance(optimizer, Optimizer)
    chosen = {name: optimizer.settings[name] for name in ("curvature_batch", "damping", "structural")}
    assert chosen == {"curvature_batch": 20, "damping": 0.1, "structural": 1 / 30}
    assert (optimizer.settings["max_iterations"], optimizer.settings["warm_start"]) == (20, 0.95)
    plain = hessian_free().build(Adding(20, "ms11"), **{**SMALL, "structural": False}).configure_optimizers()
    assert plain.settings["structural"] == 0.0


def test_tuning_reaches_the_preconditioner_and_the_first_guesses_do_without() -> None:
    task = Adding(20, "ms11")
    method = hessian_free()
    chosen = method.suggest(optuna.trial.FixedTrial({**PUBLISHED, "precondition": True}), task)
    assert method.build(task, **chosen).configure_optimizers().settings["precondition"]
    for guess in method.recipes(task.sizes):
        plain = method.suggest(optuna.trial.FixedTrial(guess), task)
        assert not method.build(task, **plain).configure_optimizers().settings["precondition"]
    # A trial stored before it was tuned comes out as it did.
    del chosen["precondition"]
    assert not method.build(task, **chosen).configure_optimizers().settings["precondition"]


def test_a_loss_with_no_curvature_is_declined() -> None:
    class Absolute:
        def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
            return (outputs - targets).abs().mean()

    task = Adding(20, "ms11")
    assert hessian_free().supports(task) is None
    task.loss = Absolute()
    assert "curvature" in str(hessian_free().supports(task))


def test_two_optimisers_cannot_be_combined() -> None:
    with pytest.raises(BadInput, match="optimiser"):
        hessian_free(CarefulInit())


def test_it_trains_under_lightning_and_resumes(tmp_path: Path) -> None:
    def build() -> RecipeModule:
        torch.manual_seed(0)
        return hessian_free().build(Adding(10, "ms11"), **SMALL)

    whole = build()
    done = fit(whole, 2, tmp_path)
    assert done.global_step == 2
    done.save_checkpoint(tmp_path / "two.ckpt")
    stored = torch.load(tmp_path / "two.ckpt", weights_only=True)
    assert stored["optimizer_states"][0]["param_groups"][0]["steps"] == 2

    model = build()
    resumed = fit(model, 3, tmp_path, tmp_path / "two.ckpt")
    assert resumed.global_step == 3
    optimizer = resumed.optimizers[0]
    assert isinstance(optimizer, Optimizer)
    assert optimizer.settings["steps"] == 3
    # it went on from lambda as it was stored, by one application of the rule
    ratio = optimizer.settings["damping"] / stored["optimizer_states"][0]["param_groups"][0]["damping"]
    assert any(ratio == pytest.approx(r) for r in (2 / 3, 1.0, 1.5))
    assert model.cost(Adding(10, "ms11").sample(40, torch.Generator())) > 6 * model.weights * 10 * 40


def test_memory_cells_are_trained_through_generic_products() -> None:
    torch.manual_seed(0)
    task = TemporalOrder(10, "ms11")
    method = hessian_free(LSTM())
    own = {"damping": 0.1, "structural": False, "cg_iterations": 50, "curvature_batch": 100}
    wanted = {**own, "gradient_batches": 1, "keep_gate": "constant", "keep_bias": 2.0, "units": 16}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(wanted)
    model = method.build(task, **method.suggest(study.ask(), task))
    optimizer = model.configure_optimizers()
    batch = task.sample(40, torch.Generator().manual_seed(0))
    losses = []
    for _ in range(8):
        optimizer.load(batch)
        losses.append(float(optimizer.step(lambda: model.gradient(batch))))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.5 * losses[0]
    assert optimizer.settings["failed"] == 0


@pytest.mark.slow
def test_it_bridges_a_lag() -> None:
    torch.manual_seed(0)
    task = TemporalOrder(30, "ms11")
    chosen = {
        **PUBLISHED,
        "recurrent_weights": "orthogonal",
        "spectral_radius": 1.03,
        "structural_damping": 0.1,
        "cg_iterations": 60,
        "units": 40,
        "batch_size": 500,
        "gradient_batches": 1,
        "curvature_batch": 150,
    }
    model = hessian_free().build(task, **chosen)
    optimizer = model.configure_optimizers()
    generator = torch.Generator().manual_seed(1)
    for _ in range(25):
        batch = task.sample(model.batch_size, generator)
        optimizer.load(batch)
        optimizer.step(lambda batch=batch: model.gradient(batch))
    fresh = task.sample(1000, generator)
    with torch.no_grad():
        wrong = task.wrong(model(fresh.inputs, fresh.mask), fresh)
    assert float(wrong.float().mean()) < 0.05 < task.chance
