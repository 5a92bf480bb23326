"""A file for tests with recurrent layers, and with what is none."""

from abc import ABC, abstractmethod

import torch
from torch import nn

from longlag import SequenceModel


class GRU(nn.GRU):
    def __init__(self, inputs, units):
        super().__init__(inputs, units)


class RunningMean(nn.Module):
    def __init__(self, inputs, units, scale=1.0):
        super().__init__()
        self.into = nn.Linear(inputs, units)

    def forward(self, x):
        counts = torch.arange(1, len(x) + 1)[:, None, None]
        return torch.tanh(self.into(x)).cumsum(0) / counts


class BatchFirst(nn.Module):
    def __init__(self, inputs, units):
        super().__init__()
        self.layer = nn.GRU(inputs, units, batch_first=True)

    def forward(self, x):
        return self.layer(x.transpose(0, 1))[0]


class Gate(nn.Module):
    """A part of a layer, of one size."""

    def __init__(self, units):
        super().__init__()


class Base(nn.Module, ABC):
    def __init__(self, inputs, units):
        super().__init__()

    @abstractmethod
    def step(self, x):
        """Unfinished."""


class Model(SequenceModel):
    def __init__(self, task, units):
        super().__init__(task)

    def forward(self, inputs, mask):
        return inputs


class Graded(nn.Module):
    """States under a name: no cell."""

    def __init__(self, inputs, units):
        super().__init__()
        self.layer = nn.GRU(inputs, units)

    def forward(self, x):
        return {"states": self.layer(x)[0]}


class OfMany(nn.Module):
    """A layer that cannot be small."""

    def __init__(self, inputs, units):
        super().__init__()
        raise ValueError(f"{units} units are too few")


class Untold(nn.Module):
    """Raises, and says nothing."""

    def __init__(self, inputs, units):
        super().__init__()
        raise NotImplementedError


class Double(nn.Module):
    """States in another precision than the readout's."""

    def __init__(self, inputs, units):
        super().__init__()
        self.layer = nn.GRU(inputs, units)

    def forward(self, x):
        return self.layer(x)[0].double()
