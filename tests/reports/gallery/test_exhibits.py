"""What exhibits show, against closed forms, dense Jacobians, torch's own cell and definitions."""

import math

import numpy as np
import pytest
import torch

from longlag.reports.gallery import cell, strip, timer, unrolling
from longlag.reports.gallery.training import trained


def test_the_cell_holds_what_was_written_until_it_is_cleared():
    rows = cell.steps()
    by_says = {row["says"].split(",")[0].split(":")[0]: row for row in rows}
    assert rows[0]["cell"] == pytest.approx(0, abs=1e-5)
    assert rows[cell.WRITES]["cell"] == pytest.approx(cell.VALUE, abs=1e-3)
    assert by_says["read"]["cell"] == pytest.approx(cell.VALUE, abs=2e-3)
    assert by_says["read"]["out"] == pytest.approx(math.tanh(cell.VALUE), abs=1e-3)
    assert rows[-1]["cell"] == pytest.approx(0, abs=1e-4)
    assert all(row["out"] < 1e-4 for row in rows if row["says"] != "read")


def test_what_is_left_of_a_change_of_the_cell_is_what_autograd_finds():
    plan = list(cell.script())
    gates = torch.sigmoid(
        torch.tensor(
            [[cell.OPEN if on else -cell.OPEN for on in on_off] for _, _, *on_off in plan],
            dtype=torch.float64,
        )
    )
    new = torch.tanh(torch.tensor([drive for _, drive, *_ in plan], dtype=torch.float64))
    value = torch.zeros((), dtype=torch.float64)
    for t in range(cell.WRITES + 1):
        value = gates[t, 1] * value + gates[t, 0] * new[t]
    value = written = value.clone().requires_grad_()
    for t in range(cell.WRITES + 1, len(plan)):
        value = gates[t, 1] * value + gates[t, 0] * new[t]
        (left,) = torch.autograd.grad(value, written, retain_graph=True)
        assert cell.steps()[t]["cell_derivative"] == pytest.approx(float(left), rel=1e-9)


def test_the_gradient_through_the_unrolled_net_is_a_product_of_jacobians():
    (into, recurrent, bias, initial), inputs, wanted = unrolling._net(0.9, 3)
    states = [initial.detach().expand(unrolling.SEQUENCES, -1)]
    with torch.no_grad():
        for given in inputs:
            states.append(torch.tanh(given @ into.T + states[-1] @ recurrent.T + bias))
    expected = np.zeros(unrolling.STEPS + 1)
    for sequence in range(unrolling.SEQUENCES):
        reached = wanted.clone()
        expected[0] += reached.norm()
        for back in range(1, unrolling.STEPS + 1):
            after = states[-back][sequence]
            with torch.no_grad():
                jacobian = torch.diag(1 - after**2) @ recurrent
            reached = jacobian.T @ reached
            expected[back] += reached.norm()
    assert unrolling.tanh_norms(0.9, 3) == pytest.approx(expected / expected[0], rel=1e-9)


def test_small_radii_vanish_and_the_memory_cell_does_not():
    assert unrolling.tanh_norms(0.5, 0)[-1] < 1e-20
    assert unrolling.lstm_norms(torch.full((unrolling.UNITS,), 5.0), 0)[-1] > 0.1


def test_the_copies_of_the_unrolled_net_add_up():
    whole, apart = unrolling.copies_add_up(0)
    assert apart < 1e-12 * whole


def test_cells_shown_are_those_of_torchs_lstm():
    layer = strip.LSTMCell(3, 5)
    reference = torch.nn.LSTM(3, 5)
    generator = torch.Generator().manual_seed(0)
    own = (layer.input_weight, layer.recurrent_weight, layer.bias)
    theirs = (reference.weight_ih_l0, reference.weight_hh_l0, reference.bias_ih_l0)
    with torch.no_grad():
        reference.bias_hh_l0.zero_()
        for ours, torchs in zip(own, theirs, strict=True):
            ours.copy_(torch.randn(ours.shape, generator=generator))
            torchs.copy_(ours)
        inputs = torch.randn(7, 2, 3, generator=generator)
        cells, state = [], None
        for given in inputs:
            _, state = reference(given.unsqueeze(0), state)
            cells.append(state[1][0])
    torch.testing.assert_close(strip._cells(layer, inputs), torch.stack(cells), rtol=1e-5, atol=1e-6)


def test_a_probe_reads_what_is_there_and_chance_where_nothing_is():
    generator = torch.Generator().manual_seed(1)
    keys = (torch.rand(1000, generator=generator) > 0.5).long()
    states = torch.randn(2, 1000, 6, generator=generator)
    states[1, :, 2] += 6 * keys
    right, readings = strip.read(states, keys)
    assert 0.4 < right[0] < 0.6
    assert right[1] > 0.95
    assert ((readings[1, 500:] > 0.5) == (keys[500:] > 0)).double().mean() == pytest.approx(float(right[1]))


def test_from_zeros_puts_learned_states_back():
    found = trained("lstm", "timer:start", 20, 1e8, 0)
    batch = timer.durations(found, 0)
    assert [round(10 * float(batch.inputs[:, k, 1].amax())) for k in range(10)] == list(range(1, 11))
    with torch.no_grad():
        found.model.network.recurrent.initial.fill_(0.5)
    before = timer.answers(found, batch)
    from_zeros = timer.from_zeros(found, batch)
    assert not torch.equal(before, from_zeros)
    assert torch.equal(before, timer.answers(found, batch))
    with torch.no_grad():
        found.model.network.recurrent.initial.zero_()
        found.model.network.recurrent.initial_cell.zero_()
    assert torch.equal(from_zeros, timer.answers(found, batch))
