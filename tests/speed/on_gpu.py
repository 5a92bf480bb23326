"""What a GPU would give: K tanh nets of one shape trained at once, against one core of the same machine.

    python tests/speed/on_gpu.py results/speed/gpu.json

A net is one program of the GPU, which keeps the weights and runs all steps; what is left of an update
(readout, loss, clipping, momentum) are torch's operations on all nets. The nets are those of clipping's
first recipe on temporal order, made by the suite itself; their sequences are drawn on the GPU too. The
weights after ten updates are held against the suite's own on the same batches first. Needs a GPU, and
Triton, which torch brings with it there.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra import libdevice

from longlag.bench.campaign import provenance
from longlag.bench.contract.module import RecipeModule
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.meter import Stream

LAG, UPDATES = 100, 300
COUNTS = (1, 10, 132, 528, 2112)
"""How many nets at once: a case has ten retests, a GPU like an H200 132 multiprocessors."""
SHAPES = ((32, 50), (50, 20), (64, 20))
"""Units and sequences a batch; the first are the recipe's."""
CHECK_EVERY, CHECKED, GIVE_UP = 50, 20, 3000
"""Updates between two checks, batches a check asks, updates until a net is given up."""
# a product of float32 numbers by three of the tensor cores' products: 1e-6 from the exact one
PRECISION = tl.constexpr("tf32x3")


@triton.jit
def _forward(
    inputs, into, within, states, steps, B: tl.constexpr, D: tl.constexpr, H: tl.constexpr,
    BP: tl.constexpr, DP: tl.constexpr, HP: tl.constexpr,
):  # fmt: skip
    """All states [K, T + 1, B, H] from inputs [K, T, B, D] and weights [K, H, D] and [K, H, H]."""
    k = tl.program_id(0).to(tl.int64)
    b, d, h = tl.arange(0, BP), tl.arange(0, DP), tl.arange(0, HP)
    here = (b[:, None] < B) & (h[None, :] < H)
    given = (b[:, None] < B) & (d[None, :] < D)
    drive = tl.load(into + k * H * D + h[None, :] * D + d[:, None], (h[None, :] < H) & (d[:, None] < D), 0.0)
    heard = tl.load(
        within + k * H * H + h[None, :] * H + h[:, None], (h[None, :] < H) & (h[:, None] < H), 0.0
    )
    at_state = states + k * (steps + 1) * B * H + b[:, None] * H + h[None, :]
    at_input = inputs + k * steps * B * D + b[:, None] * D + d[None, :]
    state = tl.zeros((BP, HP), tl.float32)
    tl.store(at_state, state, here)
    for _ in range(steps):
        at_state += B * H
        total = tl.dot(tl.load(at_input, given, 0.0), drive, input_precision=PRECISION)
        state = libdevice.tanh(tl.dot(state, heard, total, input_precision=PRECISION))
        tl.store(at_state, state, here)
        at_input += B * D


@triton.jit
def _backward(
    inputs, within, states, slopes, into_gradient, within_gradient, steps, B: tl.constexpr, D: tl.constexpr,
    H: tl.constexpr, BP: tl.constexpr, DP: tl.constexpr, HP: tl.constexpr,
):  # fmt: skip
    """The gradients of both weights of one net, from those of its last states, `slopes` [K, B, H]."""
    k = tl.program_id(0).to(tl.int64)
    b, d, h = tl.arange(0, BP), tl.arange(0, DP), tl.arange(0, HP)
    here = (b[:, None] < B) & (h[None, :] < H)
    given = (b[:, None] < B) & (d[None, :] < D)
    square = (h[:, None] < H) & (h[None, :] < H)
    wide = (h[:, None] < H) & (d[None, :] < D)
    back = tl.load(within + k * H * H + h[:, None] * H + h[None, :], square, 0.0)
    at_state = states + (k * (steps + 1) + steps) * B * H + b[:, None] * H + h[None, :]
    at_input = inputs + (k * steps + steps - 1) * B * D + b[:, None] * D + d[None, :]
    reached = tl.load(slopes + k * B * H + b[:, None] * H + h[None, :], here, 0.0)
    state = tl.load(at_state, here, 0.0)
    of_within, of_into = tl.zeros((HP, HP), tl.float32), tl.zeros((HP, DP), tl.float32)
    for _ in range(steps):
        at_state -= B * H
        before = tl.load(at_state, here, 0.0)
        delta = reached * (1.0 - state * state)
        turned = tl.trans(delta)
        of_within = tl.dot(turned, before, of_within, input_precision=PRECISION)
        of_into = tl.dot(turned, tl.load(at_input, given, 0.0), of_into, input_precision=PRECISION)
        reached = tl.dot(delta, back, input_precision=PRECISION)
        state = before
        at_input -= B * D
    tl.store(within_gradient + k * H * H + h[:, None] * H + h[None, :], of_within, square)
    tl.store(into_gradient + k * H * D + h[:, None] * D + d[None, :], of_into, wide)


