"""What a model draws while it learns, of which a checkpoint holds where it is."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Draws(nn.Module):
    """A generator of a model's own, seeded from torch's global one, as weights are."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))

    def get_extra_state(self) -> Tensor:
        """Where the generator is."""
        return self.generator.get_state()

    def set_extra_state(self, state: Tensor) -> None:
        """The generator goes on from there."""
        self.generator.set_state(state)
