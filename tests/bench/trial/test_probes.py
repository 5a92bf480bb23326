"""The probe of the gradient across the lag."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from longlag import SequenceModel, Task
from longlag.bench.contract import Network
from longlag.bench.plugins.registry import discover
from longlag.bench.trial import probing
from longlag.bench.trial.meter import BudgetMeter, weights
from longlag.bench.trial.probes import Probe, probe
from longlag.bench.trial.spec import Case, Checks, Limits, TrialSpec
from longlag.bench.trial.trial import run
from longlag.methods.parts.tanh.cell import TanhCell
from longlag.tasks.adding import Adding
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
    rows = Probe(torch.ones(1000, dtype=torch.float64), 0.9).rows("after", 7)
    assert {row["updates"] for row in rows} == {7}
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
    assert measured.rows("before", 0) == []


def test_saturated_are_the_units_near_their_ends() -> None:
    task = Sum(4)
    batch = task.sample(50, torch.Generator().manual_seed(0))
    cell = TanhCell(task.input_size, 2)
    with torch.no_grad():
        cell.input_weight.copy_(torch.tensor([[3.0], [0.0]]))
    model = Net(task, Network(cell, task.output_size))
    large = ((3 * batch.inputs).tanh() > 0.9).double().mean()
    assert 0 < large < 1
    assert probe(model, task, batch).saturated == pytest.approx(float(large) / 2, abs=1e-6)
    assert math.isnan(probe(Leak(task, 0.5), task, batch).saturated)


class Net(SequenceModel):
    """A network as it is."""

    def __init__(self, task: Task, network: Network) -> None:
        super().__init__(task)
        self.network = network

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        outputs: Tensor = self.network(inputs, mask)
        return outputs


@pytest.mark.parametrize("method", ["vanilla", "lstm", "hessian_free"])
def test_a_trial_is_probed_as_it_trains_and_comes_out_the_same(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = Checks(validation=50, confirmation=50, test=50)
    settings = dict(discover().method(method).recipes(Adding(20, "ms11").sizes)[0])
    spec = TrialSpec(Case(method, "adding", "ms11", 20), "tune", 0, 3, settings, Limits(2e9), checks)
    outcome = run(spec, discover())
    monkeypatch.setattr(probing, "FIRST", 10**9)
    plain = run(spec, discover())
    assert (outcome.error, outcome.loss, outcome.updates) == (plain.error, plain.loss, plain.updates)
    made = sorted({row["updates"] for row in outcome.probes if row["moment"] == "during"})
    assert not [row for row in plain.probes if row["moment"] == "during"]
    # Hessian-free makes few updates, each of which is a long way.
    assert (method == "hessian_free") == (not made)
    assert all(100 * 10**k <= updates < 10 * 100 * 10**k for k, updates in enumerate(made))


def test_probes_while_training_keep_within_their_share_of_the_flops() -> None:
    looked = []
    meter = BudgetMeter(Limits(1e15))
    prober = probing.Prober(meter, lambda: looked.append(meter.updates))
    task = Sum(50)
    model = Scripted(task)
    batch = task.sample(2, torch.Generator())
    for _ in range(20_000):
        meter.updated(model, torch.tensor(1.0), batch, False)
        assert not prober.updated(model, None, batch, False)
    each = 8.0 * weights(model) * batch.length * probing.PROBED
    assert looked
    for count, updates in enumerate(looked, 1):
        assert count * each <= probing.SHARE * meter.flops * updates / meter.updates