class Cohort:
    """K nets of one recipe on the GPU: what `models` would do one after another."""

    def __init__(self, models: list[RecipeModule], hyperparameters: dict[str, Any]) -> None:
        parts = [(m.network.recurrent.input_blocks()[0], m.network.recurrent.recurrent_blocks()[0],
                  m.network.readout.weight, m.network.readout.bias) for m in models]  # fmt: skip
        stacked = [torch.stack([p.detach() for p in part]) for part in zip(*parts, strict=True)]
        self.count, self.units, self.inputs = stacked[0].shape
        self.flat = torch.cat([part.flatten(1) for part in stacked], 1).cuda()
        self.gradients, self.velocity = torch.zeros_like(self.flat), torch.zeros_like(self.flat)
        self.weights, self.slopes = (self._views(whole, stacked) for whole in (self.flat, self.gradients))
        self.rate, self.threshold = hyperparameters["learning_rate"], hyperparameters["threshold"]
        self.late, self.early = 1 - hyperparameters["friction"], hyperparameters["early_updates"]
        self.updates = 0

    def _views(self, whole: Tensor, like: list[Tensor]) -> list[Tensor]:
        """The parts of one flat tensor [K, P]."""
        pieces = whole.split([part[0].numel() for part in like], 1)
        return [piece.unflatten(1, part.shape[1:]) for piece, part in zip(pieces, like, strict=True)]

    def states(self, inputs: Tensor) -> Tensor:
        """[K, T + 1, B, H]."""
        length, size = inputs.shape[1:3]
        into, within = (part.contiguous() for part in self.weights[:2])
        states = inputs.new_empty(self.count, length + 1, size, self.units)
        _forward[(self.count,)](inputs, into, within, states, length, *self._sizes(size))
        return states

    def _sizes(self, size: int) -> tuple[int, ...]:
        padded = (max(16, triton.next_power_of_2(n)) for n in (size, self.inputs, self.units))
        return (size, self.inputs, self.units, *padded)

    def answer(self, inputs: Tensor) -> Tensor:
        """Outputs [K, B, C] at the last step."""
        return torch.baddbmm(
            self.weights[3].unsqueeze(1), self.states(inputs)[:, -1], self.weights[2].transpose(1, 2)
        )

    def gradient(self, inputs: Tensor, classes: Tensor) -> None:
        """Fill `gradients` from a batch of every net: inputs [K, T, B, D], classes [K, B]."""
        length, size = inputs.shape[1:3]
        states = self.states(inputs)
        last = states[:, -1]
        outputs = torch.baddbmm(self.weights[3].unsqueeze(1), last, self.weights[2].transpose(1, 2))
        slopes = outputs.softmax(-1)
        slopes.scatter_add_(-1, classes.unsqueeze(-1), slopes.new_full((*classes.shape, 1), -1.0))
        slopes /= size
        self.slopes[2].copy_(slopes.transpose(1, 2) @ last)
        self.slopes[3].copy_(slopes.sum(1))
        within = self.weights[1].contiguous()
        found = within.new_empty(self.weights[0].shape), torch.empty_like(within)
        _backward[(self.count,)](
            inputs,
            within,
            states,
            (slopes @ self.weights[2]).contiguous(),
            *found,
            length,
            *self._sizes(size),
        )
        self.slopes[0].copy_(found[0])
        self.slopes[1].copy_(found[1])

    def update(self, inputs: Tensor, classes: Tensor) -> None:
        """One of Nesterov's updates with a momentum that grows, gradients clipped by value."""
        share = min(1.0, self.updates / self.early)
        momentum = 1 - 0.1 * ((1 - self.late) / 0.1) ** share
        self.flat.add_(self.velocity.mul_(momentum))
        self.gradient(inputs, classes)
        self.gradients.clamp_(-self.threshold, self.threshold)
        self.velocity.add_(self.gradients, alpha=-self.rate)
        self.flat.add_(self.gradients, alpha=-self.rate)
        self.updates += 1


