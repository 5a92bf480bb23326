"""The trajectory of Hessian-free training, reproduced by plain numpy.

Nothing here is shared with the package: Jacobians come from complex steps (exact to rounding), the
Gauss-Newton matrix and the structural one are dense, and CG, backtracking, line search and damping are
written out again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from longlag import Batch, Network, SquaredError
from longlag.methods.parts.hessian_free.hf_optimizer import HessianFree
from longlag.methods.parts.tanh.cell import TanhCell

T, B, D, H = 5, 8, 1, 3
SHARE, LAMBDA, MU, STEPS = {1: 5, 2: 3}, 0.3, 0.3, 6
# few enough for rounding not to grow along the way
ITERATIONS = 6
Array = np.ndarray[Any, Any]


def run(theta: Array, inputs: Array) -> tuple[Array, Array]:
    """States [T, B, H] and the output [B] at the last step; theta = W_in, W, b, h_0, w_out, b_out."""
    size = inputs.shape[1]
    W_in, W, b, h, w_out, b_out = np.split(theta, np.cumsum([H, H * H, H, H, H]))
    state = np.tile(h, (size, 1))
    states = []
    for u in inputs:
        state = np.tanh(u * W_in + state @ W.reshape(H, H).T + b)
        states.append(state)
    return np.array(states), state @ w_out + b_out


def jacobian(function: Callable[[Array], Array], theta: Array) -> Array:
    """d function / d theta by complex steps."""
    columns = []
    for k in range(len(theta)):
        moved = theta.astype(complex)
        moved[k] += 1e-30j
        columns.append(np.ravel(function(moved)).imag / 1e-30)
    return np.array(columns).T


def solve(A: Array, b: Array, x: Array, most: int) -> list[Array]:
    """CG's stored iterates."""
    r = b - A @ x
    p, kept, due = r.copy(), [], 1.0
    phi = [0.5 * x @ A @ x - b @ x]
    for i in range(1, most + 1):
        alpha = r @ r / (p @ A @ p)
        x = x + alpha * p
        new = r - alpha * A @ p
        p, r = new + (new @ new) / (r @ r) * p, new
        phi.append(0.5 * x @ A @ x - b @ x)
        stored = i >= math.ceil(due)
        if stored:
            kept.append(x)
            while math.ceil(due) <= i:
                due *= 1.3
        k = max(10, math.ceil(0.1 * i))
        if i > k and phi[i] < 0 and (phi[i] - phi[i - k]) / phi[i] < k * 5e-4:
            break
    return kept if stored else [*kept, x]


Data = list[tuple[Array, Array]]
"""Batches of a length of their own: inputs [T, B, D] and targets [B]."""


def mean_loss(theta: Array, data: Data) -> float:
    """The mean over all sequences."""
    errors = [run(theta, inputs)[1] - targets for inputs, targets in data]
    return float(np.mean(np.concatenate(errors) ** 2))


def numpy_trajectory(theta: Array, data: Data) -> tuple[list[Array], list[float]]:
    """theta and lambda after each step."""
    share = SHARE[len(data)]
    curved = share * len(data)
    damping, warm = LAMBDA, np.zeros_like(theta)
    path, dampings = [], []
    for _ in range(STEPS):
        before = mean_loss(theta, data)
        g, G, S = np.zeros_like(theta), 0.0, 0.0
        for inputs, targets in data:
            J_all = jacobian(lambda v, u=inputs: run(v, u)[1], theta)
            g = g + 2 / B * J_all.T @ (run(theta, inputs)[1] - targets)
            some = inputs[:, :share]
            J = jacobian(lambda v, u=some: run(v, u)[1], theta)
            Js = jacobian(lambda v, u=some: run(v, u)[0], theta)
            h = run(theta, some)[0].ravel()
            G = G + 2 / curved * J.T @ J
            S = S + Js.T @ (Js / (1 - h**2)[:, None]) / curved
        A = G + damping * np.eye(len(theta)) + MU * damping * S
        kept = solve(A, -g, 0.95 * warm, ITERATIONS)
        warm = kept[-1]
        best, delta = math.inf, kept[0]
        for x in reversed(kept):
            value = mean_loss(theta + x, data)
            if value >= best:
                break
            best, delta = value, x
        rate = 1.0
        while mean_loss(theta + rate * delta, data) > before + 0.01 * rate * g @ delta:
            rate *= 0.8
        rho = (best - before) / (g @ delta + 0.5 * delta @ G @ delta)
        damping *= 1.5 if rho < 0.25 else 2 / 3 if rho > 0.75 else 1
        theta = theta + rate * delta
        path.append(theta)
        dampings.append(damping)
    return path, dampings


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("lengths", [(T,), (T, T + 2)], ids=str)
def test_numpy_takes_the_same_steps(seed: int, lengths: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(seed)
    network = Network(TanhCell(D, H), 1).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4)
    cell, readout = network.recurrent, network.readout
    assert isinstance(cell, TanhCell)
    order = [cell.input_weight, cell.recurrent_weight, cell.bias, cell.initial, readout.weight, readout.bias]

    def theta() -> Array:
        return torch.cat([p.detach().reshape(-1) for p in order]).numpy().copy()

    batches = []
    for length in lengths:
        size = B // len(lengths)
        inputs = torch.randn(length, size, D, generator=generator).double()
        targets = (inputs[0, :, 0] * inputs[2, :, 0]).view(1, size, 1)
        batches.append(Batch(inputs, targets, torch.arange(length) == length - 1))
    path, dampings = numpy_trajectory(
        theta(), [(b.inputs.numpy(), b.targets.view(-1).numpy()) for b in batches]
    )
    optimizer = HessianFree(
        network,
        SquaredError(),
        curvature_batch=SHARE[len(lengths)] * len(lengths),
        gradient_batches=len(lengths),
        damping=LAMBDA,
        structural=MU,
        max_iterations=ITERATIONS,
    )

    def closure(batch: Batch) -> torch.Tensor:
        network.zero_grad()
        value = SquaredError()(network(batch.inputs, batch.mask), batch.targets)
        value.backward()
        return value.detach()

    for expected, damping in zip(path, dampings, strict=True):
        for batch in batches:
            optimizer.load(batch)
            optimizer.step(partial(closure, batch))
        np.testing.assert_allclose(theta(), expected, rtol=1e-6, atol=1e-8)
        assert optimizer.settings["damping"] == pytest.approx(damping)
