"""Gauss-Newton products against J' H J from dense float64 Jacobians."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from longlag import (
    Batch,
    MatchingLoss,
    Network,
    Recurrent,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    SquaredError,
)
from longlag.methods.parts.hessian_free.gauss_newton import TanhGaussNewton, flatten, unflatten
from longlag.methods.parts.hessian_free.gauss_newton_generic import GenericGaussNewton
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.tanh.cell import TanhCell

T, B, D, H, K = 6, 3, 2, 4, 2
LOSSES = [SquaredError(), SoftmaxCrossEntropy(), SigmoidCrossEntropy()]
MASKS = {
    "last": [False] * (T - 1) + [True],
    "every": [True] * T,
    "some": [False, True, False, False, True, False],
}


@pytest.fixture(params=MASKS, name="mask")
def _mask(request: pytest.FixtureRequest) -> Tensor:
    return torch.tensor(MASKS[request.param])


def problem(loss: MatchingLoss, mask: Tensor, kind: str = "tanh") -> tuple[Network, Batch]:
    """A small float64 network with a centred input, and labelled sequences for it."""
    torch.manual_seed(3)
    network = Network(CELLS[kind](), K).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.5)
    network.centre(torch.randn(D).double())
    steps = int(mask.sum())
    targets = (
        torch.randint(K, (steps, B))
        if isinstance(loss, SoftmaxCrossEntropy)
        else torch.rand(steps, B, K).double()
    )
    return network, Batch(torch.randn(T, B, D).double(), targets, mask)


class Softplus(Recurrent):
    """A layer the package does not know, written in plain torch."""

    def __init__(self, input_size: int, units: int) -> None:
        super().__init__(input_size, units)
        self.input_weight = nn.Parameter(torch.zeros(units, input_size))
        self.recurrent_weight = nn.Parameter(torch.zeros(units, units))
        self.initial = nn.Parameter(torch.zeros(units))

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        state, states = self.initial.expand(inputs.shape[1], -1), []
        for step in inputs:
            state = nn.functional.softplus(step @ self.input_weight.T + state @ self.recurrent_weight.T)
            states.append(state)
        return torch.stack(states) if mask is None else torch.stack(states)[mask]

    def recurrent_blocks(self) -> list[Tensor]:
        return [self.recurrent_weight]

    def input_blocks(self) -> list[Tensor]:
        return [self.input_weight]

    def biases(self) -> list[Tensor]:
        return []


CELLS: dict[str, Callable[[], Recurrent]] = {
    "tanh": lambda: TanhCell(D, H),
    "lstm": lambda: LSTMCell(D, H, torch.ones(H)),
    "softplus": lambda: Softplus(D, H),
}
Function = Callable[[Tensor], Tensor]


def functions(network: Network, batch: Batch) -> tuple[Tensor, Function, Function]:
    """theta [P], and the outputs and states as functions of it."""
    parameters = list(network.parameters())
    names = [name for name, _ in network.named_parameters()]

    def values(theta: Tensor) -> dict[str, Tensor]:
        return dict(zip(names, unflatten(theta, parameters), strict=True))

    def outputs(theta: Tensor) -> Tensor:
        return functional_call(network, values(theta), (batch.inputs, batch.mask)).flatten()

    def states(theta: Tensor) -> Tensor:
        own = {
            name[len("recurrent.") :]: v for name, v in values(theta).items() if name.startswith("recurrent.")
        }
        return functional_call(network.recurrent, own, (network.shifted(batch.inputs),)).flatten()

    return flatten([p.detach() for p in parameters]), outputs, states


def dense(network: Network, batch: Batch, loss: MatchingLoss, matching: bool) -> tuple[Tensor, Tensor]:
    """G and S as matrices [P, P], by Jacobians and the loss's autograd Hessian."""
    theta, outputs, states = functions(network, batch)
    J = torch.autograd.functional.jacobian(outputs, theta)
    Js = torch.autograd.functional.jacobian(states, theta)
    y, h = outputs(theta).detach(), states(theta).detach()
    shape = (int(batch.mask.sum()), B, K)
    HL = torch.autograd.functional.hessian(lambda y: loss(y.view(shape), batch.targets), y)
    # matching: (1 - h^2) in the pre-activation a, and dh = (1 - h^2) da; else the squared distance of states
    HD = 1 / (1 - h**2) if matching else torch.ones_like(h)
    return J.T @ HL @ J, Js.T @ (HD.unsqueeze(1) * Js) / B


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("structural", [0.0, 0.7])
def test_the_tanh_product_is_the_dense_matrix(loss: MatchingLoss, mask: Tensor, structural: float) -> None:
    network, batch = problem(loss, mask)
    G, S = dense(network, batch, loss, matching=True)
    curvature = TanhGaussNewton(network, batch, loss)
    got = torch.stack([curvature.product(v, structural) for v in torch.eye(len(G)).double()])
    torch.testing.assert_close(got, G + structural * S, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["softplus", "lstm"])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("structural", [0.0, 0.7])
