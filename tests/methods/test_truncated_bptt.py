"""Truncated backpropagation through time: what it charges, what cannot have it, and Omega under it."""

from __future__ import annotations

import inspect
from typing import Any

import optuna
import pytest
import torch
from torch import Tensor

from longlag import BadInput, Batch, BatchOptimizer, Network, Recipe, Recurrent, Remedy, SquaredError
from longlag.bench.contract.seeds import generator
from longlag.bench.plugins.combination import Combination
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.meter import BudgetMeter
from longlag.bench.trial.spec import Limits
from longlag.bench.trial.trainer import fit
from longlag.methods.parts.omega import Omega
from longlag.methods.parts.tanh.cell import TanhCell
from longlag.methods.state_noise import StateNoise
from longlag.methods.truncated_bptt import TruncatedBPTT
from longlag.methods.vanilla import Vanilla

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec.*:FutureWarning")

REGISTRY = discover()
TASK = REGISTRY.task("adding", "a16", 20)
BOTH = ("state_noise", "truncated_bptt")


def batch_of(length: int, size: int, *supervised: int) -> Batch:
    mask = torch.zeros(length, dtype=torch.bool)
    mask[list(supervised)] = True
    return Batch(torch.randn(length, size, 2), torch.randn(len(supervised), size, 1), mask)


@pytest.mark.parametrize(
    ("horizon", "supervised", "back"),
    [
        (None, (19,), 20),
        (20, (19,), 20),
        (99, (19,), 20),
        (5, (19,), 5),
        (5, (3, 4, 19), 10),
        # Blocks of six, from the end: 14..19, 8..13, 2..7, and 0..1.
        (6, (0, 19), 8),
        (6, (2, 7, 13), 12),
        (1, (0, 5, 19), 3),
    ],
)
def test_a_gradient_is_charged_by_how_far_its_errors_go_back(
    horizon: int | None, supervised: tuple[int, ...], back: int
) -> None:
    network = Network(TanhCell(2, 7), 1, horizon=horizon)
    weights = 7 * (7 + 2)
    assert network.cost(batch_of(20, 3, *supervised)) == weights * 3 * (2 * 20 + 4 * back)


@pytest.mark.parametrize("other", ["vanilla", "lstm", "muon", "soap", "orthogonal_rnn"])
def test_a_step_is_charged_less_by_what_the_way_back_is_shorter(other: str) -> None:
    costs = {}
    batch = TASK.sample(10, generator(0, "train"))
    for name in (other, f"{other}+truncated_bptt" if other != "vanilla" else "truncated_bptt"):
        method = REGISTRY.method(name)
        setting = {**method.recipes(TASK.sizes)[0], **({"horizon": 4} if "trunc" in name else {})}
        torch.manual_seed(0)
        model = method.build(TASK, **setting)
        meter = BudgetMeter(Limits(1e18, updates=1))
        fit(model, [batch], [meter])
        costs[name] = meter.flops
        weights = model.weights
    full, cut = costs.values()
    assert full - cut == pytest.approx(4 * weights * (20 - 4) * 10)


def test_the_range_of_the_horizon_holds_whole_sequences() -> None:
    longest = inspect.signature(TruncatedBPTT.apply).parameters["horizon"]
    assert longest.kind is longest.KEYWORD_ONLY
    for name, plugin in REGISTRY.tasks.items():
        if name == "mnist":
            continue
        for variant in plugin.variants:
            lags = plugin.lags(variant)
            lag = next(lag for lag in range(max(20, lags.shortest), 10**4) if lag in lags)
            task = plugin(lag, variant)
            asked = Asked()
            TruncatedBPTT().suggest(asked, task)
            lengths = [task.sample(1, generator(seed, "some")).length for seed in range(20)]
            assert asked.low == 1
            assert sorted(lengths)[-2] <= asked.high, f"{name}:{variant}"


class Asked:
    """A trial that notes the range it is asked for."""

    def suggest_int(self, _: str, low: int, high: int, *, log: bool) -> int:
        assert log
        self.low, self.high = low, high
        return low


ALL_AT_ONCE = "Stack is trained with neither state noise nor a horizon: its steps are worked out all at once"
OWN_PASSES = (
    "HessianFree is trained with neither state noise nor a horizon: "
    "its curvature is that of all steps, without noise"
)


@pytest.mark.parametrize("through_time", BOTH)
@pytest.mark.parametrize("other", ["min_gru", "lru", "lmu", "selective_ssm", "hessian_free"])
@pytest.mark.parametrize("order", [1, -1])
def test_what_cannot_be_trained_so_is_refused_in_one_line(through_time: str, other: str, order: int) -> None:
    expression = "+".join([other, through_time][::order])
    method = REGISTRY.method(expression)
    assert isinstance(method, Combination)
    with pytest.raises(BadInput) as refused:
        method.check(TASK)
    why = OWN_PASSES if other == "hessian_free" else ALL_AT_ONCE
    assert str(refused.value) == f"{expression!r} cannot be trained: {why}"


@pytest.mark.parametrize("through_time", BOTH)
@pytest.mark.parametrize(
    "other", ["lstm", "gru", "lem", "cornn", "slstm", "identity_rnn", "orthogonal_rnn", "muon", "chrono_lstm"]
)
def test_what_can_be_is_not(through_time: str, other: str) -> None:
    method = REGISTRY.method(f"{other}+{through_time}")
    assert isinstance(method, Combination)
    method.check(TASK)


