"""The most that training K models at once could give: what of their updates no batching of them can share.

Each model has weights and sequences of its own, of lengths that are drawn, so that K of them take K times the
recurrence kernels and K times the drawing of batches. With all the rest taken as nothing, those are left: an
update over them is more than any K can give.

An update is a trial's: it draws, several batches in a row, and trains. The other side draws the same and runs
the same kernels. It finds them in warmer caches, which makes the most larger, never smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from longlag import Batch
from longlag.bench.contract.module import RecipeModule
from longlag.bench.contract.seeds import generator
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.meter import Stream
from longlag.methods.parts.backend import arrays
from longlag.methods.parts.lstm import lstm_numba
from longlag.methods.parts.tanh import tanh_numba

REGISTRY = discover()
TANH = {"recurrent_weights": "orthogonal", "spectral_radius": 1.0, "input_scale": 0.1, "readout_scale": 0.1,
        "centred": False, "hold_biases": False, "learning_rate": 1e-3, "friction": 0.1, "early_updates": 1000,
        "gradual": False}  # fmt: skip
LSTM = {"keep_gate": "chrono", "time_scale": 100.0, "init_scale": 1.0, "optimiser": "adam", "adam_rate": 0.01,
        "halving": 3000.0}  # fmt: skip
NAMES = {"careful_init": "tanh nets", "lstm": "LSTMs"}
# The method and its setting, (T, B, H), and how many times faster K models at once were asked to be.
SHAPES = [
    ("careful_init", TANH, (50, 20, 20), 3.0),
    ("careful_init", TANH, (100, 20, 50), 1.6),
    ("lstm", LSTM, (100, 20, 8), 2.0),
    ("lstm", LSTM, (100, 20, 16), 2.0),
]
UPDATES, ROUNDS = 320, 15


def net(
    method: str, setting: dict[str, Any], shape: tuple[int, int, int]
) -> tuple[RecipeModule, Iterator[Batch]]:
    """A net on temporal order, whose lengths are drawn, and its batches."""
    length, size, units = shape
    task, plugin = REGISTRY.task("temporal_order", "hs97", length), REGISTRY.method(method)
    plugin.warm_up()
    torch.manual_seed(0)
    model = plugin.build(task, **setting, units=units, batch_size=size)
    return model, iter(Stream(task, size, generator(0, "train")))


def updates(model: RecipeModule, stream: Iterator[Batch], count: int) -> Callable[[], None]:
    optimizer = model.configure_optimizers()

    @torch.no_grad()
    def run() -> None:
        for _ in range(count):
            model.update(optimizer, next(stream))

    return run


def kernels(model: RecipeModule, stream: Iterator[Batch], count: int) -> Callable[[], None]:
    """The drawing and the recurrence of as many updates, with some error at the last step."""
    cell = model.network.recurrent
    weights = arrays(*(weight.detach() for weight in cell.parameters()))
    units = cell.units
    error = np.ones((1, model.batch_size, units), np.float32)
    found, nothing = [np.empty_like(weight) for weight in weights], np.empty((0, 0, 0), np.float32)
    silence = np.empty((0, 0, 0, 0), np.float32)
    back = lstm_numba.backward if len(weights) == 5 else tanh_numba.gradients

    def filled(length: int) -> list[np.ndarray[Any, Any]]:
        one, more = (length, model.batch_size, units), (length + 1, model.batch_size, units)
        shapes = [more, more, one, (4, *one)] if len(weights) == 5 else [more]
        return [np.empty(shape, np.float32) for shape in shapes]

    def run() -> None:
        for _ in range(count):
            (inputs,) = arrays(next(stream).inputs)
            passed = filled(len(inputs))
            (lstm_numba if len(weights) == 5 else tanh_numba).forward(inputs, *weights, silence, *passed)
            rest = [nothing] if len(weights) == 5 else [nothing] * 3
            back(inputs, *weights[:2], *passed, np.array([len(inputs) - 1]), error, *found, *rest)

    return run


@pytest.mark.parametrize(("method", "setting", "shape", "asked"), SHAPES, ids=str)
def test_what_no_batching_of_models_can_share(
    method: str,
    setting: dict[str, Any],
    shape: tuple[int, int, int],
    asked: float,
    pairs: Callable[..., Any],
    holds: Callable[..., None],
    timed: bool,
) -> None:
    count = UPDATES if timed else 2
    whole, alone = (work(*net(method, setting, shape), count) for work in (updates, kernels))
    whole()
    alone()
    ratios = [pair.theirs / pair.ours for pair in pairs(alone, whole, ROUNDS)]
    holds(f"K {NAMES[method]} at once {shape}: the most that any K gives", "kernels and drawing", ratios,
          gates=False, asked=asked, shape=shape)  # fmt: skip
