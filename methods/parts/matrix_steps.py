"""Optimisers that see a weight matrix as one: Muon, and SOAP.

Adam scales every number by what that number's gradients were. These turn a matrix's gradient first, by
products with matrices of its own size. Such products are work as a gradient is: they are charged beside it,
where an update that touches every number once is not.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from longlag.bench.contract import Batch, BatchOptimizer, Network

NEWTON_SCHULZ = 5
"""Iterations of Muon's orthogonalisation, as published."""


class MatrixSteps(BatchOptimizer):
    """Steps of a rate eps / (1 + k / halving) at update k, whose own products count as cost.

    Its one parameter group holds the settings, among them `updates`; states are kept by parameter. Weights
    that are held are left out.
    """

    untaken: ClassVar = ""

    def __init__(self, network: Network, settings: Mapping[str, Any]) -> None:
        trained = [weight for weight in network.parameters() if weight.requires_grad]
        super().__init__(trained, {**settings, "updates": 0})
        self.network = network
        self._gradient_cost = 0.0

    @property
    def settings(self) -> dict[str, Any]:
        """The one parameter group: the settings and the count of updates."""
        group: dict[str, Any] = self.param_groups[0]
        return group

    def load(self, batch: Batch) -> None:
        """The batch of the next step, whose gradient is charged beside it."""
        self._gradient_cost = self.network.cost(batch)

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:  # type: ignore[override]
        """One update; `closure`, if given, leaves the gradient in `.grad` and returns the loss."""
        loss = None if closure is None else closure()
        settings = self.settings
        with torch.no_grad():
            products = self._update(1 / (1 + settings["updates"] / settings["halving"]))
        settings["updates"] += 1
        self.cost = self._gradient_cost + products
        return loss

    def _given(self) -> Iterator[tuple[nn.Parameter, Tensor]]:
        """The weights that have a gradient, with it."""
        for weight in self.settings["params"]:
            if weight.grad is not None:
                yield weight, weight.grad

    @abstractmethod
    def _update(self, slower: float) -> float:
        """One update at the rates times `slower`; the FLOPs of its matrix products."""


class Muon(MatrixSteps):
    """torch's Muon on the recurrent layer's matrices (Jordan et al. 2024), its Adam on all other weights.

    The momentum of a matrix is moved towards the nearest orthogonal one, by five Newton-Schulz iterations: so
    all its directions move alike, however small their gradient.
    """

    def __init__(
        self, network: Network, rate: float, momentum: float, adam_rate: float, halving: float = math.inf
    ) -> None:
        super().__init__(network, {"rate": rate, "adam_rate": adam_rate, "halving": halving})
        self.matrices = _matrices(network.recurrent.parameters())
        known = {id(weight) for weight in self.matrices}
        others = [weight for weight in self.settings["params"] if id(weight) not in known]
        self._matrix = torch.optim.Muon(
            self.matrices, lr=rate, momentum=momentum, weight_decay=0.0, ns_steps=NEWTON_SCHULZ
        )
        self._other = torch.optim.Adam(others, lr=adam_rate)

    def _update(self, slower: float) -> float:
        settings = self.settings
        for optimiser, rate in ((self._matrix, "rate"), (self._other, "adam_rate")):
            # what both keep is this optimiser's state, which loading a state dictionary makes anew
            optimiser.state = self.state
            optimiser.param_groups[0]["lr"] = slower * settings[rate]
            optimiser.step()
        return sum(orthogonalising(*weight.shape) for weight in self.matrices if weight.grad is not None)


