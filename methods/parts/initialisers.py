"""Initial weights: uniform, sparse, orthogonal, identity, and their scale.

All set the weights alone. Biases stay as the cell made them (gates have their own), unless the
network is centred. With several gates, each gate's [H, H] block is initialised by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import optuna
import torch
from torch import Tensor, nn

from longlag.bench.contract import (
    Change,
    Network,
    Recipe,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    SquaredError,
    Task,
)

Range = tuple[float, float]
Kind = Literal["sparse", "orthogonal", "identity"]

FAN_IN = 15
"""Incoming weights a unit in Martens' sparse initialisation."""


class UniformWeights(Change):
    """Every weight from U[-r, r] with r = init_scale / sqrt(H), the classical choice."""

    changes = "initialiser"

    def __init__(self, scales: Range = (0.2, 2.0)) -> None:
        self.scales = scales

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The scale: spectral radii from about .12 to 1.15."""
        return {"init_scale": trial.suggest_float("init_scale", *self.scales, log=True)}

    def apply(self, recipe: Recipe, *, init_scale: float) -> Recipe:
        """The recipe with uniform initial weights."""

        def initialise(network: Network, _: Task) -> None:
            recurrent = network.recurrent
            bound = init_scale / math.sqrt(recurrent.units)
            matrices = recurrent.recurrent_blocks() + recurrent.input_blocks()
            with torch.no_grad():
                for block in (*matrices, network.readout.weight):
                    block.uniform_(-bound, bound)
                network.readout.bias.zero_()

        return recipe.replace(initialiser=initialise)


class TunedWeights(Change):
    """A recurrent matrix of a known kind and spectral radius, Gaussian input and output weights.

    Whether inputs and outputs are centred and whether biases are held is tuned too: see InitialWeights.
    """

    changes = "initialiser"

    def __init__(
        self,
        kinds: tuple[Kind, ...] = ("orthogonal", "sparse", "identity"),
        radii: Range = (0.9, 1.2),
        input_scales: Range = (1e-3, 1.0),
        readout_scales: Range = (1e-3, 1.0),
    ) -> None:
        self.kinds = kinds
        self.radii = radii
        self.input_scales = input_scales
        self.readout_scales = readout_scales

    def suggest(self, trial: optuna.Trial, task: Task) -> dict[str, Any]:
        """The kind of recurrent matrix, its spectral radius, two scales, and what is centred and held."""
        return {
            "recurrent_weights": trial.suggest_categorical("recurrent_weights", self.kinds),
            "spectral_radius": trial.suggest_float("spectral_radius", *self.radii),
            "input_scale": trial.suggest_float("input_scale", *self.input_scales, log=True),
            "readout_scale": trial.suggest_float("readout_scale", *self.readout_scales, log=True),
            "centred": trial.suggest_categorical("centred", (True, False)),
            "hold_biases": trial.suggest_categorical("hold_biases", (True, False)),
        }

    def apply(
        self,
        recipe: Recipe,
        *,
        recurrent_weights: Kind,
        spectral_radius: float,
        input_scale: float,
        readout_scale: float,
        centred: bool,
        hold_biases: bool,
    ) -> Recipe:
        """The recipe with these initial weights."""
        return recipe.replace(
            initialiser=InitialWeights(
                recurrent_weights, spectral_radius, input_scale, readout_scale, centred, hold_biases
            )
        )


@dataclass(frozen=True)
class InitialWeights:
    """Sets a network's weights: recurrent ones of `kind` scaled to `spectral_radius`.

    Input weights are input_scale N(0, 1), output weights readout_scale N(0, 1). A `centred` network
    also subtracts the task's mean input, and answers with the mean target while its states are zero.
    With `hold_biases` only the matrices of the recurrent layer are trained: its vectors, which are biases
    and initial states, keep the values they begin with.
    """

    kind: Kind
    spectral_radius: float
    input_scale: float
    readout_scale: float = 0.1
    centred: bool = False
    hold_biases: bool = False

    @torch.no_grad()
    def __call__(self, network: Network, task: Task) -> None:
        """Set them in place, drawing from torch's global generator."""
        for block in network.recurrent.recurrent_blocks():
            FILL[self.kind](block)
            rescale_(block, self.spectral_radius)
        for block in network.recurrent.input_blocks():
            block.normal_(std=self.input_scale)
        network.readout.weight.normal_(std=self.readout_scale)
        network.readout.bias.zero_()
        if self.centred:
            centre(network, task)
        if self.hold_biases:
            for parameter in network.recurrent.parameters():
                if parameter.dim() == 1:
                    parameter.requires_grad_(False)


def sparse_(matrix: Tensor, fan_in: int = FAN_IN) -> Tensor:
    """Fill `matrix` [H, H'] with `fan_in` weights N(0, 1) a row (all of a shorter row), zeros elsewhere."""
    sources = torch.rand(matrix.shape).argsort(dim=1)[:, :fan_in]
    return matrix.zero_().scatter_(1, sources, torch.randn(sources.shape).to(matrix))


def spectral_radius(matrix: Tensor) -> float:
    """The largest absolute eigenvalue of `matrix` [H, H], computed exactly, in float64."""
    return float(torch.linalg.eigvals(matrix.double()).abs().max())


def rescale_(matrix: Tensor, radius: float) -> Tensor:
    """Scale `matrix` [H, H] to spectral radius `radius`, in place."""
    return matrix.mul_(radius / spectral_radius(matrix))


def centre(network: Network, task: Task, sequences: int = 1000) -> None:
    """Centre inputs and outputs on the means of a sample of training sequences (Sutskever et al. 2013).

    The output bias becomes what predicts the targets best while the states say nothing: their mean,
    or for classes the logarithm of their frequencies.
    """
    generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
    batch = task.draw(sequences, generator, "train")
    network.centre(batch.inputs.mean((0, 1)))
    bias, targets = network.readout.bias, batch.targets
    if isinstance(task.loss, SoftmaxCrossEntropy):
        # one imagined example of each class keeps a class the sample missed possible
        counts = torch.bincount(targets.flatten(), minlength=len(bias)) + 1
        bias.copy_((counts / counts.sum()).log())
    elif isinstance(task.loss, SigmoidCrossEntropy):
        bias.copy_(targets.mean((0, 1)).clamp(1e-3, 1 - 1e-3).logit())
    elif isinstance(task.loss, SquaredError):
        bias.copy_(targets.mean((0, 1)))


FILL: dict[Kind, Callable[[Tensor], Tensor]] = {
    "sparse": sparse_,
    "orthogonal": nn.init.orthogonal_,
    "identity": nn.init.eye_,
}
