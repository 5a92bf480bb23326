"""What a net has to remember of a sequence: what of its past can still be told apart by what comes after."""

from __future__ import annotations

import math
from collections.abc import Callable

import optuna
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from longlag.bench.contract.network import Recurrent
from longlag.bench.plugins.cell_model import CellModel
from longlag.bench.plugins.registry import discover
from longlag.bench.store.columns import row
from longlag.bench.trial.spec import Case, Limits, TrialSpec
from longlag.bench.trial.trial import run
from longlag.methods.parts.cornn.cell import CoRNNCell
from longlag.methods.parts.gru.cell import GRUCell
from longlag.methods.parts.lem.cell import LEMCell
from longlag.methods.parts.lmu.cell import LegendreMemory
from longlag.methods.parts.lru.cell import LinearRecurrentUnits
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.min_gru.cell import MinimalUnits
from longlag.methods.parts.orthogonal.cell import ModReLUCell
from longlag.methods.parts.relu.cell import ReLUCell
from longlag.methods.parts.scan.stack import Layer, Stack
from longlag.methods.parts.selective_ssm.cell import SelectiveStateSpace
from longlag.methods.parts.slstm.cell import SLSTMCell
from longlag.methods.parts.tanh.cell import TanhCell
from tests.methods.recall import Recall

REGISTRY = discover()
WIDTH = 3


def rank(answer: Callable[[Tensor], Tensor], past: int = 8, later: int = 8, futures: int = 1) -> int:
    """Of the later answers' slopes in the past inputs [past, 1, WIDTH]: the numbers that lie between them.

    After one past, and before each of so many futures.
    """
    draws = torch.Generator().manual_seed(1)
    inputs = torch.randn(past, 1, WIDTH, generator=draws).double()
    slopes = []
    for _ in range(futures):
        after = torch.randn(later, 1, WIDTH, generator=draws).double()

        def seen(before: Tensor, after: Tensor = after) -> Tensor:
            return answer(torch.cat([before, after]))[past:]

        slopes.append(torch.autograd.functional.jacobian(seen, inputs).reshape(-1, past * WIDTH))
    return int(torch.linalg.matrix_rank(torch.cat(slopes), rtol=1e-11))


@pytest.mark.parametrize(
    "kind", [TanhCell, ReLUCell, ModReLUCell, LSTMCell, GRUCell, LEMCell, CoRNNCell, SLSTMCell]
)
def test_a_layer_remembers_as_many_numbers_as_its_past_can_differ_by(kind: type[Recurrent]) -> None:
    layer = kind(WIDTH, 4).double()
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.5, generator=torch.Generator().manual_seed(0))
    if kind is ReLUCell:
        for parameter in layer.parameters():
            parameter.data.abs_()
    assert rank(layer) == layer.remembered


LAYERS: dict[str, Callable[[int, bool], Layer]] = {
    "min_gru": lambda heard, inner: MinimalUnits(heard, 2, "gru", "linear", torch.zeros(2), inner),
    "lru": lambda heard, inner: LinearRecurrentUnits(heard, 2, 0.5, 0.9, 3.0, inner),
    "selective_ssm": lambda heard, _: SelectiveStateSpace(heard, 2, 1, 0.1, 0.3),
    "lmu": lambda heard, _: LegendreMemory(heard, 3, 1, 4, 6.0),
}


@pytest.mark.parametrize("name", LAYERS)
def test_so_does_a_stack_of_linear_recurrences(name: str) -> None:
    torch.manual_seed(0)
    stack = Stack(WIDTH, LAYERS[name](WIDTH, False).units, 2, LAYERS[name]).double()
    assert rank(stack, past=12, later=12, futures=4) == stack.remembered


def built(name: str):
    """A net of the method's, and its settings as drawn from its space."""
    method, task = REGISTRY.method(name), Recall(20)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    settings = method.suggest(study.ask(), task)
    return method.build(task, **settings), settings


@pytest.mark.parametrize(
    ("method", "bytes_a_unit"),
    [("vanilla", 4), ("lstm", 8), ("gru", 4), ("lem", 8), ("echo_state", 8), ("random_guessing", 4)],
)
def test_a_net_says_so_in_bytes_of_its_floats(method: str, bytes_a_unit: int) -> None:
    net, settings = built(method)
    units = settings["units"] if "units" in settings else net.net_sizes[1]
    assert net.state_bytes == bytes_a_unit * units


def test_a_window_remembers_its_steps_but_the_present_one() -> None:
    net, _ = built("window")
    assert net.state_bytes == 4 * 2 * (19 - 1)


def test_attention_goes_on_from_what_it_says() -> None:
    net, settings = built("attention")
    inputs = torch.rand(20, 3, 2, generator=torch.Generator().manual_seed(1))
    held = torch.zeros(3, settings["units"] + 1)
    for step in inputs:
        state = leaky_relu(net.each(step))
        score = net.score(state)
        weight = (score.tanh() if net.bounded else score).exp()
        held = held + torch.cat([weight * state, weight], 1)
    asked = torch.arange(20) == 19
    expected = net.readout(leaky_relu(net.mixed(held[:, :-1] / held[:, -1:])))
    torch.testing.assert_close(net(inputs, asked)[0], expected)
    assert net.state_bytes == held[0].nbytes


@pytest.mark.parametrize(
    ("layer", "numbers"), [(nn.GRU(2, 5), 5), (nn.LSTM(2, 5, 2), 20), (nn.Linear(2, 5), math.nan)]
)
def test_a_layer_of_the_users_is_asked_what_it_returns_beside_its_states(
    layer: nn.Module, numbers: float
) -> None:
    net = CellModel(Recall(20), layer, learning_rate=0.01, threshold=1.0, batch_size=2)
    assert net.state_bytes == pytest.approx(4 * numbers, nan_ok=True)


def test_a_trial_keeps_it_in_its_row() -> None:
    spec = TrialSpec(Case("lstm", "adding", "ms11", 10), "tune", 0, 1, built("lstm")[1], Limits(1e5))
    outcome = run(spec, REGISTRY)
    assert row(spec, outcome, "")["state_bytes"] == 8 * spec.hyperparameters["units"]