def test_the_generic_product_is_the_dense_matrix(
    kind: str, loss: MatchingLoss, mask: Tensor, structural: float
) -> None:
    network, batch = problem(loss, mask, kind)
    G, S = dense(network, batch, loss, matching=False)
    curvature = GenericGaussNewton(network, batch, loss)
    for v in torch.randn(4, len(G)).double():
        torch.testing.assert_close(
            curvature.product(v, structural), (G + structural * S) @ v, rtol=1e-9, atol=1e-11
        )


def test_the_matching_distance_is_the_cross_entropy_of_logistic_units() -> None:
    # the convention the module's docstring names: (1 + h) / 2 is a logistic unit of logit 2a
    a0 = torch.randn(7).double()
    p0 = torch.sigmoid(2 * a0)

    def distance(a: Tensor) -> Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(2 * a, p0, reduction="sum")

    hessian = torch.autograd.functional.hessian(distance, a0)
    torch.testing.assert_close(hessian, torch.diag(1 - torch.tanh(a0) ** 2))


def test_the_generic_product_works_on_float32_lstm() -> None:
    loss = SquaredError()
    network, batch = problem(loss, torch.tensor(MASKS["last"]), "lstm")
    v = torch.randn(sum(p.numel() for p in network.parameters())).double()
    exact = GenericGaussNewton(network, batch, loss).product(v, 0.3)
    single = Batch(batch.inputs.float(), batch.targets.float(), batch.mask)
    rough = GenericGaussNewton(network.float(), single, loss).product(v.float(), 0.3)
    torch.testing.assert_close(rough.double(), exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["tanh", "lstm"])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_squared_gradients_are_those_of_one_sequence_after_the_other(
    kind: str, loss: MatchingLoss, mask: Tensor
) -> None:
    network, batch = problem(loss, mask, kind)
    expected = torch.zeros(sum(p.numel() for p in network.parameters())).double()
    for b in range(B):
        one = batch.narrow(1, b)
        own = loss(network(one.inputs, one.mask), one.targets)
        expected += flatten(torch.autograd.grad(own, list(network.parameters()))) ** 2 / B
    made = (TanhGaussNewton if kind == "tanh" else GenericGaussNewton)(network, batch, loss)
    torch.testing.assert_close(made.squared_gradients(), expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("width", [1, 3, 20])
@pytest.mark.parametrize("structural", [0.0, 0.7])
def test_both_backends_give_one_product(mask: Tensor, structural: float, width: int) -> None:
    torch.manual_seed(5)
    network = Network(TanhCell(width, H), K).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.5)
    batch = Batch(torch.randn(T, B, width).double(), torch.rand(int(mask.sum()), B, K).double(), mask)
    v = torch.randn(sum(p.numel() for p in network.parameters())).double()
    compiled, plain = (TanhGaussNewton(network, batch, SquaredError(), b) for b in ("compiled", "torch"))
    for _ in range(2):  # the second product must not see what the first one left
        torch.testing.assert_close(
            compiled.product(v, structural), plain.product(v, structural), rtol=1e-11, atol=1e-13
        )


def test_an_explosion_shows_in_the_product() -> None:
    network, batch = problem(SquaredError(), torch.tensor(MASKS["last"]))
    v = torch.ones(sum(p.numel() for p in network.parameters())).double()
    with torch.no_grad():
        network.readout.weight[0, 0] = torch.inf
    for backend in ("compiled", "torch"):
        product = TanhGaussNewton(network, batch, SquaredError(), backend).product(v)
        assert not bool(product.isfinite().all())


def test_float32_products_are_float64_products_to_rounding() -> None:
    loss = SquaredError()
    network, batch = problem(loss, torch.tensor(MASKS["last"]))
    v = torch.randn(sum(p.numel() for p in network.parameters())).double()
    exact = TanhGaussNewton(network, batch, loss).product(v, 0.3)
    single = Batch(batch.inputs.float(), batch.targets.float(), batch.mask)
    rough = TanhGaussNewton(network.float(), single, loss).product(v.float(), 0.3)
    torch.testing.assert_close(rough.double(), exact, rtol=1e-4, atol=1e-5)
