"""Adding, multiplication and xor, against a second reading of their definitions."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longlag import Batch
from longlag.tasks.adding import Adding
from longlag.tasks.multiplication import Multiplication
from longlag.tasks.xor import Xor

VARIANTS = ("hs97", "ms11", "a16")
ADDING = (*VARIANTS, "s13")


def stream(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def keys_of(variant: str, markers: np.ndarray) -> list[int]:
    """The steps a reader of one sequence finds marked; step 0 of hs97 hides its mark behind the -1."""
    keys = [step for step, marker in enumerate(markers) if marker == 1]
    if variant == "hs97":
        assert markers[0] == -1
        assert markers[-1] == -1
        return keys
    assert set(np.unique(markers)) <= {0, 1}
    return keys


def check_windows(variant: str, lag: int, length: int, keys: list[int]) -> None:
    if variant == "hs97":
        assert len(keys) in (1, 2)  # one, where the other is step 0
        assert min(keys) < 10 or len(keys) == 1
        assert all(0 < key <= lag // 2 - 1 for key in keys)
        assert lag <= length <= lag + lag // 10
    elif variant in ("ms11", "s13"):
        first, second = keys
        assert 0 <= first < lag / 10
        assert lag // 10 <= second < lag / 2
        assert lag <= length <= lag + lag // 10
    else:
        first, second = keys
        assert 0 <= first < lag / 2
        assert lag // 2 <= second < lag
        assert length == lag


@pytest.mark.parametrize("variant", ADDING)
@settings(max_examples=40)
@given(lag=st.integers(20, 130), size=st.integers(1, 20), seed=st.integers(0, 2**40))
def test_adding_is_the_sum_of_the_marked_values(variant: str, lag: int, size: int, seed: int) -> None:
    task = Adding(lag, variant)
    batch = task.sample(size, stream(seed))
    assert batch.mask.nonzero().tolist() == [[batch.length - 1]]
    for b in range(size):
        values, markers = batch.inputs[:, b].numpy().T
        keys = keys_of(variant, markers)
        check_windows(variant, lag, batch.length, keys)
        low = -1 if variant == "hs97" else 0
        assert values.min() >= low
        assert values.max() <= 1
        total = math.fsum(float(values[key]) for key in keys)
        goal = {"hs97": 0.5 + total / 4, "ms11": total / 2, "a16": total, "s13": total}[variant]
        assert float(batch.targets[0, b, 0]) == pytest.approx(goal, abs=1e-6)
        if variant != "a16":
            assert batch.length - 1 - max(keys) >= task.minimal_lag


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=40)
@given(lag=st.integers(20, 130), size=st.integers(1, 20), seed=st.integers(0, 2**40))
def test_multiplication_is_the_product_of_the_marked_values(
    variant: str, lag: int, size: int, seed: int
) -> None:
    batch = Multiplication(lag, variant).sample(size, stream(seed))
    for b in range(size):
        values, markers = batch.inputs[:, b].numpy().T
        keys = keys_of(variant, markers)
        check_windows(variant, lag, batch.length, keys)
        assert values.min() >= 0
        goal = math.prod(float(values[key]) for key in keys)
        assert float(batch.targets[0, b, 0]) == pytest.approx(goal, abs=1e-6)


@settings(max_examples=40)
@given(lag=st.integers(10, 130), size=st.integers(1, 20), seed=st.integers(0, 2**40))
def test_xor_is_the_parity_of_the_marked_bits(lag: int, size: int, seed: int) -> None:
    batch = Xor(lag).sample(size, stream(seed))
    for b in range(size):
        values, markers = batch.inputs[:, b].numpy().T
        assert set(np.unique(values)) <= {0, 1}
        keys = keys_of("ms11", markers)
        check_windows("ms11", lag, batch.length, keys)
        assert int(batch.targets[0, b, 0]) == sum(int(values[key]) for key in keys) % 2


@pytest.mark.parametrize("variant", ADDING)
def test_values_and_keys_are_uniform(variant: str) -> None:
    lag = 60
    batch = Adding(lag, variant).sample(20000, stream(7))
    values, markers = batch.inputs.unbind(-1)
    if variant == "hs97":
        values = (values + 1) / 2
    assert float(values.mean()) == pytest.approx(1 / 2, abs=2e-3)
    assert float(values.var()) == pytest.approx(1 / 12, abs=1e-3)
    often = (markers == 1).double().mean(1)  # [T]: how often each step is marked
    expected = np.zeros(batch.length)
    if variant == "hs97":
        # First key 1/10 each of ten steps; the second on any of the other steps of the first 30, 1/29 each.
        expected[:10] = 0.1 + 0.9 / 29
        expected[10:30] = 1 / 29
        expected[0] = 0
    elif variant in ("ms11", "s13"):
        expected[:6] = 1 / 6
        expected[6:30] = 1 / 24
    else:
        expected[:] = 1 / 30
    assert often.numpy() == pytest.approx(expected, abs=0.01)


def constant(batch: Batch, value: float) -> torch.Tensor:
    return torch.full_like(batch.targets, value)


@pytest.mark.parametrize(
    ("kind", "variant"), [*((Adding, v) for v in ADDING), *((Multiplication, v) for v in VARIANTS)]
)
@pytest.mark.parametrize("lag", [20, 100])
def test_trivial_predictors_of_adding_and_multiplication(
    kind: type[Adding | Multiplication], variant: str, lag: int
) -> None:
    n = 200_000
    task = kind(lag, variant)
    batch = task.sample(n // lag, stream(1))
    for seed in range(2, 2 + lag):  # many lengths, and n sequences in all
        more = task.sample(n // lag, stream(seed))
        batch = Batch(
            more.inputs[:1], torch.cat([batch.targets, more.targets], 1), torch.ones(1, dtype=torch.bool)
        )
    mean = float(batch.targets.mean())
    outputs = constant(batch, mean)
    assert float(task.loss(outputs, batch.targets)) == pytest.approx(task.chance_loss, rel=0.02)
    assert float(task.wrong(outputs, batch).double().mean()) == pytest.approx(task.chance, abs=4e-3)


def test_published_constants() -> None:
    assert Adding(100, "ms11").chance_loss == pytest.approx(1 / 24)
    for variant in ("a16", "s13"):
        assert Adding(100, variant).chance_loss == pytest.approx(1 / 6)
        assert Adding(100, variant).chance == pytest.approx(0.9216)
    assert Multiplication(100, "ms11").chance_loss == pytest.approx(7 / 144)
    assert Adding(100, "ms11").chance == pytest.approx(0.846, abs=5e-4)
    assert Multiplication(100, "ms11").chance == pytest.approx(0.889, abs=5e-4)
    # hs97: the same law but for the keys that fall on the first step, of which there are 12% at T = 100.
    muted = 0.1 + 0.9 / 49
    assert Adding(100, "hs97").chance_loss == pytest.approx((1 - muted / 2) / 24)


def test_trivial_predictor_of_xor_and_its_balance() -> None:
    task = Xor(40)
    batch = task.sample(40_000, stream(3))
    assert float(batch.targets.mean()) == pytest.approx(0.5, abs=0.01)
    outputs = constant(batch, 0)
    assert float(task.loss(outputs, batch.targets)) == pytest.approx(task.chance_loss)
    assert float(task.wrong(outputs, batch).float().mean()) == pytest.approx(task.chance, abs=0.01)


def test_s13_is_ms11_judged_twice_as_strictly() -> None:
    mean, total = Adding(100, "ms11"), Adding(100, "s13")
    one, other = mean.sample(50, stream(2)), total.sample(50, stream(2))
    assert torch.equal(one.inputs, other.inputs)
    assert torch.equal(2 * one.targets, other.targets)
    for off in (0.01, 0.019, 0.021, 0.03):  # on the mean
        assert not mean.wrong(one.targets + off, one).any()
        assert total.wrong(2 * (one.targets + off), other).all() == (off > 0.02)
    assert (total.minimal_lag, total.lags("s13")) == (mean.minimal_lag, mean.lags("ms11"))


def test_wrong_means_off_by_more_than_four_hundredths() -> None:
    for task in (Adding(50, "hs97"), Adding(50, "a16"), Multiplication(50, "ms11")):
        batch = task.sample(6, stream(0))
        by = torch.tensor([0, 0.039, -0.039, 0.041, -0.041, 1]).view(1, 6, 1)
        assert task.wrong(batch.targets + by, batch).tolist() == [False, False, False, True, True, True]
