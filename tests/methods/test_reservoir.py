"""Harvested states against reservoirpy, and reservoirs against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reservoirpy.nodes import Reservoir as Reference

from longlag import BadInput
from longlag.methods.parts.echo_state.reservoir import Reservoir, harvest, leak_rates, recurrent_weights

BACKENDS = ("torch", "compiled")


def drawn(units: int, width: int, topology: str = "sparse", leak: str = "spread", seed: int = 0) -> Reservoir:
    torch.manual_seed(seed)
    recurrent = recurrent_weights(units, topology, 0.9)
    weights = torch.randn(units, width, dtype=torch.float64)
    bias = torch.randn(units, dtype=torch.float64) * 0.3
    return Reservoir(recurrent, weights, bias, leak_rates(units, leak, 0.05))


def sequences(length: int, size: int, width: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(length, size, width, generator=torch.Generator().manual_seed(seed))


def every(length: int) -> torch.Tensor:
    return torch.ones(length, dtype=torch.bool)


def reference_states(layer: Reservoir, inputs: torch.Tensor) -> np.ndarray:
    """reservoirpy's states [T, B, N], one sequence after the other."""
    states = []
    for sequence in inputs.double().numpy().transpose(1, 0, 2):
        node = Reference(
            W=layer.recurrent.numpy(),
            Win=layer.input.numpy(),
            bias=layer.bias.numpy(),
            lr=layer.leak.numpy(),
        )
        states.append(node.run(sequence))
    return np.stack(states, 1)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("units", "topology", "leak"),
    [
        (60, "sparse", "spread"),
        (20, "orthogonal", "none"),
        (50, "ring", "blocks"),
        (15, "sparse", "slow"),
        (9, "self", "none"),
        (9, "none", "slow"),
    ],
)
def test_states_are_reservoirpys(backend: str, units: int, topology: str, leak: str) -> None:
    layer = drawn(units, 3, topology, leak)
    inputs = sequences(40, 5, 3)
    states, last = harvest(layer, inputs, every(40), backend=backend)
    expected = reference_states(layer, inputs)
    np.testing.assert_allclose(states.numpy(), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(last.numpy(), expected[-1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("units", [60, 20])
def test_states_have_the_dtype_of_the_weights(backend: str, units: int) -> None:
    exact = drawn(units, 3)
    layer = Reservoir(*(getattr(exact, part).float() for part in ("recurrent", "input", "bias", "leak")))
    inputs = sequences(40, 5, 3)
    states, last = harvest(layer, inputs, every(40), backend=backend)
    assert states.dtype == last.dtype == torch.float32
    expected, _ = harvest(exact, inputs, every(40), backend="torch")
    torch.testing.assert_close(states.double(), expected, rtol=0, atol=1e-4)


def test_both_kernels_are_used() -> None:
    assert drawn(60, 3).sparse
    assert not drawn(20, 3, "orthogonal").sparse
    # However many the inputs: it is W that grows as N^2.
    assert all(drawn(5, 30, topology).sparse for topology in ("ring", "self", "none"))


def test_weights_count_what_is_multiplied() -> None:
    assert drawn(20, 3, "orthogonal").weights == 20 * 20 + 20 * 3
    assert drawn(50, 3, "ring").weights == drawn(50, 3, "self").weights == 50 + 50 * 3
    assert drawn(50, 3, "none").weights == 50 * 3
    assert drawn(1050, 4, "ring").weights == 1050 + 1050 * 4
    assert drawn(60, 3).weights == 60 * 10 + 60 * 3


def test_signal_far_below_one_keeps_its_digits() -> None:
    """A delay line lives on them: input 1e-9 comes out of a ring, exact, as many steps later."""
    layer = Reservoir(
        recurrent_weights(40, "ring", 1.0),
        torch.eye(40, 1, dtype=torch.float64) * 1e-9,
        torch.zeros(40, dtype=torch.float64),
        torch.ones(40, dtype=torch.float64),
    )
    inputs = torch.zeros(31, 1, 1)
    inputs[0] = 1.0
    states, _ = harvest(layer, inputs, every(31), backend="compiled")
    assert states[-1, 0, 30].item() == pytest.approx(1e-9, rel=1e-13)
    assert states[-1].count_nonzero() == 1


@given(st.integers(0, 12), st.integers(0, 2**12 - 1), st.booleans())
@settings(deadline=None, max_examples=25)
def test_harvest_in_pieces_with_any_mask(cut: int, bits: int, sparse: bool) -> None:
    layer = drawn(60 if sparse else 8, 2)
    assert layer.sparse == sparse
    inputs = sequences(12, 3, 2)
    mask = torch.tensor([bool(bits >> t & 1) for t in range(12)])
    noise = sequences(12, 3, layer.units, seed=2).double() * 0.01
    whole, end = harvest(layer, inputs, every(12), noise=noise, backend="torch")
    first, state = harvest(layer, inputs[:cut], mask[:cut], noise=noise[:cut], backend="compiled")
    second, state = harvest(layer, inputs[cut:], mask[cut:], state, noise[cut:], backend="compiled")
    torch.testing.assert_close(torch.cat([first, second]), whole[mask], rtol=0, atol=1e-12)
    torch.testing.assert_close(state, end, rtol=0, atol=1e-12)


def test_noise_is_added_to_the_state() -> None:
    layer = drawn(8, 2)
    noise = torch.full((1, 3, 8), 0.25, dtype=torch.float64)
    for backend in BACKENDS:
        clean, _ = harvest(layer, sequences(1, 3, 2), every(1), backend=backend)
        noisy, _ = harvest(layer, sequences(1, 3, 2), every(1), noise=noise, backend=backend)
        torch.testing.assert_close(noisy - clean, noise, rtol=0, atol=1e-15)


@pytest.mark.parametrize("units", [8, 60])
def test_what_is_no_number_surfaces(units: int) -> None:
    layer = drawn(units, 2)
    inputs = sequences(6, 3, 2)
    inputs[2, 1] = torch.nan
    states, _ = harvest(layer, inputs, every(6), backend="compiled")
    assert states[2:, 1].isnan().all()
    assert states[:2].isfinite().all()
    assert states[:, [0, 2]].isfinite().all()


@pytest.mark.parametrize("topology", ["none", "ring", "orthogonal"])
def test_gradient_in_the_inputs_is_that_of_the_states(topology: str) -> None:
    layer = drawn(6, 2, topology)
    inputs = sequences(5, 2, 2).double().requires_grad_()
    mask = torch.tensor([False, True, False, False, True])
    assert torch.autograd.gradcheck(lambda u: harvest(layer, u, mask)[0], (inputs,))


def test_units_that_hear_themselves_alone_latch() -> None:
    """x = tanh(2 x) has the stable solutions +-.9575: the sign of the first input stays through noise."""
    column = torch.ones(1, dtype=torch.float64)
    layer = Reservoir(recurrent_weights(1, "self", 2.0), 0.3 * column[:, None], 0 * column, column)
    inputs = 0.2 * sequences(500, 40, 1)
    inputs[:3] = torch.where(torch.arange(40) % 2 == 0, 1.0, -1.0)[:, None]
    _, last = harvest(layer, inputs, every(500))
    assert torch.equal(last.sign()[:, 0], inputs[0, :, 0].double())
    quiet, _ = harvest(layer, torch.cat([inputs[:3], torch.zeros(50, 40, 1)]), every(53))
    np.testing.assert_allclose(quiet[-1].abs(), 0.95750402407, rtol=1e-9)


@pytest.mark.parametrize("topology", ["sparse", "orthogonal", "ring", "self"])
def test_spectral_radius(topology: str) -> None:
    torch.manual_seed(3)
    eigenvalues = np.linalg.eigvals(recurrent_weights(40, topology, 0.7).numpy())
    assert abs(eigenvalues).max() == pytest.approx(0.7, rel=1e-9)


def test_topologies() -> None:
    torch.manual_seed(4)
    sparse = recurrent_weights(30, "sparse", 0.7, connections=4)
    assert (sparse != 0).sum(1).tolist() == [4] * 30
    orthogonal = recurrent_weights(30, "orthogonal", 0.7)
    torch.testing.assert_close(orthogonal @ orthogonal.T, 0.49 * torch.eye(30, dtype=torch.float64))
    ring = recurrent_weights(30, "ring", 0.7)
    torch.testing.assert_close(torch.linalg.matrix_power(ring / 0.7, 30), torch.eye(30, dtype=torch.float64))
    assert ring.count_nonzero() == 30
    assert torch.equal(recurrent_weights(3, "self", 2.0), 2 * torch.eye(3, dtype=torch.float64))
    assert torch.equal(recurrent_weights(3, "none", 2.0), torch.zeros(3, 3, dtype=torch.float64))


def test_leak_rates() -> None:
    assert leak_rates(6, "none", 0.01).tolist() == [1.0] * 6
    assert leak_rates(6, "slow", 0.01).tolist() == [0.01] * 6
    assert leak_rates(6, "blocks", 0.01).tolist() == [0.01] * 3 + [1.0] * 3
    np.testing.assert_allclose(leak_rates(5, "spread", 1e-4), [1e-4, 1e-3, 1e-2, 1e-1, 1.0])
    assert leak_rates(3, "slow", 7.0).tolist() == [1.0] * 3


def test_unknown_names_are_refused() -> None:
    with pytest.raises(BadInput, match="sparse, orthogonal, ring, self, none"):
        recurrent_weights(4, "mesh", 1.0)
    with pytest.raises(BadInput, match="spread"):
        leak_rates(4, "fast", 1.0)
