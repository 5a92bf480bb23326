"""The embedded Reber grammar as an automaton, and the exact law of its strings.

Reber grammar (Reber 1967; Cleeremans, Servan-Schreiber & McClelland 1989): states 0 to 6, two arcs of equal
probability where there is a choice. Embedded: B, then T or P, a Reber string, the same T or P, then E.

The strings fall into PARTS parts by the CRC-32 of the Reber string inside, or of its opening, the first
OPENING symbols. Both strings around it, the one with T and the one with P, are in the same part: within a
part, nothing but the second symbol tells the last but one. From NUMEROUS symbols on every part has strings
of every length.
"""

from __future__ import annotations

from functools import cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from longlag.tasks.parts.draws import Floats, Ints

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
PARTS = 5
OPENING = 16
NUMEROUS = 12
_TAIL = 300  # the probability of n more symbols falls like .73^n


def embedded() -> dict[int, dict[str, int]]:
    """State -> symbol -> next state, of the embedded grammar."""
    arcs = {START: {"B": BRANCH}, BRANCH: dict(BRANCHES), CLOSING: {"E": END}, END: {}}
    for symbol, base in BRANCHES.items():
        for state, following in REBER.items():
            arcs[base + state] = {name: base + to for name, to in following.items()}
        arcs[base + 7] = {symbol: CLOSING}
    return arcs


@cache
def openings(count: int) -> tuple[Ints, Ints, Ints]:
    """Every way a Reber string can begin with `count` symbols.

    The arcs taken [openings, count], the inner state they lead to [openings], and the part that strings
    with this opening are in [openings].
    """
    ways: list[tuple[str, list[int], int]] = [("", [], 0)]
    for _ in range(count):
        ways = [
            (text + symbol, [*arcs, arc], to)
            for text, arcs, state in ways
            for arc, (symbol, to) in enumerate(REBER.get(state, {}).items())
        ]
    texts, arcs, states = zip(*ways, strict=True)
    parts = [crc32(text.encode()) % PARTS for text in texts]
    return np.array(arcs), np.array(states), np.array(parts)


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
        self._choices: dict[tuple[int, tuple[int, ...]], tuple[Ints, Doubles]] = {}

    def walk(self, uniform: Floats, length: int, parts: tuple[int, ...]) -> tuple[Floats, Floats]:
        """Strings of `length` symbols out of some `parts`, each as probable as another, from uniforms [B, T].

        One-hot symbols [T, B, 7], and what may follow each [T, B, 7], T = length - 1: all but the last.
        """
        arcs, cumulative = self._openings(length, parts)
        opening = arcs[cumulative.searchsorted(uniform[:, 2], "right")]
        # Numba takes a while to import, and only sampling needs it.
        from longlag.tasks.parts.grammar_numba import walk

        inputs, targets = walk(uniform, self.first, self.symbol, self.following, self.legal, length, opening)
        return inputs, targets

    def _openings(self, length: int, parts: tuple[int, ...]) -> tuple[Ints, Doubles]:
        """The arcs of the openings that strings of `length` in `parts` have, and their cumulative law."""
        if (length, parts) not in self._choices:
            count = min(length - 4, OPENING)
            arcs, states, part = openings(count)
            ending = self.finish[length - 2 - count, BRANCHES["T"] + states] * np.isin(part, parts)
            cumulative: Doubles = ending[ending > 0].cumsum()
            self._choices[length, parts] = arcs[ending > 0], cumulative / cumulative[-1]
        return self._choices[length, parts]

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