class Plain(Recurrent):
    """A user's layer, which leaves its way back to autograd."""

    def __init__(self, input_size: int, units: int) -> None:
        super().__init__(input_size, units)
        self.layer = torch.nn.RNN(input_size, units)

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        states: Tensor = self.layer(inputs)[0]
        return states if mask is None else states[mask]

    def recurrent_blocks(self) -> list[Tensor]:
        return [self.layer.weight_hh_l0]

    def input_blocks(self) -> list[Tensor]:
        return [self.layer.weight_ih_l0]

    def biases(self) -> list[Tensor]:
        return [self.layer.bias_hh_l0]


class Older(Plain):
    """One that knows its own way back, as it is written without noise or a horizon."""

    def vjp(self, inputs: Tensor, mask: Tensor | None = None) -> Any:  # type: ignore[override]
        with torch.enable_grad():
            states = self(inputs, mask)
        return states.detach(), states.backward


class OwnStep(BatchOptimizer):
    """A user's optimiser that says nothing of how gradients are made."""

    def __init__(self, network: Network) -> None:
        super().__init__(network.parameters(), {})

    def load(self, batch: Batch) -> None:
        pass

    def step(self, closure: Any = None) -> Any:
        return closure()


class OwnCell(Remedy):
    """A user's layer as a remedy."""

    name, changes, cell = "own_cell", "cell", Plain

    def apply(self, recipe: Recipe) -> Recipe:
        return recipe.replace(cell=type(self).cell)


class OlderCell(OwnCell):
    """The other."""

    name, cell = "older_cell", Older


class OwnOptimiser(Remedy):
    """A user's optimiser as a remedy."""

    name, changes = "own_optimiser", "optimiser"

    def apply(self, recipe: Recipe) -> Recipe:
        return recipe.replace(optimiser=lambda network, _: OwnStep(network))


def suggested(method: Combination) -> dict[str, Any]:
    """Hyperparameters as tuning would ask for them."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return method.suggest(study.ask(), TASK)


@pytest.mark.parametrize("through_time", [StateNoise, TruncatedBPTT])
@pytest.mark.parametrize("own", [OwnCell, OlderCell, OwnOptimiser])
def test_a_plugin_that_says_nothing_works_as_ever_and_is_refused_beside_them(
    own: type[Remedy], through_time: type[Remedy]
) -> None:
    alone = Combination([own()], Vanilla())
    alone.check(TASK)
    model = alone.build(TASK, **suggested(alone))
    model.gradient(TASK.sample(4, generator(0, "train")))
    assert all(parameter.grad is not None for parameter in model.network.readout.parameters())
    both = Combination([own(), through_time()], Vanilla())
    what = "neither state noise nor a horizon: it says nothing of them$"
    with pytest.raises(BadInput, match=what):
        both.check(TASK)
    with pytest.raises(BadInput, match=what):
        both.build(TASK, **suggested(both)).configure_optimizers()


@pytest.mark.parametrize("form", ["code", "paper"])
@pytest.mark.parametrize("horizon", [None, 1, 3, 7])
@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_omega_is_that_of_the_errors_as_they_go_back(form: Any, horizon: int | None, noise: float) -> None:
    """Against dense Jacobians at states, and of errors, that a loop written out gives with the same noise."""
    length, size, units = 7, 3, 5
    torch.manual_seed(0)
    network = Network(TanhCell(2, units), 1, noise, horizon).double()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    batch = batch_of(length, size, 1, 4, 6).to(torch.float64)
    penalty = Omega(1.3, form)
    penalty.prepare(network)
    torch.manual_seed(5)
    network.gradient(batch, SquaredError())
    matrix = network.recurrent.recurrent_blocks()[0]
    assert matrix.grad is not None
    before = matrix.grad.clone()
    value = penalty.add_gradient(network, batch)

    torch.manual_seed(5)
    extra = noise * torch.randn(length, size, units, dtype=torch.float64)
    cell: Any = network.recurrent
    state, states = cell.initial.detach().expand(size, -1), []
    for t, u in enumerate(batch.inputs):
        if horizon is not None and (length - t) % horizon == 0:
            state = state.detach()
        drive = u @ cell.input_weight.T + cell.bias + extra[t]
        state = torch.tanh(drive + state @ cell.recurrent_weight.T)
        states.append(state)
    loss = SquaredError()(network.readout(torch.stack(states)[batch.mask.bool()]), batch.targets)
    errors = torch.autograd.grad(loss, states, allow_unused=True)
    weights = matrix.detach().clone().requires_grad_()
    terms = []
    for state, error in zip(states, errors, strict=True):
        for b in range(size):
            if error is None or error[b].norm() < 1e-10:
                continue
            jacobian = torch.diag(1 - state[b].detach() ** 2) @ weights
            ratio = torch.linalg.norm(error[b] @ jacobian) / torch.linalg.norm(error[b])
            terms.append((ratio**2 - 1) ** 2 if form == "code" else (ratio - 1) ** 2)
    total = torch.stack(terms)
    expected = 1.3 * (total.mean() if form == "code" else total.sum() / size)
    (added,) = torch.autograd.grad(expected, weights)
    torch.testing.assert_close(value, expected.detach(), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(matrix.grad, before + added, rtol=1e-9, atol=1e-11)
