"""How a trial is trained: by Lightning, with watchers that see every update and may end it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from itertools import count
from typing import Any, Protocol

import pytorch_lightning as pl
import torch
from torch.utils.data import IterableDataset

from longlag.bench.contract.module import RecipeModule
from longlag.bench.contract.task import Batch
from longlag.bench.trial.checks import SuccessCheck
from longlag.bench.trial.failure import FailureDetector
from longlag.bench.trial.meter import BudgetMeter
from longlag.bench.trial.probing import Prober

ROUND = 64
"""Updates of a recipe's network that are one training step of Lightning's, which costs as much as one of a
small net."""


class Watcher(Protocol):
    """Sees a trial from its start to its end."""

    def begin(self, model: pl.LightningModule) -> None:
        """Called before the first update."""
        ...

    def updated(self, model: pl.LightningModule, loss: Any, batch: Batch, ending: bool) -> bool:
        """Called after every update; whether it ends the trial. `ending`: whether an earlier watcher does."""
        ...


ORDER: tuple[type[Watcher], ...] = (FailureDetector, BudgetMeter, SuccessCheck, Prober)
"""A step that exploded is told by its number, before it is counted; a check sees what was spent, and whether
any of the others ends the trial, after which there is no later check."""


def fit(model: pl.LightningModule, batches: Iterable[Batch], watchers: Collection[Watcher]) -> None:
    """Train until a watcher ends it, or there are no more batches.

    Watchers are called in ORDER, however they are given.
    """
    callback = _Watching(sorted(watchers, key=lambda watcher: ORDER.index(type(watcher))))
    if isinstance(model, RecipeModule):
        rounds = _Rounds(model, batches, callback)
        try:
            _rounds_trainer().fit(rounds, train_dataloaders=_Endless())
        finally:
            rounds.let_go()
    else:
        _trainer([callback], max_epochs=1).fit(model, train_dataloaders=batches)


class _Watching(pl.Callback):
    """The watchers, as a callback of Lightning's."""

    def __init__(self, watchers: list[Watcher]) -> None:
        self.watchers = watchers

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for watcher in self.watchers:
            watcher.begin(pl_module)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if self.updated(pl_module, loss, batch):
            trainer.should_stop = True

    def updated(self, model: pl.LightningModule, loss: Any, batch: Batch) -> bool:
        """Tell them of an update; whether any ends the trial."""
        ending = False
        for watcher in self.watchers:
            ending = watcher.updated(model, loss, batch, ending) or ending
        return ending


class _Rounds(pl.LightningModule):
    """A recipe's network as Lightning trains it: ROUND updates are one training step."""

    def __init__(self, model: RecipeModule, batches: Iterable[Batch], watching: _Watching) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model = model
        self.batches = iter(batches)
        self.watching = watching

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.model.configure_optimizers()

    def on_train_start(self) -> None:
        self.watching.on_train_start(self.trainer, self.model)

    # What a network is trained by needs no autograd, or turns it on; once a round, which takes a while.
    @torch.no_grad()
    def training_step(self, _: int, index: int) -> None:
        optimizer: Any = self.optimizers(use_pl_optimizer=False)
        for _ in range(ROUND):
            batch = next(self.batches, None)
            if batch is None or self.watching.updated(self.model, self.model.update(optimizer, batch), batch):
                self.trainer.should_stop = True
                return

    def let_go(self) -> None:
        """Hold nothing of the trial any more: the trainer keeps the last module it was given."""
        del self.model, self.batches, self.watching


class _Endless(IterableDataset[int]):
    """The numbers of training steps without end; Lightning passes over a step that is given nothing."""

    def __iter__(self) -> Iterator[int]:
        return count()


@cache
def _rounds_trainer() -> pl.Trainer:
    """The trainer of all recipes' networks in this process: to make one, Lightning looks for its extensions.

    Each is trained in an epoch of its own, which it ends itself.
    """
    return _trainer([], max_epochs=-1)


def _trainer(callbacks: list[pl.Callback], max_epochs: int) -> pl.Trainer:
    """A trainer that keeps and shows nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        return pl.Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=max_epochs,
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
