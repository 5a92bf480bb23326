"""Lightning's trainer as every trial uses it, and the order in which its callbacks see a training step."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Collection

import pytorch_lightning as pl

from longlag.bench.trial.checks import SuccessCheck
from longlag.bench.trial.failure import FailureDetector
from longlag.bench.trial.meter import BudgetMeter

Watcher = FailureDetector | BudgetMeter | SuccessCheck

ORDER: tuple[type[Watcher], ...] = (FailureDetector, BudgetMeter, SuccessCheck)
"""A step that exploded is told by its number, before it is counted; a check sees what was spent, and whether
any of the others ends the trial, after which there is no later check."""


def trainer(watchers: Collection[Watcher]) -> pl.Trainer:
    """A trainer of one epoch without end; `watchers` are called in ORDER, however they are given."""
    callbacks: list[pl.Callback] = sorted(watchers, key=lambda watcher: ORDER.index(type(watcher)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        return pl.Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=1,
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
