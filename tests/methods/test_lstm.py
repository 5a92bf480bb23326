"""The memory cell against its equations written out, and its gates against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longlag import Batch, SquaredError, Task
from longlag.bench.plugins.combination import Combination
from longlag.methods.lstm import LSTM
from longlag.methods.parts.backend import at_steps, true_steps
from longlag.methods.parts.lstm.cell import BLOCKS, LSTMCell
from longlag.methods.parts.lstm.gates import OPEN
from longlag.methods.vanilla import Vanilla

SETTINGS = {"optimiser": "adam", "adam_rate": 0.01, "halving": 1e4, "init_scale": 1.0}


class Recall(Task):
    """Give the first input at the last step: a lag without distractors."""

    name = "recall"
    source = ""

    def __init__(self, lag: int) -> None:
        super().__init__(lag)
        self.input_size, self.output_size, self.loss = 2, 1, SquaredError()

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        inputs = torch.rand(self.lag, batch_size, 2, generator=generator)
        mask = torch.arange(self.lag) == self.lag - 1
        return Batch(inputs, inputs[:1, :, :1].clone(), mask)

    def wrong(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return (outputs - batch.targets).abs().amax((0, 2)) > 0.1


def random_cell(units: int, inputs: int = 3, dtype: torch.dtype = torch.float64) -> LSTMCell:
    torch.manual_seed(units)
    cell = LSTMCell(inputs, units).to(dtype)
    for parameter in cell.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return cell


def written_out(cell: LSTMCell, inputs: torch.Tensor) -> torch.Tensor:
    """The equations of the cell, step by step, from its named gates."""
    W = dict(zip(BLOCKS, cell.input_blocks(), strict=True))
    R = dict(zip(BLOCKS, cell.recurrent_blocks(), strict=True))
    h = cell.initial.expand(inputs.shape[1], -1)
    c = cell.initial_cell.expand(inputs.shape[1], -1)
    states = []
    for u in inputs:
        a = {name: u @ W[name].T + h @ R[name].T + cell.gate_bias(name) for name in BLOCKS}
        c = torch.sigmoid(a["keep"]) * c + torch.sigmoid(a["write"]) * torch.tanh(a["new"])
        h = torch.sigmoid(a["read"]) * torch.tanh(c)
        states.append(h)
    return torch.stack(states)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("units", [1, 5, 16])
def test_states_and_gradients_are_those_of_the_equations(units, dtype, tolerance):
    cell = random_cell(units, dtype=dtype)
    inputs = torch.randn(12, 4, 3, dtype=dtype, generator=torch.Generator().manual_seed(1))
    grown, expected = cell(inputs), written_out(cell, inputs)
    torch.testing.assert_close(grown, expected, atol=tolerance, rtol=tolerance)
    parameters = list(cell.parameters())
    ours = torch.autograd.grad(grown.pow(2).sum(), parameters)
    theirs = torch.autograd.grad(expected.pow(2).sum(), parameters)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=20 * tolerance, rtol=20 * tolerance)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_only_the_supervised_steps_come_back(steps):
    mask = torch.tensor(steps)
    cell, inputs = random_cell(3), torch.randn(len(steps), 2, 3, dtype=torch.float64)
    assert torch.equal(cell(inputs, mask), cell(inputs)[mask])


def test_neighbouring_steps_are_not_copied():
    states = torch.zeros(6, 2, 3)
    for chosen in ([5], [3, 4, 5], [1, 2]):
        mask = torch.zeros(6, dtype=torch.bool)
        mask[chosen] = True
        picked = at_steps(states, true_steps(mask))
        assert picked.data_ptr() == states[chosen[0]].data_ptr()
        assert len(picked) == len(chosen)


@pytest.mark.parametrize("bias", [0.0, 1.0, 5.0])
def test_a_cell_forgets_as_its_keep_gate_says(bias):
    # without weights c_t = sigmoid(b)^t c_0, and the read gate stands half open
    cell = LSTMCell(1, 2, torch.full((2,), bias)).double()
    start = torch.tensor([0.7, -2.0], dtype=torch.float64)
    cell.initial_cell.data.copy_(start)
    states = cell(torch.zeros(50, 1, 1, dtype=torch.float64))[:, 0]
    kept = torch.sigmoid(torch.tensor(bias, dtype=torch.float64)) ** torch.arange(1, 51).unsqueeze(1)
    torch.testing.assert_close(states, 0.5 * torch.tanh(kept * start))


def test_without_a_keep_gate_the_error_flows_unchanged():
    cell = LSTMCell(1, 2, torch.full((2,), OPEN))
    cell.initial_cell.data.fill_(0.3)
    cell(torch.zeros(1000, 1, 1))[-1].sum().backward()
    expected = torch.full((2,), 0.5 * (1 - math.tanh(0.3) ** 2))  # read tanh'(c), a thousand steps away
    torch.testing.assert_close(cell.initial_cell.grad, expected)


def test_a_keep_gate_that_is_absent_does_not_learn():
    cell = random_cell(2, inputs=1, dtype=torch.float32)
    cell.gate_bias("keep").data.fill_(OPEN)
    cell(torch.randn(20, 3, 1)).sum().backward()
    keep = slice(2, 4)
    for learned in (cell.bias, cell.input_weight, cell.recurrent_weight):
        assert torch.count_nonzero(learned.grad[keep]) == 0
        assert torch.count_nonzero(learned.grad[4:]) > 0


def test_parameters_are_counted_once():
    cell = LSTMCell(3, 7)
    assert cell.weights == 4 * 7 * (7 + 3)
    trained = sum(p.numel() for p in cell.parameters())
    assert trained == cell.weights + 4 * 7 + 2 * 7  # one bias a gate, two initial states


def biases(**hyperparameters):
    torch.manual_seed(0)
    method = Combination([LSTM()], Vanilla())
    built = method.build(Recall(50), **SETTINGS, units=400, batch_size=5, **hyperparameters)
    cell = built.network.recurrent
    return {name: cell.gate_bias(name).detach() for name in BLOCKS}


def test_a_constant_bias_moves_the_keep_gates_alone():
    gates = biases(keep_gate="constant", keep_bias=5.0)
    assert (gates["keep"] == 5).all()
    for other in ("write", "new", "read"):
        assert (gates[other] == 0).all()


@pytest.mark.parametrize(("spread", "median"), [("chrono", 25.0), ("log_chrono", math.sqrt(49))])
def test_spread_biases_reach_the_time_scale_and_write_gates_oppose_them(spread, median):
    gates = biases(keep_gate=spread, time_scale=50.0)
    times = gates["keep"].exp()
    assert times.min() >= 1
    assert 45 < times.max() <= 49
    assert times.median() == pytest.approx(median, rel=0.2)
    assert torch.equal(gates["write"], -gates["keep"])


def test_the_cell_of_1997_has_its_write_gates_closed_one_after_the_other():
    gates = biases(keep_gate="none", write_bias=-6.0)
    assert (torch.sigmoid(gates["keep"]) == 1).all()
    assert gates["write"].diff().lt(0).all()
    assert gates["write"][-1] == -6


def test_everything_trains():
    torch.manual_seed(0)
    task = Recall(10)
    method = Combination([LSTM()], Vanilla())
    built = method.build(task, **SETTINGS, units=8, batch_size=5, keep_gate="constant", keep_bias=1.0)
    built.gradient(task.sample(5, torch.Generator().manual_seed(0)))
    for name, parameter in built.network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.count_nonzero(parameter.grad) > 0, name


def test_it_bridges_a_lag():
    torch.manual_seed(0)
    task, draws = Recall(60), torch.Generator().manual_seed(1)
    method = Combination([LSTM()], Vanilla())
    built = method.build(task, **method.recipes(task.sizes)[0])
    optimizer = built.configure_optimizers()
    for _ in range(500):
        batch = task.sample(built.batch_size, draws)
        optimizer.step(closure=lambda batch=batch: built.gradient(batch))
    test = task.sample(500, torch.Generator().manual_seed(2))
    with torch.no_grad():
        wrong = task.wrong(built(test.inputs, test.mask), test).float().mean()
    assert wrong < 0.05  # always answering the mean is wrong on .8
