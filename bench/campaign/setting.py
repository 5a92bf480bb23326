"""A profile's own setting: whether its methods can be made of it, asked before anything is run."""

from __future__ import annotations

import warnings
from typing import Any

import torch

from longlag.bench.contract.errors import BadInput, nearest
from longlag.bench.contract.method import Method
from longlag.bench.contract.task import Task
from longlag.bench.plugins import handed, tuning
from longlag.bench.plugins.guard import patience, where


def fits(setting: dict[str, Any], method: Method, task: Task) -> None:
    """Raises BadInput where `setting` is not all that a method asks for and no more, or does not build."""
    said = f"setting: {method.name}"
    trial = tuning.study([setting], name="setting").ask()
    try:
        with warnings.catch_warnings(), patience(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            asked = handed.suggested(method, trial, task, setting)
            given = handed.hyperparameters(asked, f"the suggestion of {method.name}")
            unknown = [name for name in setting if name not in trial.distributions]
            missing = [name for name in trial.distributions if name not in setting]
            if not unknown and not missing:
                method.build(task, **given)
    except Exception as error:
        raise BadInput(f"{said}: {where(error)}") from None
    if unknown:
        known = list(trial.distributions)
        raise BadInput(f"{said} asks for no {unknown[0]!r}: {nearest(unknown[0], missing or known)}")
    if missing:
        raise BadInput(f"{said} asks for {', '.join(missing)} too")
