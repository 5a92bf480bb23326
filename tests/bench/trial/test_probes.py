"""The probe of the gradient across the lag."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from longlag import SequenceModel, Task
from longlag.bench.trial.probes import Probe, probe
from tests.bench.trial.scripted import Scripted, Sum

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec.*:FutureWarning")


class Leak(SequenceModel):
    """x_t = a x_(t-1) + u_t: its gradient at lag k is a^k, exactly."""

    def __init__(self, task: Task, a: float) -> None:
        super().__init__(task)
        self.a = torch.nn.Parameter(torch.tensor(a))

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        state = torch.zeros_like(inputs[0])
        states = []
        for step in inputs:
            state = self.a * state + step
            states.append(state)
        return torch.stack(states)[mask]


def test_the_probe_measures_the_decay_of_the_gradient() -> None:
    task = Sum(30)
    model = Leak(task, 0.7)
    measured = probe(model, task, task.sample(20, torch.Generator().manual_seed(0)))
    expected = 0.7 ** torch.arange(30, dtype=torch.float64)
    torch.testing.assert_close(measured.norms / measured.norms[0], expected, rtol=1e-4, atol=1e-9)
    assert measured.reach(10) == pytest.approx(0.7**10, rel=1e-4)
    assert math.isnan(measured.spectral_radius)


def test_a_probe_keeps_few_lags_and_the_first_and_last() -> None:
    rows = Probe(torch.ones(1000, dtype=torch.float64), 0.9).rows("after")
    lags = [row["lag"] for row in rows]
    assert lags[0] == 0
    assert len(lags) < 60
    assert max(lags) >= 990
    assert len(set(lags)) == len(lags)


def test_a_model_without_gradient_has_an_empty_probe() -> None:
    class Fixed(Scripted):
        def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
            return inputs.detach().sum(0, keepdim=True)

    measured = probe(Fixed(Sum()), Sum(), Sum().sample(4, torch.Generator()))
    assert len(measured.norms) == 0
    assert math.isnan(measured.reach(3))
    assert measured.rows("before") == []
