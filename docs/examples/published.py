"""Two recipes as they were published, nothing tuned: what `s13.toml` and `p13.toml` beside it run.

What the papers leave open is chosen here: the biases of the recurrent layer are held (S13 gives their first
value, zero, alone), and the rate is 3e-4 (S13 gives four; it lies between the two highest).
"""

from __future__ import annotations

from typing import Any

from longlag import Sizes
from longlag.methods.careful_init import CarefulInit
from longlag.methods.gradient_clipping import GradientClipping


class SparseStart(CarefulInit):
    """Sparse weights of radius 1.1 and Nesterov's momentum of .995 (Sutskever et al. 2013, table 5)."""

    name = "careful_init_s13"

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """The one for adding and multiplication."""
        return [
            {
                "units": 100,
                "batch_size": 100,
                "recurrent_weights": "sparse",
                "spectral_radius": 1.1,
                "input_scale": 1e-3,
                "readout_scale": 0.1,
                "centred": True,
                "hold_biases": True,
                "learning_rate": 3e-4,
                "friction": 0.005,
                "early_updates": 1000,
                "gradual": False,
            }
        ]


class ClippingWithOmega(GradientClipping):
    """Clipping at 1 with Omega of weight 2, plain descent (Pascanu et al. 2013)."""

    name = "gradient_clipping_p13"

    def recipes(self, sizes: Sizes) -> list[dict[str, Any]]:
        """The one for temporal order."""
        return [
            {
                "units": 50,
                "batch_size": 20,
                "learning_rate": 0.01,
                "friction": 1.0,
                "early_updates": 1,
                "gradual": False,
                "clip_by": "norm",
                "threshold": 1.0,
                "with_omega": True,
                "omega_form": "code",
                "omega": 2.0,
                "recurrent_weights": "sparse",
                "spectral_radius": 0.95,
                "input_scale": 0.1,
                "readout_scale": 0.1,
                "centred": False,
                "hold_biases": False,
            }
        ]