class Soap(MatrixSteps):
    """Adam in the eigenbasis of Shampoo's preconditioner (Vyas et al. 2024, algorithm 3); no weight decay.

    Of a matrix W [m, n] with gradient G and mean gradient M: L and R are decaying means of G G' and G' G, and
    Q_L and Q_R their eigenvectors; N is Q_L' M Q_R over the root of the mean square of Q_L' G Q_R.

        W <- W - eps Q_L N Q_R'

    Eigenvectors are improved every `every` updates by a power iteration and a QR decomposition. The first
    gradient only says where to begin. Vectors move by Adam.
    """

    def __init__(
        self,
        network: Network,
        rate: float,
        decay: float = 0.95,
        every: int = 10,
        halving: float = math.inf,
        least: float = 1e-8,
    ) -> None:
        settings = {"rate": rate, "decay": decay, "every": every, "halving": halving, "least": least}
        super().__init__(network, settings)

    def _update(self, slower: float) -> float:
        settings, products = self.settings, 0.0
        count, decay = settings["updates"], settings["decay"]
        rate = slower * settings["rate"]
        for weight, gradient in self._given():
            state = self.state[weight]
            first = not state
            if first:
                state["mean"], state["square"] = (torch.zeros_like(weight) for _ in range(2))
                if weight.dim() == 2:
                    state["outer"] = [torch.zeros(size, size).to(weight) for size in weight.shape]
            else:
                turn = state.get("turn", ())
                state["mean"].lerp_(gradient, 1 - decay)
                state["square"].lerp_(_into(gradient, turn).square(), 1 - decay)
                # of the mean and of the root of the mean square, which began at zero
                correction = math.sqrt(1 - decay**count) / (1 - decay**count)
                quotient = _into(state["mean"], turn) / (state["square"].sqrt() + settings["least"])
                weight.sub_(_out_of(quotient, turn), alpha=rate * correction)
            if weight.dim() == 2:
                products += self._turned(state, gradient, first)
        return products

    def _turned(self, state: dict[str, Any], gradient: Tensor, first: bool) -> float:
        """Take a gradient into L and R, and improve their eigenvectors when it is time; the FLOPs."""
        settings = self.settings
        m, n = gradient.shape
        left, right = state["outer"]
        left.lerp_(gradient @ gradient.T, 1 - settings["decay"])
        right.lerp_(gradient.T @ gradient, 1 - settings["decay"])
        products = 2.0 * m * n * (m + n)
        if first:
            state["turn"] = [torch.linalg.eigh(outer).eigenvectors.flip(1) for outer in (left, right)]
            return products + sum(_EIGH * size**3 for size in (m, n))
        # three turns of a matrix of this size, each by two products
        products += 3 * 2.0 * m * n * (m + n)
        if settings["updates"] % settings["every"] == 0:
            for side, outer in enumerate((left, right)):
                powered = outer @ state["turn"][side]
                order = (state["turn"][side] * powered).sum(0).argsort(descending=True, stable=True)
                state["square"] = state["square"].index_select(side, order)
                state["turn"][side] = torch.linalg.qr(powered[:, order]).Q
            products += sum(_POWER_AND_QR * size**3 for size in (m, n))
        return products


_EIGH = 9.0
"""FLOPs of all eigenvectors of a symmetric matrix, in cubes of its size: about (Golub & Van Loan)."""
_POWER_AND_QR = 2 + 8 / 3
"""FLOPs of a square product and of a QR decomposition with its Q, in cubes of the size."""


def orthogonalising(m: int, n: int) -> float:
    """FLOPs of Muon's iterations on a matrix [m, n]: X X', its square, and the product of both with X."""
    short, long = min(m, n), max(m, n)
    return NEWTON_SCHULZ * (4.0 * short**2 * long + 2.0 * short**3)


def _matrices(weights: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    return [weight for weight in weights if weight.dim() == 2 and weight.requires_grad]


def _into(matrix: Tensor, turn: Sequence[Tensor]) -> Tensor:
    """Q_L' X Q_R; a vector, which has no turn, as it is."""
    return turn[0].T @ matrix @ turn[1] if turn else matrix


def _out_of(matrix: Tensor, turn: Sequence[Tensor]) -> Tensor:
    """Q_L X Q_R'."""
    return turn[0] @ matrix @ turn[1].T if turn else matrix