def draw(task: Any, count: int, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Temporal order (ms11) as the task draws it, for `count` nets: inputs [K, T, B, 6], classes [K, B]."""
    uniform = torch.rand(count, size, task.lag + 4, generator=generator, device="cuda")
    symbols = (uniform[..., 4:] * 4).long()
    bits = (uniform[..., :2] * 2).long()
    start, stop = torch.tensor(task.windows, device="cuda").T
    symbols.scatter_(2, start + (uniform[..., 2:4] * (stop - start)).long(), 4 + bits)
    one_hot = torch.nn.functional.one_hot(symbols, 6).to(torch.float32)
    return one_hot.transpose(1, 2).contiguous(), 2 * bits[..., 0] + bits[..., 1]


def made(units: int, size: int, count: int) -> tuple[Any, list[RecipeModule], dict[str, Any]]:
    """The task, `count` models of clipping's first recipe, and its hyperparameters."""
    registry = discover()
    task, method = registry.task("temporal_order", "ms11", LAG), registry.method("gradient_clipping")
    setting = {**method.recipes(task.sizes)[0], "units": units, "batch_size": size}
    models = []
    for seed in range(count):
        torch.manual_seed(seed)
        models.append(method.build(task, **setting))
    return task, models, setting


def agree(units: int, size: int) -> float:
    """The largest relative difference from the suite's own weights, after ten updates on the same batches."""
    task, models, setting = made(units, size, 3)
    cohort = Cohort(models, setting)
    streams = [iter(Stream(task, size, torch.Generator().manual_seed(seed))) for seed in range(3)]
    optimisers = [model.configure_optimizers() for model in models]
    for _ in range(10):
        batches = [next(stream) for stream in streams]
        for model, optimiser, batch in zip(models, optimisers, batches, strict=True):
            model.update(optimiser, batch)
        inputs = torch.stack([batch.inputs for batch in batches]).cuda()
        cohort.update(inputs, torch.stack([batch.targets[0] for batch in batches]).cuda())
    ours = [torch.stack([m.network.recurrent.recurrent_blocks()[0].detach() for m in models])]
    return float((ours[0] - cohort.weights[1].cpu()).abs().max() / ours[0].abs().max())


def core(units: int, size: int) -> float:
    """Updates a second of one core."""
    task, (model,), _ = made(units, size, 1)
    optimiser = model.configure_optimizers()
    stream = iter(Stream(task, size, torch.Generator().manual_seed(1)))
    for _ in range(20):
        model.update(optimiser, next(stream))
    began = time.perf_counter()
    for _ in range(UPDATES):
        model.update(optimiser, next(stream))
    return UPDATES / (time.perf_counter() - began)


def gpu(units: int, size: int, count: int) -> float:
    """Updates of a net a second, all nets together."""
    task, models, setting = made(units, size, 1)
    cohort = Cohort(models * count, setting)
    generator = torch.Generator("cuda").manual_seed(0)
    for _ in range(20):
        cohort.update(*draw(task, count, size, generator))
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(UPDATES):
        cohort.update(*draw(task, count, size, generator))
    torch.cuda.synchronize()
    return count * UPDATES / (time.perf_counter() - began)


def trials(units: int, size: int, count: int) -> dict[str, float]:
    """How many of `count` nets solve the task, and in how many seconds, each checked as it trains."""
    task, models, setting = made(units, size, count)
    cohort = Cohort(models, setting)
    generator = torch.Generator("cuda").manual_seed(0)
    solved = torch.zeros(count, dtype=torch.bool, device="cuda")
    torch.cuda.synchronize()
    began = time.perf_counter()
    while cohort.updates < GIVE_UP and not bool(solved.all()):
        for _ in range(CHECK_EVERY):
            cohort.update(*draw(task, count, size, generator))
        wrong = torch.zeros(count, device="cuda")
        for _ in range(CHECKED):
            inputs, classes = draw(task, count, size, generator)
            wrong += (cohort.answer(inputs).argmax(-1) != classes).sum(1)
        solved |= wrong < 0.01 * CHECKED * size
    seconds = time.perf_counter() - began
    return {"nets": count, "solved": int(solved.sum()), "seconds": seconds, "updates": cohort.updates}


def main(out: Path) -> None:
    """Measure, and write JSON."""
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = False
    found: dict[str, Any] = {"gpu": torch.cuda.get_device_name(), "torch": torch.__version__, "shapes": []}
    for units, size in SHAPES:
        apart = agree(units, size)
        assert apart < 1e-3, apart
        one = core(units, size)
        rates = {}
        for count in COUNTS:
            rates[count] = gpu(units, size, count)
        again = core(units, size)
        found["shapes"].append(
            {"shape": [LAG, size, units], "apart": apart, "core": [one, again], "gpu": rates}
        )
    found["cpu"] = provenance.machine()["cpu"]
    found["trials"] = trials(*SHAPES[0], COUNTS[-2])
    out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
