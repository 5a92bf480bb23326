"""What every test shares: one thread, no log of studies, hypothesis without a clock, and an order."""

from __future__ import annotations

import os

import optuna
import pytest
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file is of one worker, or a group where one is named; those with slow tests are begun first.

    Side by side with the others, none of them is left alone at the end.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.as_posix()))
