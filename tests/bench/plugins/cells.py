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


class AcrossSequences(nn.GRU):
    def __init__(self, inputs, units):
        super().__init__(inputs, units, batch_first=True)


class LooksAhead(nn.GRU):
    def __init__(self, inputs, units):
        super().__init__(inputs, units, bidirectional=True)


class Drops(nn.Module):
    """Draws, and shares the batch's mean, while it is trained."""

    def __init__(self, inputs, units):
        super().__init__()
        self.layer, self.drop, self.norm = nn.GRU(inputs, units), nn.Dropout(0.5), nn.BatchNorm1d(units)

    def forward(self, x):
        return self.norm(self.drop(self.layer(x)[0]).movedim(0, 2)).movedim(2, 0)


class Reservoir(nn.Module):
    """Its matrices are never trained."""

    def __init__(self, inputs, units):
        super().__init__()
        self.register_buffer("into", torch.randn(units, inputs))
        self.register_buffer("within", 0.1 * torch.randn(units, units))

    def forward(self, x):
        states = [torch.zeros(x.shape[1], len(self.within))]
        for step in x:
            states.append(torch.tanh(step @ self.into.T + states[-1] @ self.within.T))
        return torch.stack(states[1:])


class Weightless(nn.Module):
    def __init__(self, inputs, units):
        super().__init__()

    def forward(self, x):
        return x.cumsum(0)


class Draws(nn.Module):
    """Draws whenever it is called."""

    def __init__(self, inputs, units):
        super().__init__()
        self.layer = nn.GRU(inputs, units)

    def forward(self, x):
        return self.layer(x)[0] + 0.1 * torch.rand(1)


class Unlisted(nn.Module):
    """Weights in a list, of which the module knows nothing."""

    def __init__(self, inputs, units):
        super().__init__()
        self.layer = nn.RNN(inputs, units)
        self.more = [nn.Parameter(torch.eye(units))]

    def forward(self, x):
        return self.layer(x)[0] @ self.more[0]
