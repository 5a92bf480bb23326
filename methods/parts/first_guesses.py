"""Where tuning begins for a tanh net with momentum: what careful initialisation and clipping share.

Both remedies begin at orthogonal weights and travel with Nesterov's momentum, so that clipping alone is what
sets them apart. T is the lag. The formulas were fitted to what short runs on adding and temporal order at
lags of 20 to 200 solved with the fewest FLOPs:

direct     inputs and readout so weak that the net begins linear, momentum .99 throughout: the target is a
           class, and the way there is short
far        momentum from .9 to 1 - .2 / T within 50 T updates: the target is a number, whose last digits are
           far
free       biases and initial states trained, momentum .9 for 50 T updates, then 1 - .1 / T

The number of units grows with the lag. Of four seeds of adding at 100, all left the first plateau within
1,800 updates with 100 units, and with 64 at most two within 4,000, whatever the rate, scales or batch size.
"""

from __future__ import annotations

from typing import Any

from bench import Sizes


def momentum_recipes(sizes: Sizes) -> list[dict[str, Any]]:
    """Hyperparameters of TunedWeights, Nesterov, Units and BatchSize."""
    lag = sizes.lag
    common = {
        "recurrent_weights": "orthogonal",
        "spectral_radius": 1.0,
        "centred": True,
        "hold_biases": True,
        "batch_size": 20,
        "learning_rate": within(lag**-1.5, 1e-5, 1e-2),
    }
    far = {
        "units": round(within(0.1 * lag**1.5, 12, 100)),
        "input_scale": within(2 / lag**0.5, 0.01, 0.3),
        "readout_scale": 0.1,
        "friction": within(0.2 / lag, 1e-3, 0.01),
        "early_updates": round(within(50 * lag, 1, 10_000)),
        "gradual": True,
    }
    direct = {
        "units": round(within(0.8 * lag, 16, 100)),
        "input_scale": within(6 / lag, 1e-3, 0.3),
        "readout_scale": within(6 / lag, 1e-3, 0.1),
        "learning_rate": within(0.42 * lag**-1.5, 1e-5, 1e-2),
        "friction": 0.01,
        "early_updates": 1,
        "gradual": False,
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
