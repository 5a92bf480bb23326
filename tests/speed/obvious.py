"""The obvious script: one case tuned with Lightning, torch's recurrent layers and Optuna, as one writes it.

    python tests/speed/obvious.py SETTINGS.json

It imports nothing of LongLag. SETTINGS.json says which net and which lag, how many updates a trial may make,
how many sequences are tested, and the hyperparameters of every trial, which are enqueued so that two
programs train the same nets; the objective suggests each of them as a study would. What it prints last is
the best error.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import optuna
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset


def adding(length: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Values and markers [B, T, 2]; targets [B, 1], the mean of the two values that are marked."""
    values, markers = torch.rand(size, length), torch.zeros(size, length)
    rows = torch.arange(size)
    first = torch.randint(0, length // 10, (size,))
    second = torch.randint(length // 10, length // 2, (size,))
    markers[rows, first] = 1
    markers[rows, second] = 1
    targets = (values[rows, first] + values[rows, second]) / 2
    return torch.stack([values, markers], 2), targets[:, None]


class Adding(IterableDataset[tuple[torch.Tensor, torch.Tensor]]):
    """Fresh batches without end, of lengths from T to 1.1 T."""

    def __init__(self, lag: int, batch_size: int) -> None:
        self.lag, self.batch_size = lag, batch_size

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            length = int(torch.randint(self.lag, int(1.1 * self.lag) + 1, ()))
            yield adding(length, self.batch_size)


class Net(pl.LightningModule):
    """A recurrent layer and a linear readout at the last step."""

    def __init__(self, kind: str, units: int, make: Callable[[Any], torch.optim.Optimizer]) -> None:
        super().__init__()
        layer = {"rnn": nn.RNN, "lstm": nn.LSTM}[kind]
        self.recurrent = layer(2, units, batch_first=True)
        self.readout = nn.Linear(units, 1)
        self.make = make

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        states, _ = self.recurrent(inputs)
        return self.readout(states[:, -1])

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        inputs, targets = batch
        loss = nn.functional.mse_loss(self(inputs), targets)
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.make(self.parameters())


def main(settings: dict[str, Any]) -> float:
    """The error of the best trial, on fresh sequences."""
    lag = settings["lag"]

    def objective(trial: optuna.Trial) -> float:
        units = trial.suggest_int("units", 4, 128, log=True)
        rate = trial.suggest_float("rate", 1e-4, 0.5, log=True)
        momentum = trial.suggest_categorical("momentum", [0.0, 0.9])
        adam = trial.suggest_categorical("adam", [False, True])
        size = trial.suggest_categorical("batch_size", [10, 20, 50, 100])
        pl.seed_everything(trial.number)
        make = (
            partial(torch.optim.Adam, lr=rate)
            if adam
            else partial(torch.optim.SGD, lr=rate, momentum=momentum)
        )
        net = Net(settings["net"], units, make)
        pl.Trainer(max_steps=settings["updates"][trial.number]).fit(net, DataLoader(Adding(lag, size), None))
        with torch.no_grad():
            inputs, targets = adding(lag, settings["tested"])
            return float(((net(inputs) - targets).abs() > 0.04).float().mean())

    study = optuna.create_study()
    for setting in settings["trials"]:
        study.enqueue_trial(setting)
    study.optimize(objective, n_trials=len(settings["trials"]))
    return study.best_value


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.stdout.write(f"{main(json.loads(Path(sys.argv[1]).read_text()))}\n")
