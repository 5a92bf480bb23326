"""The echo state network: what it solves, what it learns, what it charges."""

from __future__ import annotations

import math

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from longlag import SigmoidCrossEntropy, SoftmaxCrossEntropy, SquaredError
from longlag.methods.echo_state import EchoState
from longlag.methods.parts.echo_state import reservoir_model
from longlag.methods.parts.echo_state.reservoir import harvest
from longlag.methods.parts.echo_state.ridge import SETTLED, NormalEquations
from tests.methods.echo_tasks import DELAY, LEAKY, Adding, Memory, trained, wrong_of_2000


@pytest.mark.parametrize(("lag", "units"), [(50, 60), (200, 100)])
def test_adds_across_the_lag(lag: int, units: int) -> None:
    task = Adding(lag)
    model, _, losses = trained(task, 10, units=units, **LEAKY)
    assert wrong_of_2000(task, model) == 0
    assert losses[0] > 0.05 > 1e-4 > losses[-1]


def test_telling_signs_apart_needs_the_bias() -> None:
    """tanh is odd: of value and marker it holds value x marker^2, which is the same for marks 1 and -1."""
    task = Adding(50)
    model, _, _ = trained(task, 10, units=60, **{**LEAKY, "bias": 0.0})
    assert wrong_of_2000(task, model) > 400


@pytest.mark.parametrize("topology", ["ring", "orthogonal"])
@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), SigmoidCrossEntropy()])
def test_delay_line_remembers_to_the_step(topology: str, loss: object) -> None:
    task = Memory(60, loss)
    model, _, losses = trained(task, 4, units=110, batch_size=32, **{**DELAY, "topology": topology})
    batch = task.sample(200, torch.Generator().manual_seed(77))
    outputs = model(batch.inputs, batch.mask)
    assert outputs.shape == (70, 200, 3)
    assert not Memory(60).wrong(outputs, Memory(60).sample(200, torch.Generator().manual_seed(77))).any()
    assert losses[-1] < 0.01


def test_readout_is_scikit_learns_ridge_on_the_states_seen() -> None:
    task = Memory(8, SquaredError())
    task.sample = Adding(18).sample  # type: ignore[method-assign]
    task.input_size, task.output_size = 2, 1
    for squares in (False, True):
        name = "squares" if squares else "linear"
        model, seen, _ = trained(
            task, 5, units=12, batch_size=30, features=name, **{**LEAKY, "ridge": 1e-3, "leak_scale": 1.0}
        )
        states = [harvest(model.layer, b.inputs, b.mask, backend="torch")[0][0].numpy() for b in seen]
        features = np.concatenate(states)
        features = np.concatenate([features, features**2], 1) if squares else features
        scaler = StandardScaler().fit(features)
        targets = np.concatenate([b.targets[0].double().numpy() for b in seen])
        expected = Ridge(alpha=1e-3 * len(targets), solver="svd").fit(scaler.transform(features), targets)
        fresh = task.sample(50, torch.Generator().manual_seed(5))
        state = harvest(model.layer, fresh.inputs, fresh.mask, backend="torch")[0][0].numpy()
        state = np.concatenate([state, state**2], 1) if squares else state
        np.testing.assert_allclose(
            model(fresh.inputs, fresh.mask)[0, :, 0],
            expected.predict(scaler.transform(state)).ravel(),
            rtol=1e-4,
            atol=1e-6,
        )


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Memory(20)
    arguments = {"units": 40, "batch_size": 16, **DELAY, "ridge": 1e-6}
    whole, _, losses = trained(task, 3, **arguments)
    monkeypatch.setattr(reservoir_model, "CHUNK", 40 * 16 * 7)
    pieces, _, losses_in_pieces = trained(task, 3, **arguments)
    np.testing.assert_allclose(losses_in_pieces, losses, rtol=1e-5)
    torch.testing.assert_close(pieces.readout, whole.readout, rtol=1e-5, atol=1e-5)


