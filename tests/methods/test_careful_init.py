"""Careful initialisation as a whole: what it builds, and that it trains under Lightning."""

from __future__ import annotations

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from longlag import Batch, SquaredError, Task
from longlag.bench.plugins.combination import Combination
from longlag.methods.careful_init import CarefulInit
from longlag.methods.parts.optimisers import AcceleratedGradient
from longlag.methods.vanilla import Vanilla
from longlag.tasks.adding import Adding


class Mean(Task):
    """The mean of a short sequence of one input."""

    name = "mean"
    source = ""

    def __init__(self, lag: int = 5) -> None:
        super().__init__(lag)
        self.input_size, self.output_size, self.loss = 1, 1, SquaredError()

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        inputs = torch.rand(self.lag, batch_size, 1, generator=generator)
        return Batch(inputs, inputs.mean(0, keepdim=True), torch.arange(self.lag) == self.lag - 1)

    def wrong(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return (outputs - batch.targets).abs().amax((0, 2)) > 0.04


PUBLISHED = {
    "units": 100,
    "batch_size": 100,
    "recurrent_weights": "sparse",
    "spectral_radius": 1.1,
    "input_scale": 1e-3,
    "readout_scale": 0.1,
    "centred": True,
    "hold_biases": True,
    "learning_rate": 1e-3,
    "friction": 0.005,
    "early_updates": 1000,
    "gradual": False,
}
"""What Sutskever et al. 2013 began with on the adding problem; the biases held."""


def build(**changed):
    torch.manual_seed(0)
    method = Combination([CarefulInit()], Vanilla())
    return method.build(Mean(), **{**PUBLISHED, **changed})


def batches(count):
    draws = torch.Generator().manual_seed(1)
    return [Mean().sample(20, draws) for _ in range(count)]


def test_what_was_published_is_what_is_built():
    built = build()
    cell = built.network.recurrent
    W = cell.recurrent_blocks()[0].detach().double().numpy()
    assert W.shape == (100, 100)
    assert (np.count_nonzero(W, axis=1) == 15).all()
    assert np.abs(np.linalg.eigvals(W)).max() == pytest.approx(1.1, rel=1e-5)
    assert cell.input_blocks()[0].std().item() == pytest.approx(1e-3, rel=0.3)
    assert built.network.readout.weight.std().item() == pytest.approx(0.1, rel=0.3)
    assert built.network.input_mean.item() == pytest.approx(0.5, abs=0.02)
    assert built.network.readout.bias.item() == pytest.approx(0.5, abs=0.02)
    assert built.batch_size == 100
    optimizer = built.configure_optimizers()
    assert isinstance(optimizer, AcceleratedGradient)
    (group,) = optimizer.param_groups
    assert (group["lr"], group["early_momentum"], group["early_updates"], group["momentum"]) == (
        1e-3,
        0.9,
        1000,
        0.995,
    )


@pytest.mark.parametrize("hold_biases", [True, False])
def test_held_biases_and_initial_states_stay_zero_and_the_rest_is_trained(hold_biases):
    built = build(hold_biases=hold_biases, learning_rate=0.01)
    before = {name: p.detach().clone() for name, p in built.network.named_parameters()}
    optimizer = built.configure_optimizers()
    for batch in batches(3):
        optimizer.step(closure=lambda batch=batch: built.gradient(batch))
    moved = {name for name, p in built.network.named_parameters() if not torch.equal(p, before[name])}
    trained = {"recurrent.input_weight", "recurrent.recurrent_weight", "readout.weight", "readout.bias"}
    assert moved == (trained if hold_biases else set(before))
    assert not before["recurrent.bias"].any()
    assert not before["recurrent.initial"].any()


def test_holding_the_biases_leaves_the_gradient_of_the_weights_as_it_was():
    held, free = build(hold_biases=True), build(hold_biases=False)
    (batch,) = batches(1)
    assert held.gradient(batch) == free.gradient(batch)
    for parameter, other in zip(held.network.parameters(), free.network.parameters(), strict=True):
        if parameter.requires_grad:
            assert torch.equal(parameter.grad, other.grad)


@pytest.mark.parametrize("kind", ["sparse", "orthogonal", "identity"])
def test_every_kind_of_weights_learns(kind):
    built = build(recurrent_weights=kind, units=30, input_scale=0.1, learning_rate=0.01, spectral_radius=1.0)
    optimizer = built.configure_optimizers()
    losses = [float(optimizer.step(closure=lambda b=b: built.gradient(b))) for b in batches(100)]
    assert np.mean(losses[-20:]) < 0.3 * np.mean(losses[:5])


def test_lightning_takes_the_same_steps_as_a_plain_loop():
    plain, trained = build(learning_rate=0.01), build(learning_rate=0.01)
    optimizer = plain.configure_optimizers()
    for batch in batches(7):
        optimizer.step(closure=lambda batch=batch: plain.gradient(batch))
    trainer = pl.Trainer(
        max_steps=7,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(trained, DataLoader(batches(7), batch_size=None))
    assert trainer.global_step == 7
    for one, other in zip(plain.parameters(), trained.parameters(), strict=True):
        assert torch.equal(one, other)


def test_between_steps_the_network_stands_at_the_parameters_not_ahead_of_them():
    built = build(learning_rate=0.01)
    optimizer = built.configure_optimizers()
    weights = built.network.flat()
    before = weights.detach().clone()
    for batch in batches(3):
        optimizer.step(closure=lambda batch=batch: built.gradient(batch))
        torch.testing.assert_close(weights.detach(), before + optimizer.state[weights]["velocity"])
        before = weights.detach().clone()


@pytest.mark.parametrize("lag", [20, 80, 500])
def test_rates_shrink_with_the_targets_variance(lag):
    mean, total = (CarefulInit().recipes(Adding(lag, variant).sizes) for variant in ("ms11", "s13"))
    for narrow, wide in zip(mean, total, strict=True):
        assert wide["learning_rate"] == narrow["learning_rate"] / 4
        assert {**wide, "learning_rate": 0} == {**narrow, "learning_rate": 0}
