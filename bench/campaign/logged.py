"""Finished trials sent to one of Lightning's loggers: a run a trial, its curve against its updates."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from longlag.bench.contract.errors import BadInput
from longlag.bench.plugins.guard import reason

LOGGERS = {
    "csv": "pytorch_lightning.loggers:CSVLogger",
    "tensorboard": "pytorch_lightning.loggers:TensorBoardLogger",
}
"""Those that have a name here; any other is MODULE:CLASS, called with save_dir, name and version."""
FOLDER = "logs"
"""Where they write, in the campaign's folder."""


class Logged:
    """What `--logger` does with each trial that ends; raises BadInput where there is no such logger."""

    def __init__(self, named: str, folder: Path, say: Callable[[str], None]) -> None:
        self.named, self.folder, self.say = named, folder / FOLDER, say
        self._make = _found(named)
        self._broken = False

    def __call__(self, row: Mapping[str, Any], curve: Sequence[Mapping[str, float]]) -> None:
        """Log a trial. A logger that fails is told once and left out: the trial itself is safe."""
        if self._broken:
            return
        try:
            self._log(row, curve)
        except Exception as error:
            self._broken = True
            self.say(f"--logger {self.named}: {reason(error)}; the trials that follow are not logged")

    def _log(self, row: Mapping[str, Any], curve: Sequence[Mapping[str, float]]) -> None:
        case = f"{row['method']}-{row['task']}-{row['variant']}-{row['lag']}"
        logger = self._make(
            save_dir=str(self.folder), name=case, version=f"{row['phase']}-{row['trial']}-{row['run_id']}"
        )
        logger.log_hyperparams(json.loads(row["hyperparameters"]))
        for point in curve:
            known = {name: float(value) for name, value in point.items() if math.isfinite(value)}
            logger.log_metrics(known, step=int(point["updates"]))
        logger.finalize("success" if row["solved"] else "failed")


def _found(named: str) -> Callable[..., Any]:
    """The logger's class; raises BadInput."""
    module, _, name = LOGGERS.get(named, named).partition(":")
    if not name:
        raise BadInput(f"--logger {named}: {', '.join(LOGGERS)}, or MODULE:CLASS of another")
    try:
        found = getattr(importlib.import_module(module), name)
        if named == "tensorboard":
            # Lightning asks for it only when the first is made.
            importlib.import_module("torch.utils.tensorboard")
    except (ImportError, AttributeError, ValueError) as error:
        raise BadInput(f"--logger {named}: {error}") from None
    made: Callable[..., Any] = found
    return made