def test_loss_is_of_sequences_not_yet_learned_from() -> None:
    task = Adding(20)
    model, _, _ = trained(task, 3, units=20, batch_size=50, **LEAKY)
    batch = task.sample(50, torch.Generator().manual_seed(9))
    before = float(task.loss(model(batch.inputs, batch.mask), batch.targets))
    assert float(model.training_step(batch, 3)) == pytest.approx(before, rel=1e-5)


def test_logits_are_undecided_before_training_and_sure_after() -> None:
    task = Memory(20)
    model, _, _ = trained(task, 0, units=60, **DELAY)
    batch = task.sample(4, torch.Generator().manual_seed(1))
    np.testing.assert_allclose(model(batch.inputs, batch.mask).softmax(-1), 1 / 3, rtol=1e-6)
    assert float(model.training_step(batch, 0)) == pytest.approx(math.log(3))
    model, _, _ = trained(task, 6, units=60, batch_size=32, **DELAY)
    goal = torch.nn.functional.one_hot(batch.targets, 3)
    assert (model(batch.inputs, batch.mask).softmax(-1) - goal).abs().max() < 0.01


def test_cost() -> None:
    """Dense 20 x 22 weights; 10 steps; 30 sequences, one supervised step each; solved by Cholesky."""
    task = Adding(10)
    arguments = {**LEAKY, "ridge": 1e-3, "units": 20, "batch_size": 30, "topology": "orthogonal"}
    model, seen, _ = trained(task, 1, **arguments)
    harvesting, adding = 2 * (20 * 20 + 20 * 2) * 10 * 30, 2 * 20 * 21 * 30
    solving = 20**3 / 3 + 2 * 20**2
    assert model.cost(seen[0]) == pytest.approx(harvesting + adding + solving)
    costs = []
    for i in range(1, 40):
        model.training_step(seen[0], i)
        costs.append(model.cost(seen[0]))
    assert min(costs) == pytest.approx(harvesting + adding)
    solves = sum(cost > harvesting + adding + 1 for cost in costs)
    assert solves < 30


def test_noise_is_as_slow_as_the_unit_it_disturbs() -> None:
    """After one step from zero, noise n a N(0, 1) is all that differs from the quiet state."""
    task = Adding(20)
    arguments = {**LEAKY, "leak": "blocks", "leak_scale": 0.2, "units": 4, "noise": 0.1}
    model, _, _ = trained(task, 1, **arguments)
    inputs, mask = torch.zeros(1, 20000, 2), torch.ones(1, dtype=torch.bool)
    noisy, quiet = (next(model.states(inputs, mask, noise)) for noise in (0.1, 0.0))
    np.testing.assert_allclose((noisy - quiet)[0].std(0), [0.001, 0.001, 0.1, 0.1], rtol=0.03)


def test_noise_is_for_training_alone() -> None:
    task = Adding(20)
    model, seen, _ = trained(task, 2, units=20, noise=1e-2, **LEAKY)
    quiet, _, _ = trained(task, 2, units=20, **LEAKY)
    torch.testing.assert_close(
        model(seen[0].inputs, seen[0].mask), model(seen[0].inputs, seen[0].mask), rtol=0, atol=0
    )
    assert model.readout.abs().sum() < quiet.readout.abs().sum()


def test_outputs_have_a_gradient_in_the_inputs() -> None:
    """As probes of how much an early input still matters ask for."""
    task = Adding(12)
    model, seen, _ = trained(task, 3, units=30, **{**LEAKY, "ridge": 1e-6})
    inputs = seen[0].inputs[:, :1].clone().requires_grad_()
    model(inputs, seen[0].mask).sum().backward()
    step = torch.zeros_like(inputs)
    step[5, 0, 0] = 1e-2
    mask = seen[0].mask
    change = model(inputs.detach() + step, mask) - model(inputs.detach() - step, mask)
    assert float(inputs.grad[5, 0, 0]) == pytest.approx(float(change) / 2e-2, rel=1e-2)


