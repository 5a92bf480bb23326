"""Probes while a trial trains: what happens inside a net between its first update and its last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch

from longlag.bench.contract.network import Recurrent
from longlag.bench.contract.task import Batch
from longlag.bench.trial.meter import BudgetMeter, weights

SHARE = 0.015
"""Of a trial's FLOPs, what probes while it trains may cost."""
FIRST, GROWS = 100, 10
"""After how many updates the first is due, and by which factor later ones are."""
PROBED = 20
"""Sequences a probe averages over."""
_EIGENVALUES = 25.0
"""FLOPs of the eigenvalues of an [H, H] matrix, in H^3 (Golub & Van Loan, chapter 7)."""


class Prober:
    """Probes after 100, 1,000, 10,000 ... updates, or as soon after as their share of the FLOPs allows."""

    def __init__(self, meter: BudgetMeter, probe: Callable[[], Any]) -> None:
        self.meter = meter
        self.probe = probe
        self._due = FIRST
        self._spent = 0.0
        self._cost: float | None = None

    def begin(self, model: pl.LightningModule) -> None:
        """Nothing: the trial is probed before it."""

    def updated(self, model: pl.LightningModule, loss: Any, batch: Batch, ending: bool) -> bool:
        """Probes when it is due; never ends the trial, and leaves the last probe to its end."""
        if ending or self.meter.updates < self._due:
            return False
        if self._cost is None:
            self._cost = _cost(model, batch.length)
        if self._spent + self._cost > SHARE * self.meter.flops:
            return False
        self._spent += self._cost
        while self._due <= self.meter.updates:
            self._due *= GROWS
        # A plugin may draw from torch's own generator, which is to go on where it was.
        with torch.random.fork_rng(devices=[]):
            self.probe()
        return False


def _cost(model: pl.LightningModule, length: int) -> float:
    """FLOPs of a probe: forward, forward again for the states, back to the inputs, and eigenvalues."""
    blocks = [b for m in model.modules() if isinstance(m, Recurrent) for b in m.recurrent_blocks()]
    return 8.0 * weights(model) * length * PROBED + sum(_EIGENVALUES * len(b) ** 3 for b in blocks)
