"""Memory cells without a keep gate, and with one at the time scales of the task: how they begin."""

from __future__ import annotations

import pytest
import torch

from longlag.bench.plugins.registry import discover
from tests.methods.recall import Recall

REGISTRY = discover()
LAG = 60


def cell(name: str, **settings: object):
    torch.manual_seed(0)
    method = REGISTRY.method(name)
    recipe = method.recipes(Recall(LAG).sizes)[0]
    return method.build(Recall(LAG), **{**recipe, **settings}).network.recurrent.double()


def test_without_a_keep_gate_the_error_goes_back_as_it_is() -> None:
    layer = cell("lstm_1997", units=5)
    for weights in (layer.input_weight, layer.recurrent_weight):
        torch.nn.init.zeros_(weights)
    # The read gates stand at 1/2, and what is written is tanh(0): what was held stays what it was.
    layer.initial_cell.data.copy_(torch.linspace(-1, 1, 5))
    last = layer(torch.ones(1000, 1, 2, dtype=torch.float64))[-1, 0]
    torch.testing.assert_close(last, 0.5 * torch.tanh(layer.initial_cell))
    last.sum().backward()
    slopes = 0.5 / torch.cosh(layer.initial_cell.detach()) ** 2
    torch.testing.assert_close(layer.initial_cell.grad, slopes)


def test_write_gates_begin_the_more_closed_the_later() -> None:
    layer = cell("lstm_1997", units=4, write_bias=-6.0)
    torch.testing.assert_close(
        layer.gate_bias("write").detach(), torch.tensor([-1.5, -3.0, -4.5, -6.0], dtype=torch.float64)
    )


def test_time_scales_are_spread_evenly_up_to_the_lag() -> None:
    layer = cell("chrono_lstm", units=2000, time_scale=float(LAG))
    keep, write = layer.gate_bias("keep").detach(), layer.gate_bias("write").detach()
    torch.testing.assert_close(write, -keep)
    scales = keep.exp()
    assert float(scales.min()) >= 1
    assert float(scales.max()) <= LAG - 1
    # Of U[1, 59] the mean is 30 and the deviation 16.7: three standard errors of 2000 draws are 1.1.
    assert float(scales.mean()) == pytest.approx(30, abs=1.2)


@pytest.mark.parametrize("name", ["lstm_1997", "chrono_lstm"])
def test_one_cell_for_another_they_do_not_combine_with_lstm(name: str) -> None:
    with pytest.raises(Exception, match="cell"):
        REGISTRY.method(f"lstm+{name}")