def test_same_seed_same_model() -> None:
    task = Adding(20)
    first, _, _ = trained(task, 2, units=20, noise=1e-3, **LEAKY)
    again, _, _ = trained(task, 2, units=20, noise=1e-3, **LEAKY)
    other, _, _ = trained(task, 2, seed=5, units=20, noise=1e-3, **LEAKY)
    assert torch.equal(first.readout, again.readout)
    assert not torch.equal(first.readout, other.readout)


def test_what_is_no_number_surfaces() -> None:
    task = Memory(10)
    model, _, _ = trained(task, 1, units=20, batch_size=8, **DELAY)
    batch = task.sample(8, torch.Generator().manual_seed(1))
    batch.inputs[3, 2, 0] = torch.nan
    assert math.isnan(float(model.training_step(batch, 1)))
    assert model(batch.inputs, batch.mask).isnan().all()


def test_trains_under_lightning_and_survives_a_checkpoint() -> None:
    task = Adding(50)
    torch.manual_seed(0)
    model = EchoState().build(task, units=60, **LEAKY)
    generator = torch.Generator().manual_seed(1)
    data = [task.sample(200, generator) for _ in range(8)]
    trainer = pl.Trainer(
        max_epochs=1,
        logger=False,
        accelerator="cpu",
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    loader = torch.utils.data.DataLoader(data, batch_size=None, num_workers=0)
    trainer.fit(model, loader)
    assert wrong_of_2000(task, model) == 0
    torch.manual_seed(0)
    restored = EchoState().build(task, units=60, **LEAKY)
    restored.load_state_dict(model.state_dict())
    for part in (model, restored):
        part.training_step(data[0], 0)
        part.training_step(data[1], 1)
    assert torch.equal(restored.readout, model.readout)


def test_a_fit_is_final_once_it_has_seen_enough_sequences() -> None:
    """Its error on fresh rows is within a percent of the best fit's, as the closed form says."""
    task = Adding(20)
    torch.manual_seed(0)
    model = EchoState().build(task, units=4, features="squares", **LEAKY)
    enough = SETTLED * 8
    generator = torch.Generator().manual_seed(1)
    for _ in range(enough // 100):
        assert not model.settled
        model.training_step(task.sample(100, generator), 0)
    assert model.settled

    rows = torch.randn(400, enough, 8, generator=generator, dtype=torch.float64)
    targets = rows[..., :1] + torch.randn(400, enough, 1, generator=generator, dtype=torch.float64)

    def excess(count: int) -> float:
        shares = []
        for x, y in zip(rows, targets, strict=True):
            sums = NormalEquations(8, 1)
            sums.add(x[:count], y[:count])
            found = sums.solve(1e-12)
            best = torch.eye(8, dtype=torch.float64)[:, :1]
            shares.append(float((found.weights - best).square().sum() + found.intercept.square().sum()))
        return float(np.mean(shares))

    assert excess(enough) == pytest.approx(9 / (enough - 10), rel=0.2)
    assert excess(enough) < 0.01 < excess(enough // 4)


WHITENED = {
    "units": 12,
    "topology": "none",
    "leak": "slow",
    "leak_scale": 0.6,
    "input_scale": 1.0,
    "bias": 0.5,
    "components": 3,
    "batch_size": 40,
    "ridge": 1e-3,
}


@pytest.mark.parametrize("name", ["products", "random"])
def test_whitened_readout_is_scikit_learns(name: str) -> None:
    """PCA of the first three batches, features of it, and a ridge regression on the batches after them."""
    task = Adding(18)
    model, seen, losses = trained(task, 6, features=name, random_features=7, feature_scale=0.5, **WHITENED)
    states = [harvest(model.layer, b.inputs, b.mask, backend="torch")[0][0].numpy() for b in seen]
    pca = PCA(3, whiten=True, svd_solver="full").fit(np.concatenate(states[:3]))

    def features(x: np.ndarray) -> np.ndarray:
        # The signs of components are free, and drawn features depend on them.
        ours = model.whitening(torch.from_numpy(x)).numpy()
        z = pca.transform(x)
        np.testing.assert_allclose(abs(ours), abs(z), rtol=1e-6, atol=1e-8)
        if name == "products":
            return PolynomialFeatures(2, include_bias=False).fit_transform(z)
        hidden = model.expansion
        return np.concatenate([ours, np.tanh(ours @ hidden.weight.numpy() + hidden.bias.numpy())], 1)

    learned = np.concatenate([features(x) for x in states[3:]])
    scaler = StandardScaler().fit(learned)
    targets = np.concatenate([b.targets[0].double().numpy() for b in seen[3:]])
    expected = Ridge(alpha=1e-3 * 120, solver="svd").fit(scaler.transform(learned), targets)
    fresh = task.sample(50, torch.Generator().manual_seed(5))
    state = harvest(model.layer, fresh.inputs, fresh.mask, backend="torch")[0][0].numpy()
    answers = expected.predict(scaler.transform(features(state))).ravel()
    np.testing.assert_allclose(model(fresh.inputs, fresh.mask)[0, :, 0], answers, rtol=1e-4, atol=1e-6)
    # Until the whitening is fixed nothing is learned.
    zero = [float((b.targets**2).mean()) for b in seen[:4]]
    np.testing.assert_allclose(losses[:4], zero, rtol=1e-6)


def test_cost_of_a_whitened_readout() -> None:
    """12 x 2 weights, 10 steps, 40 sequences; a triangular factor of 13 columns; 3 + 6 features of 3."""
    task = Adding(10)
    torch.manual_seed(0)
    model = EchoState().build(task, features="products", **WHITENED)
    batch = task.sample(40, torch.Generator().manual_seed(1))
    harvesting, factor = 2 * 12 * 2 * 10 * 40, 2 * (13 + 40) * 13**2
    features = 40 * (2 * 12 * 3 + 6)
    adding, solving = 2 * 9 * 10 * 40, 9**3 / 3 + 2 * 9**2
    costs = []
    for i in range(4):
        model.training_step(batch, i)
        costs.append(model.cost(batch))
    fixing = 22 * 13**3
    assert costs == pytest.approx(
        [harvesting + factor] * 2 + [harvesting + factor + fixing, harvesting + features + adding + solving]
    )


def test_learns_from_some_of_the_steps() -> None:
    task = Memory(20)
    model, seen, _ = trained(task, 3, units=40, batch_size=16, steps=7, **{**DELAY, "ridge": 1e-6})
    assert model.equations.rows == 3 * 7 * 16
    assert model.cost(seen[-1]) >= 2 * 40 * 43 * 7 * 16
    other = [model.thinned(seen[0]) for _ in range(2)]
    for few in other:
        steps = few.mask.nonzero().flatten()
        assert len(steps) == 7
        assert torch.equal(few.targets, seen[0].targets[steps])
    assert not torch.equal(other[0].mask, other[1].mask)
    whole, _, _ = trained(task, 3, units=40, batch_size=16, steps=30, **{**DELAY, "ridge": 1e-6})
    assert whole.equations.rows == 3 * 30 * 16


def test_a_whitened_readout_survives_a_checkpoint() -> None:
    """At every stage: while the whitening is still open, and when it is fixed."""
    task = Adding(20)
    arguments = {**WHITENED, "features": "random", "random_features": 9}
    for learned in (2, 4):
        model, _, _ = trained(task, learned, **arguments)
        torch.manual_seed(99)
        restored = EchoState().build(task, **arguments)
        restored.layer = model.layer
        restored.load_state_dict(model.state_dict())
        generator = torch.Generator().manual_seed(7)
        for i in range(3):
            batch = task.sample(40, generator)
            for part in (model, restored):
                part.training_step(batch, i)
        assert torch.equal(restored.readout, model.readout)
        assert torch.equal(restored(batch.inputs, batch.mask), model(batch.inputs, batch.mask))
