"""The embedded Reber grammar as an automaton, and the exact law of its strings.

Reber grammar (Reber 1967; Cleeremans, Servan-Schreiber & McClelland 1989): states 0 to 6, two arcs of equal
probability where there is a choice. Embedded: B, then T or P, a Reber string, the same T or P, then E.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tasks.parts.draws import Floats, Ints

Doubles = NDArray[np.float64]

SYMBOLS = "BTSXVPE"

REBER: dict[int, dict[str, int]] = {
    0: {"B": 1},
    1: {"T": 2, "P": 3},
    2: {"S": 2, "X": 4},
    3: {"T": 3, "V": 5},
    4: {"X": 3, "S": 6},
    5: {"P": 4, "V": 6},
    6: {"E": 7},
}
INNER = 8  # states of one inner grammar, its end 7 included
START, BRANCH, CLOSING, END = 0, 1, 2, 3
BRANCHES = {"T": 4, "P": 4 + INNER}
STATES = 4 + 2 * INNER
SHORTEST = 9
_TAIL = 300  # the probability of n more symbols falls like .73^n


def embedded() -> dict[int, dict[str, int]]:
    """State -> symbol -> next state, of the embedded grammar."""
    arcs = {START: {"B": BRANCH}, BRANCH: dict(BRANCHES), CLOSING: {"E": END}, END: {}}
    for symbol, base in BRANCHES.items():
        for state, following in REBER.items():
            arcs[base + state] = {name: base + to for name, to in following.items()}
        arcs[base + 7] = {symbol: CLOSING}
    return arcs


@njit(cache=True)
def _walk(
    uniform: Floats, first: Doubles, symbol: Ints, following: Ints, legal: Floats, length: int
) -> tuple[Floats, Floats]:
    # A compiled loop: vectorised over the batch, a step here costs more than a network's.
    batch_size, steps = uniform.shape
    inputs = np.zeros((steps, batch_size, legal.shape[1]), np.float32)
    targets = np.empty((steps, batch_size, legal.shape[1]), np.float32)
    for b in range(batch_size):
        state = START
        for step in range(steps):
            place = 1 if uniform[b, step] >= first[length - step, state] else 0
            inputs[step, b, symbol[state, place]] = 1
            state = following[state, place]
            targets[step, b] = legal[state]
    return inputs, targets


class Grammar:
    """Tables of the embedded grammar, its strings restricted to at least `shortest` symbols.

    `symbol` and `following` [states, 2]: the two arcs of a state (the same arc twice where there is
    one); `legal` [states, 7]; `finish` [n, states]: the probability to end after exactly n symbols;
    `first` [n, states]: that of the first arc, given that the string ends after exactly n symbols;
    `cumulative` over the lengths `shortest`, `shortest` + 1, ...
    """

    def __init__(self, shortest: int) -> None:
        arcs = embedded()
        self.shortest = shortest
        self.longest = shortest + _TAIL
        self.symbol: Ints = np.zeros((STATES, 2), dtype=np.int64)
        self.following: Ints = np.full((STATES, 2), END)
        self.legal = np.zeros((STATES, len(SYMBOLS)), dtype=np.float32)
        for state, choices in arcs.items():
            for place, (name, to) in enumerate(list(choices.items()) * (3 - len(choices))):
                if place < 2:
                    self.symbol[state, place] = SYMBOLS.index(name)
                    self.following[state, place] = to
                    self.legal[state, SYMBOLS.index(name)] = 1
        alive = np.arange(STATES) != END
        self.finish: Doubles = np.zeros((self.longest + 1, STATES))
        self.finish[0, END] = 1
        self.first: Doubles = np.ones((self.longest + 1, STATES))
        for n in range(1, self.longest + 1):
            arc = self.finish[n - 1][self.following] / 2
            total = arc.sum(1) * alive
            self.finish[n] = total
            np.divide(arc[:, 0], total, out=self.first[n], where=total > 0)
        lengths = self.finish[shortest:, START]
        self.probability: Doubles = lengths / lengths.sum()
        self.cumulative: Doubles = self.probability.cumsum()

    def walk(self, uniform: Floats, length: int) -> tuple[Floats, Floats]:
        """One-hot symbols [T, B, 7] of strings of `length` symbols, and what may follow each [T, B, 7].

        Needs uniforms [B, T], T at most the length.
        """
        inputs, targets = _walk(uniform, self.first, self.symbol, self.following, self.legal, length)
        return inputs, targets

    def legal_share(self) -> Doubles:
        """[7] how often each symbol is legal at a step, averaged over the steps of a string, then strings."""
        reach: Doubles = np.zeros((self.longest, STATES))
        reach[0, START] = 1
        for n in range(1, self.longest):
            for place in range(2):
                alive = np.arange(STATES) != END
                np.add.at(reach[n], self.following[alive, place], reach[n - 1, alive] / 2)
        share: Doubles = np.zeros(len(SYMBOLS))
        for length, probability in zip(range(self.shortest, self.longest + 1), self.probability, strict=True):
            # States after 1 ... length - 1 symbols, given the length.
            visits = (reach[1:length] * self.finish[length - 1 : 0 : -1]).sum(0)
            share += probability * (visits / visits.sum()) @ self.legal
        return share


@cache
def grammar(shortest: int) -> Grammar:
    """The tables, made once."""
    return Grammar(shortest)
