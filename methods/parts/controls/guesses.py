"""Many small nets of random weights at once: G of them, each answering the same B sequences."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

SATURATED = 5.0
"""The largest logit: two classes can be told with probability .99995, a hundred with .9955."""


@dataclass(frozen=True)
class Guesses:
    """Fully recurrent nets h_t = tanh(U u_t + W h_(t-1) + b), h_(-1) = 0, with an output unit a class.

    recurrent W [G, H, H], inputs U [G, D, H], bias b [G, H], readout [G, H, K], offset [G, K].
    """

    recurrent: Tensor
    inputs: Tensor
    bias: Tensor
    readout: Tensor
    offset: Tensor

    @classmethod
    def drawn(
        cls, count: int, sizes: tuple[int, int, int], scale: float, logits: bool, generator: torch.Generator
    ) -> Guesses:
        """`count` nets of (inputs, units, outputs), every weight from U[-scale, scale].

        Where outputs are no logits, those that make them from the states are from U[-1, 1].
        """
        entering, units, leaving = sizes

        def draw(bound: float, *shape: int) -> Tensor:
            return (2 * torch.rand(count, *shape, generator=generator) - 1) * bound

        out = scale if logits else 1.0
        return cls(
            draw(scale, units, units),
            draw(scale, entering, units),
            draw(scale, units),
            draw(out, units, leaving),
            draw(out, leaving),
        )

    def chosen(self, which: Tensor) -> Guesses:
        """Those at the indices `which`."""
        return Guesses(*(getattr(self, part.name)[which] for part in fields(self)))

    def answers(self, inputs: Tensor, mask: Tensor, logits: bool) -> Tensor:
        """Outputs [S, G, B, K] from inputs [T, B, D]; logits are those of a saturating output unit."""
        length, size, _ = inputs.shape
        count, units, _ = self.recurrent.shape
        drive = torch.baddbmm(self.bias[:, None], inputs.flatten(0, 1).expand(count, -1, -1), self.inputs)
        drive = drive.view(count, length, size, units)
        state = drive.new_zeros(count, size, units)
        supervised = []
        for step, asked in enumerate(mask.tolist()):
            state = torch.baddbmm(drive[:, step], state, self.recurrent).tanh_()
            if asked:
                supervised.append(state)
        states = torch.stack(supervised)
        outputs = states @ self.readout + self.offset[:, None]
        return SATURATED * outputs.tanh_() if logits else outputs
