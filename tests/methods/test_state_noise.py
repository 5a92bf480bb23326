"""State noise: what is drawn, when it is, and that nothing but the gradient hears it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor

from longlag import BadInput, Batch, Network, Recurrent, SquaredError
from longlag.bench.contract.seeds import generator
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import Case, Checks, Limits, TrialSpec
from longlag.bench.trial.trial import run
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.relu.cell import ReLUCell
from longlag.methods.parts.tanh.cell import TanhCell
from longlag.tasks.adding import Adding

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec.*:FutureWarning")

T, B, H, SIZE = 30, 40, 10, 0.3
REGISTRY = discover()


def heard(network: Network) -> Tensor:
    """The noise [T, B, H] of one gradient of rectified units that all are on, and hear nothing else."""
    seen: list[Tensor] = []

    def loss(outputs: Tensor, _: Tensor) -> Tensor:
        seen.append(outputs.detach().clone())
        return outputs.square().mean()

    inputs, mask = torch.zeros(T, B, 2, dtype=torch.float64), torch.ones(T, dtype=torch.bool)
    network.gradient(Batch(inputs, torch.zeros(T, B, H, dtype=torch.float64), mask), loss)
    return seen[0] - 100.0


@pytest.fixture
def open_units() -> Network:
    network = Network(ReLUCell(2, H), H, state_noise=SIZE).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.recurrent.biases()[0].fill_(100.0)
        network.readout.weight.copy_(torch.eye(H))
    return network


def test_units_hear_gaussian_noise_of_its_size_afresh_everywhere(open_units: Network) -> None:
    torch.manual_seed(0)
    noise, again = heard(open_units), heard(open_units)
    assert stats.kstest(noise.flatten().numpy() / SIZE, "norm").pvalue > 0.01
    assert not torch.equal(noise, again)
    # Neighbours in time, among sequences and among units are not alike, nor are two updates.
    pairs = [(noise[1:], noise[:-1]), (noise[:, 1:], noise[:, :-1]), (noise[..., 1:], noise[..., :-1])]
    for one, other in [*pairs, (noise, again)]:
        correlation = stats.pearsonr(one.flatten().numpy(), other.flatten().numpy())
        assert abs(correlation.statistic) < 4 / one.numel() ** 0.5


def gradient(cell: type[Recurrent], seed: int, **through_time: Any) -> list[Tensor]:
    torch.manual_seed(1)
    network = Network(cell(2, H), 1, **through_time)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    batch = Adding(12, "a16").sample(7, torch.Generator().manual_seed(2))
    torch.manual_seed(seed)
    loss = network.gradient(batch, SquaredError())
    return [loss, *(parameter.grad for parameter in network.parameters() if parameter.grad is not None)]


@pytest.mark.parametrize("cell", [TanhCell, LSTMCell])
def test_the_seed_says_what_is_drawn(cell: type[Recurrent]) -> None:
    one, same, other = (gradient(cell, seed, state_noise=SIZE) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("cell", [TanhCell, LSTMCell])
def test_no_noise_draws_nothing_and_changes_no_bit(cell: type[Recurrent]) -> None:
    one, other = gradient(cell, 3, state_noise=0.0), gradient(cell, 4)
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    gradient(cell, 4, horizon=5)
    after = torch.get_rng_state()
    torch.manual_seed(4)
    assert torch.equal(after, torch.get_rng_state())


@pytest.mark.parametrize("cell", [TanhCell, LSTMCell])
def test_a_network_that_is_asked_hears_no_noise(cell: type[Recurrent]) -> None:
    torch.manual_seed(1)
    noisy = Network(cell(2, H), 1, state_noise=SIZE)
    plain = Network(noisy.recurrent, 1)
    plain.readout = noisy.readout
    batch = Adding(12, "a16").sample(7, torch.Generator().manual_seed(2))
    before = torch.get_rng_state()
    for enabled in (False, True):
        with torch.set_grad_enabled(enabled):
            assert torch.equal(noisy(batch.inputs, batch.mask), plain(batch.inputs, batch.mask))
    assert torch.equal(before, torch.get_rng_state())


def test_a_trial_is_the_same_by_the_same_seed() -> None:
    case = Case("lstm+state_noise", "adding", "a16", 10)
    method, task = REGISTRY.method(case.method), REGISTRY.task("adding", "a16", 10)
    setting = {**method.recipes(task.sizes)[0], "noise": 0.2}
    limits = Limits(1e18, updates=30)
    # However often it is checked: a check draws from streams of its own.
    specs = [
        TrialSpec(case, "tune", 0, seed, setting, limits, Checks(50, 50, 100, share))
        for seed, share in ((3, 0.05), (3, 0.5), (4, 0.05))
    ]
    losses = [run(spec, REGISTRY).loss for spec in specs]
    assert losses[0] == losses[1] != losses[2]


def test_noise_is_charged_a_flop_a_number() -> None:
    batch = Adding(10, "a16").sample(4, generator(0, "some"))
    for cell, gates in ((TanhCell, 1), (LSTMCell, 4)):
        plain, noisy = Network(cell(2, H), 1), Network(cell(2, H), 1, state_noise=SIZE)
        assert plain.cost(batch) == 6 * plain.recurrent.weights * 10 * 4
        assert noisy.cost(batch) - plain.cost(batch) == gates * 10 * 4 * H


def test_the_order_of_names_changes_nothing() -> None:
    task = REGISTRY.task("adding", "a16", 10)
    batch = task.sample(5, generator(0, "some"))
    found = []
    for expression in ("lstm+state_noise", "state_noise+lstm"):
        method = REGISTRY.method(expression)
        torch.manual_seed(0)
        setting = {**REGISTRY.method("lstm").recipes(task.sizes)[0], "noise": 0.1}
        model = method.build(task, **setting)
        model.gradient(batch)
        assert model.network.state_noise == 0.1
        found.append([parameter.grad for parameter in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize(("noise", "horizon"), [(-0.1, None), (float("nan"), None), (0.0, 0), (0.0, -3)])
def test_what_is_no_noise_or_no_horizon_is_refused(noise: float, horizon: int | None) -> None:
    with pytest.raises(BadInput, match="at least 0 and 1"):
        Network(TanhCell(2, 3), 1, noise, horizon)
