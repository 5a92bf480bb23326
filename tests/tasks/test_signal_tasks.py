"""Timer, spike timing, latch, two-sequence and capacity, against a second reading of their definitions."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from longlag import Batch, Task
from longlag.tasks.capacity import Capacity
from longlag.tasks.latch import Latch
from longlag.tasks.spike_timing import SpikeTiming
from longlag.tasks.timer import Timer
from longlag.tasks.two_sequence import MEAN_OFF_3C, TwoSequence

sizes = st.integers(1, 15)
seeds = st.integers(0, 2**40)


def stream(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("variant", Timer.variants)
@settings(max_examples=30)
@given(lag=st.integers(20, 300), size=sizes, seed=seeds)
def test_timer(variant: str, lag: int, size: int, seed: int) -> None:
    task = Timer(lag, variant)
    batch = task.sample(size, stream(seed))
    assert batch.mask.all()
    assert lag * 1.2 <= batch.length <= lag * 1.25 + 6
    for b in range(size):
        pulse, dial = batch.inputs[:, b].double().numpy().T
        (start,) = np.flatnonzero(pulse)
        assert pulse[start] == 1
        tenths = round(10 * dial[start])
        assert 1 <= tenths <= 10
        assert dial[start] == pytest.approx(tenths / 10)
        others = np.delete(dial, start)
        assert np.all(others == (dial[start] if variant == "held" else 0))
        duration = lag * tenths // 10
        goal = [0.0] * batch.length
        for step in range(start, start + duration):
            goal[step] = 1.0
        assert batch.targets[:, b, 0].tolist() == goal
        assert start < max(10, lag // 5)
        # The longest duration's end can be judged on both sides.
        assert start + lag + task.tolerance < batch.length


def edges(on: np.ndarray) -> list[int]:
    padded = np.concatenate(([False], on))
    return np.flatnonzero(padded[1:] != padded[:-1]).tolist()


@settings(max_examples=60)
@given(data=st.data())
def test_timer_is_wrong_when_an_edge_moves_more_than_a_hundredth(data: st.DataObject) -> None:
    lag = data.draw(st.sampled_from([100, 250, 400]))
    task = Timer(lag)
    batch = task.sample(8, stream(data.draw(seeds)))
    allowed = lag / 100
    outputs = torch.full_like(batch.targets, -3)
    expected = []
    for b in range(8):
        begin, end = edges(batch.targets[:, b, 0].numpy() > 0.5)
        moves = [data.draw(st.integers(-8, 8)) for _ in range(2)]
        begin, end = max(0, begin + moves[0]), end + moves[1]
        outputs[begin:end, b] = 3
        found = edges(outputs[:, b, 0].numpy() > 0)
        truth = edges(batch.targets[:, b, 0].numpy() > 0.5)
        expected.append(any(abs(f - t) > allowed for f, t in zip(found, truth, strict=True)))
    assert task.wrong(outputs, batch).tolist() == expected


def test_timer_is_wrong_with_an_extra_or_a_missing_pulse() -> None:
    task = Timer(200)
    batch = task.sample(30, stream(0))
    right = 6 * batch.targets - 3
    assert not task.wrong(right, batch).any()
    blip = right.clone()
    blip[-1] = 3
    assert task.wrong(blip, batch).all() == (batch.targets[-4:] == 0).all()
    assert task.wrong(-right, batch).all()
    assert task.wrong(torch.full_like(right, -3), batch).all()
    assert task.wrong(torch.full_like(right, 3), batch).all()


def blind_clock(task: Timer) -> float:
    """The share wrong of the best clock that knows u2 and the step, found by trying out every pulse."""
    wrong = 0
    known, asked = task.sample(2500, stream(3)), task.sample(2500, stream(4))
    steps = torch.arange(task.length).view(-1, 1, 1)

    def misses(batch: Batch, tenths: int, begin: int) -> int:
        group = ((10 * batch.inputs[..., 1].amax(0)).round() == tenths).nonzero().flatten()
        told = Batch(batch.inputs[:, group], batch.targets[:, group], batch.mask)
        pulse = (steps >= begin) & (steps < begin + task.lag * tenths // 10)
        return int(task.wrong((6.0 * pulse - 3).expand_as(told.targets), told).sum())

    for tenths in range(1, 11):
        begin = min(range(task.starts), key=partial(misses, known, tenths))
        wrong += misses(asked, tenths, begin)
    return wrong / asked.size


@pytest.mark.parametrize("variant", Timer.variants)
@pytest.mark.parametrize("lag", [20, 39, 100, 200])
def test_a_clock_that_does_not_see_the_start_is_mostly_wrong(variant: str, lag: int) -> None:
    task = Timer(lag, variant)
    assert blind_clock(task) == pytest.approx(task.chance, abs=0.02)
    assert task.chance > 0.84


@pytest.mark.parametrize("lag", [20, 100, 230])
def test_no_output_is_right_for_more_starts_than_chance_says(lag: int) -> None:
    task = Timer(lag, "held")
    batch = task.sample(4000, stream(0))
    for tenths in (1, 10):
        chosen = {}  # start -> one sequence of this duration
        for b in (batch.inputs[0, :, 1] == np.float32(tenths / 10)).nonzero().flatten().tolist():
            chosen[int(batch.inputs[:, b, 0].argmax())] = b
        assert sorted(chosen) == list(range(task.starts))
        # What a step must be, on (1) or off (-1) or either (0), for the sequence of each start.
        must = []
        for _, b in sorted(chosen.items()):
            goal = batch.targets[:, b, 0]
            flipped = goal.repeat(batch.length, 1).T.clone()
            flipped.fill_diagonal_(0).add_(torch.diag(1 - goal))
            told = Batch(
                batch.inputs[:, b : b + 1].expand(-1, batch.length, -1),
                goal.view(-1, 1, 1).expand(-1, batch.length, 1),
                batch.mask,
            )
            must.append(task.wrong(6 * flipped.unsqueeze(-1) - 3, told) * (2 * goal - 1))
        demands = torch.stack(must)
        # Two starts can share an output unless a step must be on for one and off for the other; where all
        # pairs of a set can, so can the set.
        clash = ((demands.unsqueeze(0) * demands.unsqueeze(1)) < 0).any(-1)
        apart = 2 * task.tolerance + 1
        start = torch.arange(task.starts)
        assert torch.equal(clash, (start.unsqueeze(0) - start.unsqueeze(1)).abs() >= apart)
    assert task.chance == pytest.approx(1 - apart / task.starts)


def test_timer_starts_and_durations_are_balanced() -> None:
    task = Timer(100)
    batch = task.sample(20_000, stream(1))
    durations = batch.targets.sum(0).flatten().long()
    counts = np.bincount(durations, minlength=101)[10::10]
    assert counts.sum() == 20_000
    assert stats.chisquare(counts).pvalue > 1e-3
    starts = np.bincount(batch.inputs[..., 0].argmax(0))
    assert len(starts) == 20
    assert stats.chisquare(starts).pvalue > 1e-3


@pytest.mark.parametrize("lag", [20, 100])
def test_the_loss_of_a_clock_that_does_not_see_the_start(lag: int) -> None:
    task = Timer(lag)
    batch = task.sample(40_000, stream(1))
    tenths = (10 * batch.inputs[..., 1].amax(0)).round().long() - 1
    on = torch.stack([batch.targets[:, tenths == u, 0].double().mean(1) for u in range(10)], 1)
    outputs = on.clamp(1e-6, 1 - 1e-6).logit()[:, tenths].unsqueeze(-1).float()
    assert float(task.loss(outputs, batch.targets)) == pytest.approx(task.chance_loss, rel=0.01)


@settings(max_examples=40)
@given(lag=st.integers(2, 200), size=sizes, seed=seeds)
def test_spike_timing(lag: int, size: int, seed: int) -> None:
    task = SpikeTiming(lag)
    batch = task.sample(size, stream(seed))
    for b in range(size):
        line = batch.inputs[:, b, 0].numpy()
        first, second = np.flatnonzero(line)
        assert line[[first, second]].tolist() == [1, 1]
        assert second - first in (lag - 1, lag)
        assert first < max(2, lag // 10)
        assert int(batch.targets[0, b, 0]) == int(second - first == lag)
        assert batch.length - 1 - first >= task.minimal_lag


@pytest.mark.parametrize(("lag", "right"), [(2, 0.75), (29, 0.75), (50, 0.6), (200, 0.525)])
def test_chance_is_who_sees_the_second_spike_alone(lag: int, right: float) -> None:
    task = SpikeTiming(lag)
    known, asked = task.sample(40_000, stream(0)), task.sample(40_000, stream(1))

    def second(batch: Batch) -> torch.Tensor:
        return batch.length - 1 - batch.inputs.flip(0).argmax(0).flatten()

    # How often the longer interval goes with each step of the second spike.
    sums = torch.zeros(task.length).index_add_(0, second(known), known.targets.flatten())
    share = (sums / torch.bincount(second(known), minlength=task.length)).clamp(1e-7, 1 - 1e-7)
    outputs = share[second(asked)].logit().view(1, -1, 1)
    wrong = float(task.wrong(outputs, asked).double().mean())
    assert wrong == pytest.approx(1 - right, abs=0.01)
    assert task.chance == pytest.approx(1 - right)
    assert float(task.loss(outputs, asked.targets)) == pytest.approx(task.chance_loss, abs=0.005)


@settings(max_examples=30)
@given(lag=st.integers(1, 200), size=sizes, seed=seeds)
def test_latch(lag: int, size: int, seed: int) -> None:
    batch = Latch(lag).sample(size, stream(seed))
    assert batch.length == lag + 1
    for b in range(size):
        assert float(batch.inputs[0, b, 0]) == 2 * float(batch.targets[0, b, 0]) - 1


def test_latch_noise() -> None:
    noise = Latch(50).sample(400, stream(0)).inputs[1:].flatten()
    assert stats.kstest(noise / 0.2, "norm").pvalue > 1e-3


@pytest.mark.parametrize("variant", TwoSequence.variants)
@settings(max_examples=30)
@given(lag=st.integers(10, 150), size=sizes, seed=seeds)
def test_two_sequence(variant: str, lag: int, size: int, seed: int) -> None:
    task = TwoSequence(lag, variant)
    batch = task.sample(size, stream(seed))
    keys = 1 if variant == "3a_1" else 3
    assert lag <= batch.length <= lag + lag // 10
    assert batch.length - keys >= task.minimal_lag
    if variant != "3b":
        for b in range(size):
            first = batch.inputs[:keys, b, 0].tolist()
            assert first in ([1.0] * keys, [-1.0] * keys)
            if variant != "3c":
                assert int(batch.targets[0, b, 0]) == int(first[0] == 1)


def test_two_sequence_noise_has_the_published_variances() -> None:
    deviation = math.sqrt(0.2)
    for variant in ("3a", "3b", "3c"):
        batch = TwoSequence(40, variant).sample(3000, stream(2))
        assert stats.kstest(batch.inputs[3:].flatten() / deviation, "norm").pvalue > 1e-3
    batch = TwoSequence(40, "3b").sample(3000, stream(2))
    sign = 2 * batch.targets - 1
    assert stats.kstest((batch.inputs[:3] - sign).flatten() / deviation, "norm").pvalue > 1e-3
    batch = TwoSequence(40, "3c").sample(5000, stream(2))
    clean = torch.where(batch.inputs[0] > 0, 0.2, 0.8)
    assert stats.kstest((batch.targets[0] - clean).flatten() / math.sqrt(0.1), "norm").pvalue > 1e-3
    task = TwoSequence(40, "3c")
    for off, wrong in ((0.09, False), (-0.09, False), (0.11, True), (-0.11, True)):
        assert (task.wrong(clean.unsqueeze(0) + off, batch) == wrong).all()


def test_two_sequence_3c_tells_the_mean_deviation_the_paper_asks_for() -> None:
    task = TwoSequence(40, "3c")
    batch = task.sample(256, stream(5))
    clean = torch.where(batch.inputs[0, :, 0] > 0, 0.2, 0.8)  # class 1 is 0.2
    right = clean.view(1, -1, 1)
    assert task.mean_deviation(right, batch) == pytest.approx(0, abs=1e-7)
    # On the noisy targets even the right answer is off by sqrt(2 var / pi) on average.
    noise = (batch.targets - right).abs().mean()
    assert float(noise) == pytest.approx(math.sqrt(0.2 / math.pi), abs=0.04)
    shy = 0.5 + (right - 0.5) * 5 / 6  # 0.25 and 0.75
    assert not task.wrong(shy, batch).any()
    assert task.mean_deviation(shy, batch) == pytest.approx(0.05, abs=1e-6)
    assert task.mean_deviation(shy, batch) > MEAN_OFF_3C == 0.015
    off = torch.zeros_like(right)
    off[0, :64] = 0.04
    assert task.mean_deviation(right + off, batch) == pytest.approx(0.01, abs=1e-6)
    assert torch.allclose(task.deviation(right + off, batch), off.flatten(), atol=1e-6)
    sure = TwoSequence(40, "3a")
    batch = sure.sample(100, stream(5))
    p = torch.where(batch.targets > 0.5, 0.9, 0.3)
    assert torch.allclose(
        sure.deviation(p.logit(), batch), torch.where(batch.targets > 0.5, 0.1, 0.3).flatten()
    )


def test_two_sequence_judges_probabilities_at_two_tenths() -> None:
    task = TwoSequence(40, "3a")
    batch = task.sample(200, stream(0))
    for right, wrong in ((0.81, False), (0.79, True), (0.1, True)):
        p = torch.where(batch.targets > 0.5, right, 1 - right)
        assert (task.wrong(p.logit(), batch) == wrong).all()


@pytest.mark.parametrize(
    ("kind", "variant"),
    [(Latch, "b94"), *((TwoSequence, v) for v in TwoSequence.variants)],
)
def test_trivial_predictors_and_balance(kind: type[Task], variant: str) -> None:
    task = kind(40, variant)
    batch = task.sample(40_000, stream(9))
    assert float(batch.targets.mean()) == pytest.approx(0.5, abs=0.01)
    outputs = torch.full_like(batch.targets, 0.5 if variant == "3c" else 0.0)
    assert float(task.loss(outputs, batch.targets)) == pytest.approx(task.chance_loss, rel=0.02)
    assert float(task.wrong(outputs, batch).double().mean()) == pytest.approx(task.chance, abs=0.01)


@settings(max_examples=30)
@given(lag=st.integers(40, 400), size=sizes, seed=seeds)
def test_capacity(lag: int, size: int, seed: int) -> None:
    task = Capacity(lag)
    batch = task.sample(size, stream(seed))
    assert batch.length == 5 * lag // 2
    asked = np.flatnonzero(batch.mask.numpy())
    assert asked[0] == lag
    assert set(np.diff(asked)) == {lag // 20}
    assert batch.length - asked[-1] <= lag // 20
    for b in range(size):
        signal = batch.inputs[:, b, 0].numpy()
        assert np.square(signal).mean() == pytest.approx(1 / 8, rel=1e-3)
        # Of 1 to 25 cycles a length, which are at most ten in T steps.
        cycles = np.abs(np.fft.rfft(signal))
        assert max(cycles[0], *cycles[26:], 0) < 1e-3 * cycles.max()
        for row, step in enumerate(asked):
            back = [signal[step - quarter * lag // 4] for quarter in range(5)]
            assert batch.targets[row, b].tolist() == back


def test_capacity_draws_every_wave_alike_and_at_any_phase() -> None:
    batch = Capacity(100).sample(4000, stream(1))
    waves = np.fft.rfft(batch.inputs[:, :, 0].numpy(), axis=0)[1:26]
    strength = np.square(np.abs(waves)).mean(1)
    assert strength == pytest.approx(np.full(25, strength.mean()), rel=0.1)
    assert stats.kstest(np.angle(waves).ravel() / (2 * np.pi) + 0.5, "uniform").pvalue > 1e-3
    # What any one step is asked has the mean square of the whole.
    assert batch.targets.square().mean(1).numpy() == pytest.approx(np.full((30, 5), 1 / 8), rel=0.1)


@pytest.mark.parametrize(("share", "wrong"), [(0.0099, False), (0.0101, True)])
def test_capacity_is_wrong_by_a_hundredth_of_the_mean_square(share: float, wrong: bool) -> None:
    task = Capacity(100)
    batch = task.sample(3, stream(0))
    off = torch.zeros_like(batch.targets)
    # All of the first sequence's error in one answer of one step.
    off[4, 0, 2] = math.sqrt(share / 8 * off[:, 0].numel())
    assert task.wrong(batch.targets + off, batch).tolist() == [wrong, False, False]
