"""What every test shares: one thread, no log of studies, and hypothesis without a clock or a database."""

from __future__ import annotations

import os

import optuna
import torch
from hypothesis import HealthCheck, settings

# Set where tests run side by side, and then kept by a console that is made meanwhile, whatever a test sets.
os.environ.pop("COLUMNS", None)
torch.set_num_threads(1)
optuna.logging.set_verbosity(optuna.logging.ERROR)
settings.register_profile(
    "longlag", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("longlag")
