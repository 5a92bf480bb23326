"""What exhibits show, against closed forms, dense Jacobians, torch's own cell and definitions."""

import math

import numpy as np
import pytest
import torch

from longlag.bench.plugins.registry import discover
from longlag.reports.gallery import cell, compression, play, strip, timer, unrolling
from longlag.reports.gallery.training import Trained, how_it_went, trained


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
    found = unrolling.way(0.9, 3)
    assert found.tanh == pytest.approx(expected / expected[0], rel=1e-9)
    with torch.no_grad():
        back = torch.linalg.matrix_power(recurrent.T, unrolling.STEPS) @ wanted
    assert found.linear[-1] == pytest.approx(float(back.norm() / wanted.norm()), rel=1e-9)
    slopes = 1 - torch.stack(states[1:]) ** 2
    assert found.slope == pytest.approx(float(slopes.detach().mean()), rel=1e-9)


def test_small_radii_vanish_large_ones_explode_and_the_memory_cell_does_neither():
    assert unrolling.way(0.5, 0).tanh[-1] < 1e-20
    large = unrolling.way(1.5, 0)
    assert large.linear[-1] > 1e15
    assert large.tanh[-1] < 100
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


def test_the_probe_s_windows_are_where_the_keys_lie():
    task = discover().task("temporal_order", "ms11", strip.LAG)
    symbols = task.draw(2000, torch.Generator().manual_seed(0), "test").inputs.argmax(2)
    keys = torch.stack([(symbols[:, k] >= strip.X).nonzero().flatten() for k in range(symbols.shape[1])])
    found = [[int(keys[:, k].min()), int(keys[:, k].max()) + 1] for k in range(2)]
    assert found == [list(window) for window in task.windows]


def test_the_values_that_are_played_are_those_that_are_answered():
    task = discover().task("adding", "ms11", play.LAG)
    batch = play.as_shown(task.draw(50, torch.Generator().manual_seed(0), "test"))
    for k in range(batch.size):
        shown = [round(float(value), 2) for value in batch.inputs[:, k, 0]]
        marked = [value for value, mark in zip(shown, batch.inputs[:, k, 1], strict=True) if mark]
        assert float(batch.targets[0, k, 0]) == pytest.approx(sum(marked) / 2, abs=1e-6)


def test_which_nets_solved_is_told_of_those_that_did():
    def net(method, solved):
        return Trained(method, None, None, solved, 10)

    assert how_it_went([net("a", True), net("b", False)]) == "a solved it, b did not."
    assert how_it_went([net("a", True), net("b", True), net("c", False)]) == "a and b solved it, c did not."
    assert how_it_went([net("a", True), net("b", True)]) == "all solved it."
    assert how_it_went([net("a", False), net("b", False)]) == "none of a and b solved it."


def test_words_begin_and_end_where_their_letters_do():
    data = b"ab, cde f 12gh"
    spent = np.arange(len(data), dtype=float)
    assert compression.at_words(data, spent) == pytest.approx((np.mean([0, 4, 12]), np.mean([1, 6, 13])))


def test_from_zeros_puts_learned_states_back():
    found = trained("lstm", "timer:start", 20, 1e8, 0)
    batch = timer.durations(found, 0)
    assert [round(10 * float(batch.inputs[:, k, 1].amax())) for k in range(10)] == list(range(1, 11))
    with torch.no_grad():
        found.model.network.recurrent.initial.fill_(0.5)
    before = timer.answers(found, batch)
    with timer.from_zeros(found):
        from_zeros = timer.answers(found, batch)
    assert not torch.equal(before, from_zeros)
    assert torch.equal(before, timer.answers(found, batch))
    with torch.no_grad():
        found.model.network.recurrent.initial.zero_()
        found.model.network.recurrent.initial_cell.zero_()
    assert torch.equal(from_zeros, timer.answers(found, batch))
