"""A feed-forward net with attention as a LightningModule: every step by itself, then one mean over all steps.

With steps t = 1..T, inputs u_t and LReLU the leaky rectifier (Raffel & Ellis 2015, equations 5 to 8):

    h_t = LReLU(W u_t + b),    e_t = tanh(w h_t + c)  or  w h_t + c,    a_t = e^(e_t) / sum over s of e^(e_s),
    m = sum over t of a_t h_t,    y = V LReLU(U m + d) + g

The paper's score e_t is the tanh, which weighs one step against another by e^2 at most; without it the
weights may come together on few steps of however many.

Shapes: T steps, B sequences, D inputs, H units, K outputs.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from longlag.bench.contract import Batch, SequenceModel, Task

Score = Literal["tanh", "linear"]


class Attention(SequenceModel):
    """A net that answers once, at the last step, from the steps up to there in whatever order."""

    def __init__(
        self, task: Task, *, units: int, score: Score, learning_rate: float, halving: float, batch_size: int
    ) -> None:
        super().__init__(task)
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.halving = halving
        self.bounded = score == "tanh"
        self.each = nn.Linear(task.input_size, units)
        self.score = nn.Linear(units, 1)
        self.mixed = nn.Linear(units, units)
        self.readout = nn.Linear(units, task.output_size)
        for layer in (self.each, self.score, self.mixed, self.readout):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
            nn.init.zeros_(layer.bias)

    @property
    def weights(self) -> int:
        """N, the weights used at every step: W, w, and the mean that a step is added to."""
        return self.each.weight.numel() + 2 * self.score.weight.numel()

    @property
    def state_bytes(self) -> float:
        """Both sums of the mean, over the steps so far: of what is weighed, [H], and of the weights."""
        return float((self.each.out_features + 1) * self.each.weight.element_size())

    def cost(self, batch: Batch) -> float:
        """6 N T a sequence, and 6 a weight of the net behind the mean."""
        behind = self.mixed.weight.numel() + self.readout.weight.numel()
        return 6.0 * (self.weights * batch.length + behind) * batch.size

    def attention(self, states: Tensor) -> Tensor:
        """The weights a_t [T, B] of states [T, B, H]."""
        scores: Tensor = self.score(states).squeeze(-1)
        return (scores.tanh() if self.bounded else scores).softmax(0)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Outputs [1, B, K]; raises ValueError where `mask` [T] asks for more than one step."""
        asked = mask.nonzero().flatten().tolist()
        if len(asked) != 1:
            raise ValueError(f"attention answers once, and is asked at {len(asked)} steps")
        states = leaky_relu(self.each(inputs[: asked[0] + 1]))
        mean = torch.einsum("tb,tbh->bh", self.attention(states), states)
        outputs: Tensor = self.readout(leaky_relu(self.mixed(mean)))
        return outputs.unsqueeze(0)

    def configure_optimizers(self) -> Any:
        """Adam, whose rate at update k is eps / (1 + k / halving)."""
        optimiser = torch.optim.Adam(self.parameters(), self.learning_rate)
        falling = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda k: 1 / (1 + k / self.halving))
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": falling, "interval": "step"}}
