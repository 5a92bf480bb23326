"""Initial weights against their definitions, by numpy and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from longlag import Batch, Network, Recipe, SigmoidCrossEntropy, SoftmaxCrossEntropy, SquaredError, Task
from longlag.methods.parts.gru.cell import GRUCell
from longlag.methods.parts.initialisers import (
    InitialWeights,
    UniformWeights,
    rescale_,
    sparse_,
    spectral_radius,
)
from longlag.methods.parts.lem.cell import LEMCell
from longlag.methods.parts.lstm import gates
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.orthogonal.cell import ModReLUCell
from longlag.methods.parts.relu.cell import ReLUCell
from longlag.methods.parts.tanh.cell import TanhCell

CELLS = [TanhCell, LSTMCell, ReLUCell, LEMCell, GRUCell, ModReLUCell]


class Skewed(Task):
    """Inputs around (3, -1), targets around .7: something to centre."""

    name = "skewed"
    source = ""

    def __init__(self, loss: object) -> None:
        super().__init__(4)
        self.input_size, self.output_size, self.loss = 2, 3, loss

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        inputs = torch.randn(self.lag, batch_size, 2, generator=generator) + torch.tensor([3.0, -1.0])
        noise = torch.rand(1, batch_size, 3, generator=generator)
        classes = (noise[..., 0] < 0.8).long()
        targets = {
            SoftmaxCrossEntropy: classes,
            SigmoidCrossEntropy: (noise < torch.tensor([0.2, 0.5, 0.9])).float(),
            SquaredError: noise + torch.tensor([0.2, -1.0, 4.0]),
        }[type(self.loss)]
        return Batch(inputs, targets, torch.tensor([False, False, False, True]))

    def wrong(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        raise NotImplementedError


def network(cell, units=40, inputs=2, outputs=3):
    return Network(cell(inputs, units), outputs)


@settings(max_examples=25, deadline=None)
@given(units=st.integers(1, 60), seed=st.integers(0, 2**31))
def test_sparse_rows_hold_exactly_fifteen_weights(units, seed):
    torch.manual_seed(seed)
    matrix = sparse_(torch.full((units, units), math.nan))
    assert (torch.count_nonzero(matrix, dim=1) == min(15, units)).all()


def test_sparse_weights_are_standard_normal_and_their_places_uniform():
    torch.manual_seed(0)
    matrix = sparse_(torch.empty(4000, 50))
    assert stats.kstest(matrix[matrix != 0].numpy(), "norm").pvalue > 0.01
    assert stats.chisquare((matrix != 0).sum(0).numpy()).pvalue > 0.01


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kind", ["sparse", "orthogonal", "identity"])
@pytest.mark.parametrize("radius", [0.07, 1.1])
def test_every_gate_has_the_spectral_radius_asked_for(cell, kind, radius):
    torch.manual_seed(0)
    net = network(cell)
    InitialWeights(kind, radius, 0.5)(net, Skewed(SquaredError()))
    for block in net.recurrent.recurrent_blocks():
        eigenvalues = np.linalg.eigvals(block.detach().double().numpy())
        assert np.abs(eigenvalues).max() == pytest.approx(radius, rel=1e-5)


@settings(max_examples=20, deadline=None)
@given(units=st.integers(1, 30), seed=st.integers(0, 2**31), radius=st.floats(0.01, 2.0))
def test_rescaling_any_matrix_gives_the_radius(units, seed, radius):
    matrix = torch.randn(units, units, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    before = matrix.clone()
    rescale_(matrix, radius)
    assert np.abs(np.linalg.eigvals(matrix.numpy())).max() == pytest.approx(radius, rel=1e-9)
    torch.testing.assert_close(matrix / matrix.norm(), before / before.norm())


def test_spectral_radius_is_exact_where_power_iteration_is_not():
    rotation = torch.tensor([[0.6, -0.8], [0.8, 0.6]])  # eigenvalues .6 +- .8i
    assert spectral_radius(rotation) == pytest.approx(1.0, abs=1e-7)


def test_orthogonal_and_identity_are_what_they_say():
    torch.manual_seed(0)
    for kind in ("orthogonal", "identity"):
        net = network(TanhCell)
        InitialWeights(kind, 0.9, 0.5)(net, Skewed(SquaredError()))
        matrix = net.recurrent.recurrent_blocks()[0].detach()
        torch.testing.assert_close(matrix @ matrix.T, 0.81 * torch.eye(40), atol=1e-5, rtol=0)
        assert torch.equal(matrix, 0.9 * torch.eye(40)) == (kind == "identity")


@pytest.mark.parametrize("cell", CELLS)
def test_input_and_output_weights_have_their_scales(cell):
    torch.manual_seed(0)
    net = network(cell, units=100, inputs=30, outputs=30)
    InitialWeights("sparse", 1.1, 0.001)(net, Skewed(SquaredError()))
    for block in net.recurrent.input_blocks():
        assert stats.kstest(block.detach().flatten().numpy(), stats.norm(scale=0.001).cdf).pvalue > 0.01
    readout = net.readout.weight.detach().flatten().numpy()
    assert stats.kstest(readout, stats.norm(scale=0.1).cdf).pvalue > 0.01


@pytest.mark.parametrize("cell", CELLS)
def test_uniform_weights_fill_every_matrix_to_the_bound(cell):
    torch.manual_seed(0)
    net = network(cell, units=64, inputs=20, outputs=20)
    blank = Recipe(cell=cell, initialiser=print, optimiser=print, units=1, batch_size=1)
    UniformWeights().apply(blank, init_scale=0.8).initialiser(net, Skewed(SquaredError()))
    law = stats.uniform(-0.1, 0.2).cdf
    blocks = net.recurrent.recurrent_blocks() + net.recurrent.input_blocks() + [net.readout.weight]
    for block in blocks:
        assert stats.kstest(block.detach().flatten().numpy(), law).pvalue > 0.01


@pytest.mark.parametrize(
    "initialise", [InitialWeights("sparse", 1.0, 0.1), InitialWeights("identity", 1.0, 0.1)]
)
def test_initialisers_leave_gate_biases_alone(initialise):
    keep = torch.arange(40.0)
    net = Network(LSTMCell(2, 40, keep, -keep), 3)
    initialise(net, Skewed(SquaredError()))
    assert torch.equal(net.recurrent.gate_bias("keep"), keep)
    assert torch.equal(net.recurrent.gate_bias("write"), -keep)


def test_centring_leaves_inputs_without_a_mean():
    torch.manual_seed(0)
    task, net = Skewed(SquaredError()), network(TanhCell)
    InitialWeights("sparse", 1.1, 0.1, centred=True)(net, task)
    fresh = task.sample(5000, torch.Generator().manual_seed(9)).inputs
    assert net.shifted(fresh).mean((0, 1)).abs().max() < 0.06  # 3.5 standard errors of the two means
    assert fresh.mean((0, 1)).abs().max() > 2.9


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (SquaredError(), [0.7, -0.5, 4.5]),
        (SigmoidCrossEntropy(), np.log([0.2 / 0.8, 1.0, 0.9 / 0.1])),
        (SoftmaxCrossEntropy(), np.log([0.2, 0.8, 0.001])),
    ],
)
def test_a_centred_network_begins_at_the_trivial_predictor(loss, expected):
    torch.manual_seed(0)
    net = network(TanhCell)
    InitialWeights("sparse", 1.1, 0.1, centred=True)(net, Skewed(loss))
    np.testing.assert_allclose(net.readout.bias.detach().numpy(), expected, atol=0.25)
    # and no constant does much better: the loss there is that of the sample's own means
    batch = Skewed(loss).sample(5000, torch.Generator().manual_seed(3))
    outputs = net.readout.bias.detach().expand(1, 5000, 3)
    best = torch.tensor(np.asarray(expected), dtype=torch.float32).expand(1, 5000, 3)
    assert loss(outputs, batch.targets) == pytest.approx(float(loss(best, batch.targets)), abs=0.01)


def test_initial_weights_follow_the_global_seed():
    def weights(seed):
        torch.manual_seed(seed)
        net = network(TanhCell)
        InitialWeights("sparse", 1.1, 0.1, centred=True)(net, Skewed(SquaredError()))
        return torch.cat([p.detach().flatten() for p in net.parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize("cell", CELLS)
def test_holding_biases_draws_the_same_weights_and_trains_only_the_matrices(cell):
    plain, held = network(cell), network(cell)
    torch.manual_seed(0)
    InitialWeights("sparse", 1.1, 0.1)(plain, Skewed(SquaredError()))
    torch.manual_seed(0)
    InitialWeights("sparse", 1.1, 0.1, hold_biases=True)(held, Skewed(SquaredError()))
    for one, other in zip(plain.parameters(), held.parameters(), strict=True):
        assert torch.equal(one, other)
    trained = {name for name, p in held.named_parameters() if p.requires_grad}
    assert trained == {
        "recurrent.input_weight",
        "recurrent.recurrent_weight",
        "readout.weight",
        "readout.bias",
    }


def test_chrono_biases_are_logarithms_of_uniform_times():
    torch.manual_seed(0)
    times = gates.chrono(20_000, 500.0).exp().numpy()
    assert stats.kstest(times, stats.uniform(1, 498).cdf).pvalue > 0.01


def test_log_chrono_biases_are_uniform():
    torch.manual_seed(0)
    biases = gates.log_chrono(20_000, 500.0).numpy()
    assert stats.kstest(biases, stats.uniform(0, math.log(499)).cdf).pvalue > 0.01


@pytest.mark.parametrize("spread", [gates.chrono, gates.log_chrono])
@pytest.mark.parametrize("longest", [0.5, 2.0])
def test_no_time_scale_is_shorter_than_a_step(spread, longest):
    torch.testing.assert_close(spread(3, longest), torch.zeros(3))


def test_staggered_biases_are_those_of_the_published_blocks():
    assert gates.staggered(2, -6.0).tolist() == [-3.0, -6.0]
