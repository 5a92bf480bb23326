"""Muon and SOAP against dense float64 references, and what their products are charged."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from longlag import Network, Recipe
from longlag.bench.contract.seeds import generator
from longlag.bench.plugins.registry import discover
from longlag.methods.parts.matrix_steps import Muon, Soap, orthogonalising
from longlag.methods.parts.tanh.cell import TanhCell
from longlag.tasks.adding import Adding

NETWORK = {"inputs": 3, "units": 5, "outputs": 2}


def network(kind: torch.dtype = torch.float64, seed: int = 0) -> Network:
    torch.manual_seed(seed)
    net = Network(TanhCell(NETWORK["inputs"], NETWORK["units"]), NETWORK["outputs"]).to(kind)
    with torch.no_grad():
        for weight in net.parameters():
            weight.normal_()
    return net


def gradients(net: Network, updates: int, seed: int = 1) -> list[dict[str, np.ndarray]]:
    """Random gradients of all weights, the same for every caller, drifting so that means are not nothing."""
    rng = np.random.default_rng(seed)
    shapes = {name: tuple(weight.shape) for name, weight in net.named_parameters()}
    drift = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return [
        {name: drift[name] + rng.normal(size=shape) for name, shape in shapes.items()} for _ in range(updates)
    ]


def run(net: Network, optimiser: torch.optim.Optimizer, given_: list[dict[str, np.ndarray]]) -> None:
    for each in given_:
        for name, weight in net.named_parameters():
            weight.grad = torch.from_numpy(each[name]).to(weight)
        optimiser.step()


def weights(net: Network) -> dict[str, np.ndarray]:
    return {name: weight.detach().numpy().copy() for name, weight in net.named_parameters()}


def adam(
    w: np.ndarray, given_: list[np.ndarray], rates: list[float], decays: tuple[float, float], skip: int = 0
) -> np.ndarray:
    """Kingma & Ba 2015, algorithm 1; the first `skip` gradients are passed over."""
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, (g, rate) in enumerate(list(zip(given_, rates, strict=True))[skip:], 1):
        m = decays[0] * m + (1 - decays[0]) * g
        v = decays[1] * v + (1 - decays[1]) * g**2
        # SOAP and Adam differ in where the epsilon stands: of these gradients neither shows
        w = w - rate * (m / (1 - decays[0] ** t)) / np.sqrt(v / (1 - decays[1] ** t))
    return w


def quintic(s: np.ndarray) -> np.ndarray:
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return s


def muon(w: np.ndarray, given_: list[np.ndarray], rates: list[float], momentum: float) -> np.ndarray:
    """Jordan et al. 2024, its iterations a polynomial of the singular values."""
    mean = np.zeros_like(w)
    for g, rate in zip(given_, rates, strict=True):
        mean = momentum * mean + (1 - momentum) * g
        u, s, vt = np.linalg.svd((1 - momentum) * g + momentum * mean, full_matrices=False)
        orthogonal = (u * quintic(s / np.linalg.norm(s))) @ vt
        w = w - rate * math.sqrt(max(1.0, w.shape[0] / w.shape[1])) * orthogonal
    return w


def test_muon_moves_matrices_by_its_polynomial_and_the_rest_by_adam() -> None:
    net = network(torch.float32)
    before, given_ = weights(net), gradients(net, 6)
    run(net, Muon(net, rate=0.1, momentum=0.9, adam_rate=0.01, halving=4.0), given_)
    slower = [1 / (1 + k / 4) for k in range(6)]
    after = weights(net)
    for name, w in before.items():
        own = [each[name] for each in given_]
        if name in ("recurrent.input_weight", "recurrent.recurrent_weight"):
            # torch iterates in bfloat16, which has 8 bits
            wanted = muon(w, own, [0.1 * each for each in slower], 0.9)
            np.testing.assert_allclose(after[name] - w, wanted - w, atol=0.02)
            assert np.abs(wanted - w).max() > 0.1
        else:
            wanted = adam(w, own, [0.01 * each for each in slower], (0.9, 0.999))
            np.testing.assert_allclose(after[name], wanted, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**30), scale=st.floats(1e-6, 1e6))
def test_a_step_of_muon_is_as_long_however_small_the_gradient(seed: int, scale: float) -> None:
    net = network(torch.float32)
    before = weights(net)
    (given_,) = gradients(net, 1, seed)
    run(net, Muon(net, 0.1, 0.95, 0.01), [{name: scale * each for name, each in given_.items()}])
    moved = weights(net)["recurrent.recurrent_weight"] - before["recurrent.recurrent_weight"]
    values = np.linalg.svd(moved / 0.1, compute_uv=False)
    assert values[0] < 1.3
    assert values[0] > 0.6


def soap(w: np.ndarray, given_: list[np.ndarray], rates: list[float], decay: float, every: int) -> np.ndarray:
    """Vyas et al. 2024, algorithm 3: the first gradient is for the eigenbasis alone."""
    mean, square = np.zeros_like(w), np.zeros_like(w)
    outers = [(1 - decay) * given_[0] @ given_[0].T, (1 - decay) * given_[0].T @ given_[0]]
    bases = [np.linalg.eigh(outer)[1][:, ::-1] for outer in outers]
    for k, (g, rate) in enumerate(zip(given_[1:], rates[1:], strict=True), 1):
        left, right = bases
        mean = decay * mean + (1 - decay) * g
        square = decay * square + (1 - decay) * (left.T @ g @ right) ** 2
        m = left.T @ mean @ right / (1 - decay**k)
        w = w - rate * left @ (m / np.sqrt(square / (1 - decay**k))) @ right.T
        outers = [
            decay * outer + (1 - decay) * new for outer, new in zip(outers, (g @ g.T, g.T @ g), strict=True)
        ]
        if k % every == 0:
            for side, outer in enumerate(outers):
                order = np.argsort(-np.diag(bases[side].T @ outer @ bases[side]), kind="stable")
                square = np.take(square, order, side)
                bases[side] = np.linalg.qr(outer @ bases[side][:, order])[0]
    return w


@pytest.mark.parametrize("every", [1, 4, 100])
def test_soap_is_adam_in_the_eigenbasis(every: int) -> None:
    net = network()
    # square matrices: of others the first eigenbasis is not unique, and Adam depends on it
    square = ("recurrent.recurrent_weight",)
    before, given_ = weights(net), gradients(net, 14)
    run(net, Soap(net, rate=0.01, decay=0.9, every=every, halving=5.0), given_)
    rates = [0.01 / (1 + k / 5) for k in range(14)]
    after = weights(net)
    for name, w in before.items():
        own = [each[name] for each in given_]
        if name in square:
            np.testing.assert_allclose(after[name], soap(w, own, rates, 0.9, every), atol=1e-6)
        elif w.ndim == 1:
            np.testing.assert_allclose(after[name], adam(w, own, rates, (0.9, 0.9), skip=1), atol=1e-6)
        assert np.abs(after[name] - w).max() > 0.01


def test_soap_turns_as_its_gradients_turn() -> None:
    # Adam does not: what it does depends on the axes.
    u, v = (np.linalg.qr(np.random.default_rng(seed).normal(size=(5, 5)))[0] for seed in (1, 2))
    paths = []
    for turn in (False, True):
        net = network()
        name = "recurrent.recurrent_weight"
        given_ = gradients(net, 12)
        if turn:
            for each in given_:
                each[name] = u @ each[name] @ v.T
        before = weights(net)[name]
        run(net, Soap(net, 0.01, 0.9, 3), given_)
        paths.append(weights(net)[name] - before)
    np.testing.assert_allclose(paths[1], u @ paths[0] @ v.T, atol=1e-8)


@pytest.mark.parametrize("name", ["muon", "soap"])
def test_it_minimises_what_is_badly_conditioned(name: str) -> None:
    net = network(torch.float32)
    optimiser = Muon(net, 0.02, 0.9, 0.02, 200.0) if name == "muon" else Soap(net, 0.1, halving=50.0)
    scales = {
        key: torch.logspace(-2, 0, weight.numel()).view_as(weight) for key, weight in net.named_parameters()
    }

    def loss() -> torch.Tensor:
        terms = [(scales[key] * weight**2).sum() for key, weight in net.named_parameters()]
        return torch.stack(terms).sum()

    first = float(loss().detach())
    for _ in range(300):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
    assert float(loss().detach()) < 0.03 * first


def test_products_are_charged_beside_the_gradient() -> None:
    task = Adding(20, "ms11")
    batch = task.sample(7, generator(0, "some"))
    net = Network(TanhCell(2, 6), 1)
    plain = 6.0 * (6 * 6 + 6 * 2) * batch.length * 7
    muon_, soap_ = Muon(net, 0.01, 0.9, 0.01), Soap(net, 0.01, every=2)
    costs = []
    for optimiser in (muon_, soap_, soap_, soap_):
        for weight in net.parameters():
            weight.grad = torch.randn_like(weight)
        optimiser.load(batch)
        optimiser.step()
        costs.append(optimiser.cost - plain)
    assert costs[0] == orthogonalising(6, 6) + orthogonalising(6, 2)
    # X X', its square and their product with X, five times, of [6, 6] and of [2, 6]
    assert costs[0] == 5 * (6 * 2 * 6 * 6 * 3) + 5 * 2 * (2 * 2 * 6 + 2 * 2 * 2 + 2 * 2 * 6)
    shapes = ((6, 6), (6, 2), (1, 6))
    outer = sum(2 * m * n * (m + n) for m, n in shapes)
    assert costs[1] > outer
    assert costs[2] == 4 * outer
    assert costs[3] - costs[2] == pytest.approx(sum((2 + 8 / 3) * (m**3 + n**3) for m, n in shapes))


@pytest.mark.parametrize("kind", [Muon, Soap])
def test_weights_that_are_held_stay(kind: type) -> None:
    net = network()
    held = net.recurrent.get_parameter("bias")
    held.requires_grad_(False)
    before = weights(net)
    optimiser = kind(net, 0.1, 0.9, 0.1) if kind is Muon else kind(net, 0.1, 0.9, 10)
    assert all(weight is not held for group in optimiser.param_groups for weight in group["params"])
    run(net, optimiser, gradients(net, 2))
    after = weights(net)
    assert [name for name in before if np.array_equal(before[name], after[name])] == ["recurrent.bias"]


@pytest.mark.parametrize("kind", [Muon, Soap])
def test_training_goes_on_from_a_state_dictionary(kind: type) -> None:
    def made() -> tuple[Network, torch.optim.Optimizer]:
        net = network(torch.float32)
        return net, kind(net, 0.1, 0.9, 0.1, 3.0) if kind is Muon else kind(net, 0.1, 0.9, 2, 3.0)

    (whole, steps), (half, begun), (rest, resumed) = made(), made(), made()
    given_ = gradients(whole, 8)
    run(whole, steps, given_)
    run(half, begun, given_[:5])
    rest.load_state_dict(half.state_dict())
    resumed.load_state_dict(begun.state_dict())
    run(rest, resumed, given_[5:])
    for name, w in weights(whole).items():
        np.testing.assert_array_equal(weights(rest)[name], w)


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("muon", {"learning_rate": 0.02, "momentum": 0.95}),
        ("soap", {"learning_rate": 3e-3, "decay": 0.95, "every": 10}),
    ],
)
def test_the_published_setting_is_the_first_recipe(name: str, published: dict[str, float]) -> None:
    method, task = discover().method(name), Adding(50, "ms11")
    first = method.recipes(task.sizes)[0]
    assert published.items() <= first.items()
    assert isinstance(method.recipe(dict(first)), Recipe)  # type: ignore[attr-defined]
    model = method.build(task, **first)
    assert isinstance(model.configure_optimizers(), {"muon": Muon, "soap": Soap}[name])
    assert isinstance(model.network.recurrent, nn.Module)
