"""The Hessian-free optimiser: quadratics, guards, checkpoints, costs."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from longlag import Batch, MatchingLoss, Network, Recurrent, SoftmaxCrossEntropy, SquaredError
from longlag.methods.parts.hessian_free import hf_optimizer
from longlag.methods.parts.hessian_free.gauss_newton import flatten
from longlag.methods.parts.hessian_free.hf_optimizer import HessianFree
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.tanh.cell import TanhCell

T, B, D, H, K = 7, 30, 2, 6, 3


class Copies(Recurrent):
    """States that are the inputs: with it a network is a linear regression, and its loss a quadratic."""

    def __init__(self, input_size: int, units: int) -> None:
        super().__init__(input_size, units)
        self.idle = nn.Parameter(torch.ones(units))

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        states = inputs + 0 * self.idle
        return states if mask is None else states[mask]

    def recurrent_blocks(self) -> list[Tensor]:
        return []

    input_blocks = biases = recurrent_blocks


def tanh_problem(loss: MatchingLoss | None = None) -> tuple[Network, Batch, MatchingLoss]:
    """A float64 tanh net and sequences; the first inputs decide the class."""
    torch.manual_seed(1)
    network = Network(TanhCell(D, H), K).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.4)
    mask = torch.zeros(T, dtype=torch.bool)
    mask[-1] = True
    inputs = torch.randn(T, B, D).double()
    classes = (inputs[0, :, 0] > 0).long() + (inputs[1, :, 1] > 0).long()
    return network, Batch(inputs, classes.unsqueeze(0), mask), loss or SoftmaxCrossEntropy()


def closure(network: Network, batch: Batch, loss: MatchingLoss) -> Callable[[], Tensor]:
    """What the engine calls: the gradient in `.grad`, the loss."""

    def run() -> Tensor:
        network.zero_grad()
        value = loss(network(batch.inputs, batch.mask), batch.targets)
        value.backward()
        return value.detach()

    return run


def take(
    optimizer: HessianFree, network: Network, batch: Batch, loss: MatchingLoss, steps: int = 1
) -> list[float]:
    """Some steps; the loss before each."""
    losses = []
    for _ in range(steps):
        optimizer.load(batch)
        losses.append(float(optimizer.step(closure(network, batch, loss))))
    return losses


def test_one_undamped_step_minimises_a_quadratic() -> None:
    torch.manual_seed(0)
    network = Network(Copies(4, 4), 2).double()
    batch = Batch(
        torch.randn(5, 8, 4).double(), torch.randn(5, 8, 2).double(), torch.ones(5, dtype=torch.bool)
    )
    optimizer = HessianFree(network, SquaredError(), curvature_batch=8, damping=0.0, tolerance=0.0)
    take(optimizer, network, batch, SquaredError())
    X = torch.cat([batch.inputs.reshape(40, 4), torch.ones(40, 1).double()], 1)
    expected = torch.linalg.lstsq(X, batch.targets.reshape(40, 2)).solution
    torch.testing.assert_close(network.readout.weight.data, expected[:4].T)
    torch.testing.assert_close(network.readout.bias.data, expected[4])
    assert optimizer.settings["failed"] == 0


def test_damping_makes_it_a_ridge_step() -> None:
    torch.manual_seed(0)
    network = Network(Copies(4, 4), 1).double()
    batch = Batch(
        torch.randn(1, 9, 4).double(), torch.randn(1, 9, 1).double(), torch.ones(1, dtype=torch.bool)
    )
    before = flatten([p.detach().clone() for p in network.parameters()])
    optimizer = HessianFree(network, SquaredError(), curvature_batch=9, damping=0.7, tolerance=0.0)
    take(optimizer, network, batch, SquaredError())
    X = torch.cat([batch.inputs[0], torch.ones(9, 1).double()], 1)
    residual = batch.targets[0] - X @ before[4:].unsqueeze(1)
    step = torch.linalg.solve(2 / 9 * X.T @ X + 0.7 * torch.eye(5), 2 / 9 * X.T @ residual).squeeze(1)
    after = flatten([p.detach() for p in network.parameters()])
    torch.testing.assert_close(after[4:] - before[4:], step)


@pytest.mark.parametrize("precondition", [False, True])
@pytest.mark.parametrize("structural", [0.0, 0.1])
def test_it_learns_what_needs_memory(precondition: bool, structural: float) -> None:
    network, batch, loss = tanh_problem()
    optimizer = HessianFree(
        network, loss, curvature_batch=B, damping=0.1, structural=structural, precondition=precondition
    )
    losses = take(optimizer, network, batch, loss, 25)
    assert losses[-1] < 0.1 * losses[0]
    assert all(after <= before for before, after in pairwise(losses))


def test_a_step_with_no_finite_loss_is_never_taken() -> None:
    network, batch, _ = tanh_problem(SquaredError())
    start = network(batch.inputs, batch.mask).detach()

    class Cliff(SquaredError):
        def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
            value = super().__call__(outputs, targets)
            return value if torch.allclose(outputs, start) else value * math.nan

    batch = Batch(batch.inputs, torch.randn(1, B, K).double(), batch.mask)
    before = flatten([p.detach().clone() for p in network.parameters()])
    optimizer = HessianFree(network, Cliff(), curvature_batch=B, damping=0.1)
    losses = take(optimizer, network, batch, Cliff(), 2)
    assert torch.equal(flatten([p.detach() for p in network.parameters()]), before)
    assert losses[0] == losses[1]
    assert optimizer.settings["damping"] == pytest.approx(0.1 * 1.5**2)
    assert optimizer.settings["failed"] == optimizer.settings["steps"] == 2
    assert not optimizer.state, "the warm start is forgotten"


def test_a_cliff_on_the_way_is_walked_around() -> None:
    network, batch, _ = tanh_problem(SquaredError())
    start = network(batch.inputs, batch.mask).detach()

    class Cliff(SquaredError):
        def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
            value = super().__call__(outputs, targets)
            return value if bool((outputs - start).abs().max() < 0.05) else value * math.inf

    batch = Batch(batch.inputs, torch.randn(1, B, K).double(), batch.mask)
    optimizer = HessianFree(network, Cliff(), curvature_batch=B, damping=0.1)
    losses = take(optimizer, network, batch, Cliff(), 3)
    assert math.isfinite(losses[-1])
    assert losses[1] < losses[0]
    assert optimizer.settings["failed"] == 0 or losses[2] <= losses[1]


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_loss_or_gradient_that_is_not_finite_surfaces(where: str) -> None:
    network, batch, loss = tanh_problem()
    optimizer = HessianFree(network, loss, curvature_batch=B)
    before = flatten([p.detach().clone() for p in network.parameters()])

    def spoilt() -> Tensor:
        value = closure(network, batch, loss)()
        if where == "loss":
            return value * math.inf
        assert network.readout.bias.grad is not None
        network.readout.bias.grad[0] = math.nan
        return value

    optimizer.load(batch)
    assert math.isnan(float(optimizer.step(spoilt)))
    assert torch.equal(flatten([p.detach() for p in network.parameters()]), before)


def test_training_goes_on_from_a_checkpoint_as_if_nothing_had_happened() -> None:
    network, batch, loss = tanh_problem()
    settings = {"curvature_batch": 10, "structural": 0.1}
    optimizer = HessianFree(network, loss, damping=0.5, **settings)
    take(optimizer, network, batch, loss, 3)
    kept = io.BytesIO()
    torch.save({"network": network.state_dict(), "optimizer": optimizer.state_dict()}, kept)
    expected = take(optimizer, network, batch, loss, 4)

    kept.seek(0)
    stored = torch.load(kept, weights_only=True)
    other = Network(TanhCell(D, H), K).double()
    other.load_state_dict(stored["network"])
    resumed = HessianFree(other, loss, damping=9.0, **settings)
    resumed.load_state_dict(stored["optimizer"])
    assert resumed.settings["steps"] == 3
    assert take(resumed, other, batch, loss, 4) == expected
    for one, two in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)
    assert resumed.settings["damping"] == optimizer.settings["damping"]


def test_batches_of_several_lengths_make_one_step() -> None:
    torch.manual_seed(0)
    network = Network(Copies(4, 4), 2).double()
    batches = [
        Batch(torch.randn(t, b, 4).double(), torch.randn(t, b, 2).double(), torch.ones(t, dtype=torch.bool))
        for t, b in ((5, 8), (3, 2), (2, 8))
    ]
    optimizer = HessianFree(
        network, SquaredError(), curvature_batch=24, gradient_batches=3, damping=0.0, tolerance=0.0
    )
    before = flatten([p.detach().clone() for p in network.parameters()])
    for batch in batches:
        assert torch.equal(flatten([p.detach() for p in network.parameters()]), before)
        take(optimizer, network, batch, SquaredError())
    # every sequence counts alike, however many steps it has
    weights = torch.cat([torch.full((b.length * b.size, 1), b.length**-0.5).double() for b in batches])
    X = torch.cat([torch.cat([b.inputs.reshape(-1, 4) for b in batches]), torch.ones_like(weights)], 1)
    Y = torch.cat([b.targets.reshape(-1, 2) for b in batches])
    expected = torch.linalg.lstsq(weights * X, weights * Y).solution
    torch.testing.assert_close(network.readout.weight.data, expected[:4].T)
    torch.testing.assert_close(network.readout.bias.data, expected[4])
    assert optimizer.settings["steps"] == 1


def test_a_checkpoint_keeps_the_batches_taken_in() -> None:
    network, batch, loss = tanh_problem()
    settings = {"curvature_batch": 10, "structural": 0.1, "gradient_batches": 2}
    parts = [batch.narrow(12), batch.narrow(9, 12), batch.narrow(9, 21)]
    optimizer = HessianFree(network, loss, damping=0.5, **settings)
    for part in parts:
        take(optimizer, network, part, loss)
    kept = io.BytesIO()
    torch.save({"network": network.state_dict(), "optimizer": optimizer.state_dict()}, kept)
    take(optimizer, network, batch, loss)

    kept.seek(0)
    stored = torch.load(kept, weights_only=True)
    other = Network(TanhCell(D, H), K).double()
    other.load_state_dict(stored["network"])
    resumed = HessianFree(other, loss, **settings)
    resumed.load_state_dict(stored["optimizer"])
    take(resumed, other, batch, loss)
    assert resumed.settings["steps"] == optimizer.settings["steps"] == 2
    for one, two in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("precondition", [False, True])
def test_curvature_comes_from_the_first_sequences_and_the_cost_counts_everything(
    monkeypatch: pytest.MonkeyPatch, precondition: bool
) -> None:
    network, batch, loss = tanh_problem()
    sizes, products, forwards = [], [], []
    make = hf_optimizer.gauss_newton

    def spy(network: Network, chosen: Batch, loss: MatchingLoss) -> hf_optimizer.Curvature:
        sizes.append(chosen.size)
        assert torch.equal(chosen.inputs, batch.inputs[:, :10])
        curvature = make(network, chosen, loss)
        product = curvature.product
        monkeypatch.setattr(curvature, "product", lambda *a: (products.append(1), product(*a))[1])
        return curvature

    monkeypatch.setattr(hf_optimizer, "gauss_newton", spy)
    optimizer = HessianFree(network, loss, curvature_batch=10, damping=0.1, precondition=precondition)
    network.register_forward_hook(lambda *_: forwards.append(1))
    take(optimizer, network, batch, loss, 1)
    N = H * H + H * D
    evaluations = len(forwards) - 1
    assert sizes == [10]
    assert evaluations >= 2
    expected = 6 * N * T * B + 2 * N * T * 10 + 8 * N * T * 10 * len(products) + 2 * N * T * B * evaluations
    # the preconditioner is made of one gradient of each sequence of the curvature
    assert optimizer.cost == pytest.approx(expected + precondition * 6 * N * T * 10)


def test_it_needs_a_batch_and_a_closure() -> None:
    network, batch, loss = tanh_problem()
    optimizer = HessianFree(network, loss, curvature_batch=10)
    with pytest.raises(RuntimeError, match="load"):
        optimizer.step(closure(network, batch, loss))
    optimizer.load(batch)
    with pytest.raises(RuntimeError, match="closure"):
        optimizer.step()


@pytest.mark.parametrize("cell", [TanhCell, LSTMCell])
def test_held_parameters_stay_and_the_others_step_as_if_they_were_constants(cell: type[Recurrent]) -> None:
    _, batch, loss = tanh_problem()
    torch.manual_seed(2)
    network = Network(cell(D, H), K).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.4)
    held = [p for p in network.recurrent.parameters() if p.dim() == 1]
    for parameter in held:
        parameter.requires_grad_(False)
    before = [p.clone() for p in held]
    weights = network.recurrent.recurrent_blocks()[0].detach().clone()
    optimizer = HessianFree(network, loss, curvature_batch=B, damping=1.0, max_iterations=20)
    losses = take(optimizer, network, batch, loss, steps=5)
    assert losses[-1] < losses[0]
    assert all(torch.equal(p, old) for p, old in zip(held, before, strict=True))
    assert not torch.equal(network.recurrent.recurrent_blocks()[0], weights)
