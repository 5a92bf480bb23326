"""Where tuning begins for a tanh net with momentum: what careful initialisation and clipping share.

Both remedies begin at orthogonal weights and travel with Nesterov's momentum. T is the lag. The formulas were
fitted to what short runs on adding and temporal order at lags of 20 to 200 solved with the fewest FLOPs:

direct     few units, batches of 50, inputs so weak that the net begins linear, momentum to .97 within T
           updates: the target is a class, and the way there is short
far        momentum from .9 to 1 - .2 / T within 50 T updates: the target is a number, whose last digits are
           far
free       biases and initial states trained, momentum .9 for 50 T updates, then 1 - .1 / T

A net whose targets are k times as wide learns weights of its readout k times as large, and the error's
curvature along the recurrent weights is k^2 times what it was: so much smaller are the rates. Adding at 80
with the sum as target, twice as wide as the mean: at the mean's rate 0 of 5 runs solve it, at half of it one
of batches of 100 does, at a quarter one of batches of 20.

`far` needs more units as the lag grows. Of ten seeds of adding at 80, five left the first plateau
with 72 units, nine with 100; at 50, twelve of twelve did with 35.
"""

from __future__ import annotations

from typing import Any

from longlag.bench.contract import Sizes


def momentum_recipes(sizes: Sizes) -> list[dict[str, Any]]:
    """Hyperparameters of TunedWeights, Nesterov, Units and BatchSize."""
    lag, slower = sizes.lag, sizes.width**-2
    common = {
        "recurrent_weights": "orthogonal",
        "spectral_radius": 1.0,
        "centred": True,
        "hold_biases": True,
        "batch_size": 20,
        "learning_rate": slower * within(lag**-1.5, 1e-5, 1e-2),
    }
    far = {
        "units": round(within(0.015 * lag**2, 12, 100)),
        "input_scale": within(2 / lag**0.5, 0.01, 0.3),
        "readout_scale": 0.1,
        "friction": within(0.2 / lag, 1e-3, 0.01),
        "early_updates": round(within(50 * lag, 1, 10_000)),
        "gradual": True,
    }
    direct = {
        "units": round(within(0.32 * lag, 32, 100)),
        "batch_size": 50,
        "input_scale": within(2 / lag, 1e-3, 0.1),
        "readout_scale": 0.2,
        "centred": False,
        "learning_rate": slower * within(0.04 / lag, 1e-5, 4e-4),
        "friction": 0.03,
        "early_updates": lag,
        "gradual": True,
    }
    free = {
        **far,
        "units": round(within(lag, 12, 100)),
        "hold_biases": False,
        "friction": within(0.1 / lag, 1e-3, 0.01),
        "gradual": False,
    }
    return [{**common, **direct}, {**common, **far}, {**common, **free}]


def within(value: float, least: float, most: float) -> float:
    """The number nearest to `value` between the two."""
    return min(max(value, least), most)
