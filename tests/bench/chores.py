"""A plugin file for tests: a task with nothing to learn, a method that does nothing, one that does worse."""

import ctypes
import mmap
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import nn

from longlag import BadInput, Batch, Method, SequenceModel, SquaredError, Task


class Chore(Task):
    """Say three times the number; two steps."""

    name = "chore"
    source = "none"
    input_size = output_size = minimal_lag = 1
    chance = chance_loss = 1.0
    loss = SquaredError()

    def sample(self, batch_size, generator):
        inputs = torch.rand(2, batch_size, 1, generator=generator)
        return Batch(inputs, 3 * inputs[1:], torch.tensor([False, True]))

    def wrong(self, outputs, batch):
        return (outputs - batch.targets).abs().amax((0, 2)) > 0.04


class Fetched(Chore):
    """The same, but that it needs a file of the user's."""

    name = "fetched"

    def __init__(self, lag, variant=None):
        super().__init__(lag, variant)
        folder = os.environ.get("LONGLAG_DATA")
        if folder is None:
            raise BadInput("task 'fetched' needs --data DIR")
        Path(folder, "numbers").read_text()


class Idle(SequenceModel):
    batch_size = 2

    def __init__(self, task, rate):
        super().__init__(task)
        self.layer = nn.Linear(1, 1)
        self.rate = rate

    def forward(self, inputs, mask):
        return self.layer(inputs[mask])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), self.rate)


class Nothing(Method):
    """Trains one weight."""

    name = "nothing"

    def suggest(self, trial, task):
        return {"rate": trial.suggest_float("rate", 0.01, 0.5)}

    def build(self, task, rate):
        return Idle(task, rate)


class Climber(Nothing):
    """Knows the answer, where the lag is shorter than 8."""

    name = "climber"

    def recipes(self, sizes):
        return [{"rate": 0.02 * sizes.lag}, {"rate": 0.3}]

    def build(self, task, rate):
        model = Idle(task, rate)
        if task.lag < 8:
            nn.init.constant_(model.layer.weight, 3.0)
            nn.init.zeros_(model.layer.bias)
        return model


class Hog(Method):
    """Says what it is about to do, and waits until it is told to go on."""

    name = "waits"

    def suggest(self, trial, task):
        return {"rate": trial.suggest_float("rate", 0.01, 0.5)}

    def build(self, task, rate):
        folder = os.environ.get("LONGLAG_TEST_FOLDER")
        if folder:
            Path(folder, f"{os.getpid()}.busy").touch()
            time.sleep(0.3)
        return Idle(task, rate)


class Sleeper(Nothing):
    """Takes two seconds of nobody's processor."""

    name = "sleeper"

    def build(self, task, rate):
        time.sleep(2.0)
        return Idle(task, rate)


def _allocate(make):
    kept = []
    while True:
        kept.append(make())


def _share():
    shared = mmap.mmap(-1, 2**30)
    for start in range(0, 2**30, 2**20):
        shared[start : start + 2**20] = b"x" * 2**20
    time.sleep(60)


def _stubborn():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(60)


def _orphan():
    if os.fork() == 0:
        time.sleep(60)
    os._exit(3)


def _raise(error):
    raise error


MISDEEDS = {
    "raise": lambda: _raise(ValueError("no\nway")),
    "leave": lambda: sys.exit(4),
    "interrupt": lambda: _raise(KeyboardInterrupt()),
    "exit0": lambda: os._exit(0),
    "exit1": lambda: os._exit(1),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "abort": os.abort,
    "close_all": lambda: (os.closerange(3, 256), time.sleep(60)),
    "orphan": _orphan,
    "loop": lambda: _spin(),
    "sleep": lambda: time.sleep(60),
    "stubborn": _stubborn,
    "hold_the_lock": lambda: ctypes.PyDLL(None).sleep(60),
    "memory_python": lambda: _allocate(lambda: bytearray(2**20)),
    "memory_small": lambda: _allocate(lambda: [0.5] * 10_000),
    "memory_numpy": lambda: _allocate(lambda: np.ones(2**20)),
    "memory_torch": lambda: _allocate(lambda: torch.ones(2**20)),
    "memory_shared": _share,
    "kill_parent": lambda: (os.kill(os.getppid(), signal.SIGKILL), time.sleep(60)),
}


def _spin():
    while True:
        pass


class Broken(Idle):
    def __init__(self, task, how):
        super().__init__(task, 0.1)
        self.how = how

    def forward(self, inputs, mask):
        outputs = super().forward(inputs, mask)
        if self.how == "nan_outputs":
            return outputs * float("nan")
        if self.how == "shape":
            return outputs[:, :1].repeat(3, 1, 2)
        return outputs

    def training_step(self, batch, index):
        if self.how in MISDEEDS:
            MISDEEDS[self.how]()
        loss = super().training_step(batch, index)
        return loss * float("nan") if self.how == "nan_loss" else loss


class Misbehave(Method):
    """Each trial does another thing that it should not."""

    name = "misbehave"
    hows = ("fine", "raise", "nan_loss", "exit1", "kill", "loop", "memory_numpy", "stubborn")

    def suggest(self, trial, task):
        return {"how": self.hows[trial.number % len(self.hows)]}

    def build(self, task, how):
        return Broken(task, how)


class Useless(Nothing):
    """Not one trial of it runs."""

    name = "useless"

    def build(self, task, rate):
        raise RuntimeError("no net today")


class BadSuggestions(Nothing):
    """Suggests what it should not, in every other trial."""

    name = "bad_suggestions"

    def recipes(self, sizes):
        raise RuntimeError("no first guess")

    def suggest(self, trial, task):
        bad = {
            1: {"rate": float("inf")},
            2: {"rate": np.tanh},
            3: [1],
        }
        if trial.number == 4:
            raise RuntimeError("nothing comes to mind")
        return bad.get(trial.number, {"rate": 0.1})


class SlowSuggestions(Nothing):
    """Thinks for ever about its second trial."""

    name = "slow_suggestions"

    def suggest(self, trial, task):
        while trial.number == 1:
            with suppress(Exception):
                time.sleep(60)
        return {"rate": 0.1}


class Unwilling(Nothing):
    """Cannot even say whether it supports the task."""

    name = "unwilling"

    def supports(self, task):
        raise RuntimeError("do not ask")
