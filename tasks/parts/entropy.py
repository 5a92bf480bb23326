"""The loss of knowing how often, and no more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def binary_entropy(share: NDArray[np.float64]) -> float:
    """The mean entropy, in nats, of events that happen with the probabilities `share`."""
    # SciPy takes a while to import, and `longlag list` sets up no task.
    from scipy.special import entr

    return float((entr(share) + entr(1 - share)).mean())
