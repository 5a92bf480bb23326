"""Memory cells whose write gates are exponential: what was written may be outweighed at any time.

In an LSTM a write adds at most 1 to what a cell holds. Beck et al. 2024 let the write gate be an exponential,
so that a step which matters outweighs all before it, and divide what is held by the sum of the weights:

    c_t = f_t c_(t-1) + i_t z_t,    n_t = f_t n_(t-1) + i_t,    h_t = o_t c_t / n_t

The state is a weighted mean of what was ever written, and so is bounded whatever the lag. The one
change to the recipe is the cell. How its keep gates begin, and what it is trained with, is as for gated
units.
"""

from __future__ import annotations

from longlag.methods.gru import GatedRecurrentUnits
from longlag.methods.parts.slstm.cell import SLSTMCell


class ScalarLSTM(GatedRecurrentUnits):
    """Memory cells with exponential write gates that answer with a weighted mean (sLSTM of the xLSTM)."""

    name = "slstm"
    source = "Beck et al. 2024, NeurIPS (arXiv 2405.04517)"
    layer = SLSTMCell
