"""Random guessing: many nets at once are each the net they say, judged honestly, every pass charged."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from longlag import Batch, Task
from longlag.bench.contract.seeds import generator
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.meter import step_cost
from longlag.bench.trial.spec import Case, Limits, TrialSpec
from longlag.bench.trial.trial import run
from longlag.methods.parts.controls.guesses import SATURATED, Guesses
from longlag.methods.parts.controls.guessing_model import FIRST, LIKELY, MOST

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec.*:FutureWarning")

REGISTRY = discover()


def build(task: Task, seed: int = 0, **hyperparameters: Any) -> Any:
    torch.manual_seed(seed)
    return REGISTRY.method("random_guessing").build(task, **{"units": 3, "scale": 10.0, **hyperparameters})


@pytest.mark.parametrize("logits", [True, False])
def test_each_net_is_the_recurrence_it_says(logits: bool) -> None:
    nets = Guesses.drawn(4, (2, 3, 5), 1.5, logits, generator(0, "nets"))
    inputs = torch.randn(7, 6, 2, generator=generator(0, "inputs"))
    mask = torch.tensor([False, True, False, False, True, False, True])
    outputs = nets.answers(inputs, mask, logits)
    assert outputs.shape == (3, 4, 6, 5)
    for net in range(4):
        for sequence in range(6):
            state, asked = torch.zeros(3), iter(outputs[:, net, sequence])
            for step in range(7):
                drive = inputs[step, sequence] @ nets.inputs[net] + nets.bias[net]
                state = torch.tanh(drive + state @ nets.recurrent[net])
                if mask[step]:
                    output = state @ nets.readout[net] + nets.offset[net]
                    expected = SATURATED * torch.tanh(output) if logits else output
                    assert torch.allclose(next(asked), expected, atol=1e-5)


def test_weights_are_uniform_up_to_the_scale() -> None:
    nets = Guesses.drawn(2000, (2, 3, 1), 7.0, True, generator(0, "nets"))
    for weights in (nets.recurrent, nets.inputs, nets.bias, nets.readout, nets.offset):
        assert float(weights.abs().max()) == pytest.approx(7.0, rel=0.01)
        assert float(weights.var()) == pytest.approx(49 / 3, rel=0.05)
    assert float(Guesses.drawn(2000, (2, 3, 1), 7.0, False, generator(0)).readout.abs().max()) <= 1


class Counting(Task):
    """The latch, counting the sequences that were judged."""

    name, source = "counting", ""

    def __init__(self, lag: int) -> None:
        super().__init__(lag)
        self.base = REGISTRY.task("latch", None, lag)
        for size in ("input_size", "output_size", "loss", "minimal_lag", "chance", "chance_loss"):
            setattr(self, size, getattr(self.base, size))
        self.judged = 0

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        return self.base.sample(batch_size, generator)

    def wrong(self, outputs: Tensor, batch: Batch) -> Tensor:
        self.judged += batch.size
        return self.base.wrong(outputs, batch)


def test_every_pass_is_charged_and_bad_guesses_are_dropped_early() -> None:
    task = Counting(15)
    model = build(task)
    stream = generator(0, "train")
    for index in range(3):
        task.judged = 0
        batch = task.sample(model.batch_size, stream)
        model.training_step(batch, index)
        assert step_cost(model, batch) == 2 * (3 * 3 + 3 * 1) * batch.length * task.judged
        # All on the first few, the likely ones on the rest, and the best before on every one.
        assert task.judged == MOST * FIRST + LIKELY * (batch.size - FIRST) + batch.size


def test_the_best_so_far_answers_and_its_record_is_kept() -> None:
    task = REGISTRY.task("two_sequence", "3a", 20)
    model = build(task, scale=100.0)
    stream = generator(0, "train")
    shares = []
    for index in range(25):
        model.training_step(task.sample(model.batch_size, stream), index)
        shares.append(float((model.wrong + 1) / (model.asked + 2)))
    assert shares[-1] < 0.02
    fresh = task.sample(1000, generator(0, "test"))
    assert float(task.wrong(model(fresh.inputs, fresh.mask), fresh).float().mean()) < 0.03
    assert all(not parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("variant", ["latch:b94", "two_sequence:3a", "two_sequence:3a_1"])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_recipe_solves_what_guessing_is_known_to_solve(variant: str, number: int) -> None:
    name, variant = REGISTRY.variant(variant)
    task = REGISTRY.task(name, variant, 50)
    chosen = dict(REGISTRY.method("random_guessing").recipes(task.sizes)[number])
    spec = TrialSpec(Case("random_guessing", name, variant, 50), "tune", 0, 3, chosen, Limits(3e9))
    outcome = run(spec, REGISTRY)
    assert outcome.status == "solved"
    assert outcome.error < 0.02


def test_it_guesses_no_sum() -> None:
    chosen = {"units": 5, "scale": 2.0}
    spec = TrialSpec(Case("random_guessing", "adding", "ms11", 20), "tune", 0, 3, chosen, Limits(1e9))
    outcome = run(spec, REGISTRY)
    assert outcome.status != "solved"
    assert outcome.error > 0.3
    assert outcome.flops <= 1e9
