"""Two tasks for echo state networks, and what a net has learned of them."""

from __future__ import annotations

import pytorch_lightning as pl
import torch

from longlag import Batch, SigmoidCrossEntropy, SoftmaxCrossEntropy, SquaredError, Task
from longlag.methods.echo_state import EchoState

LEAKY = {
    "leak": "spread",
    "leak_scale": 0.17,
    "radius": 0.07,
    "input_scale": 0.44,
    "bias": 0.3,
    "ridge": 1e-13,
}
DELAY = {"topology": "ring", "radius": 1.0, "input_scale": 1e-3, "ridge": 1e-13}


class Adding(Task):
    """Values U[-1, 1], two of them marked 1 in the first half, the first and last of all marked -1.

    Target: the mean of the two marked 1, at the end.
    """

    name = "adding"
    source = ""

    def __init__(self, lag: int, loss: object = None) -> None:
        super().__init__(lag)
        self.input_size, self.output_size = 2, 1
        self.loss = loss or SquaredError()

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        values = 2 * torch.rand(self.lag, batch_size, generator=generator) - 1
        markers = torch.zeros_like(values)
        keys = 1 + torch.rand(self.lag // 2, batch_size, generator=generator).argsort(0)[:2]
        markers.scatter_(0, keys, 1.0)
        markers[[0, -1]] = -1.0
        mask = torch.arange(self.lag) == self.lag - 1
        targets = (values * (markers == 1)).sum(0).div(2)[None, :, None]
        return Batch(torch.stack([values, markers], -1), targets, mask)

    def wrong(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return ~((outputs - batch.targets).abs() <= 0.04).all(0).all(-1)


class Memory(Task):
    """Five bits, blanks, a trigger; the bits again: one class of three at every step."""

    name = "memory"
    source = ""

    def __init__(self, lag: int, loss: object = None) -> None:
        super().__init__(lag)
        self.input_size, self.output_size = 4, 3
        self.loss = loss or SoftmaxCrossEntropy()

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        bits = torch.randint(0, 2, (5, batch_size), generator=generator)
        symbols = torch.full((self.lag + 10, batch_size), 2)
        symbols[:5] = bits
        symbols[self.lag + 4] = 3
        targets = torch.full((self.lag + 10, batch_size), 2)
        targets[-5:] = bits
        mask = torch.ones(self.lag + 10, dtype=torch.bool)
        inputs = torch.nn.functional.one_hot(symbols, 4).float()
        if isinstance(self.loss, SigmoidCrossEntropy):
            return Batch(inputs, torch.nn.functional.one_hot(targets, 3).float(), mask)
        return Batch(inputs, targets, mask)

    def wrong(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return (outputs.argmax(-1) != batch.targets).any(0)


def trained(task: Task, batches: int, seed: int = 0, **hyperparameters: object) -> tuple:
    torch.manual_seed(seed)
    model = EchoState().build(task, **hyperparameters)
    generator = torch.Generator().manual_seed(seed + 1)
    seen = [task.sample(model.batch_size, generator) for _ in range(batches)]
    losses = [float(model.training_step(batch, i)) for i, batch in enumerate(seen)]
    return model, seen, losses


def wrong_of_2000(task: Task, model: pl.LightningModule) -> int:
    batch = task.sample(2000, torch.Generator().manual_seed(77))
    with torch.no_grad():
        return int(task.wrong(model(batch.inputs, batch.mask), batch).sum())
