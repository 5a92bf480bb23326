"""Noiseless memorisation: keep a few symbols through a stretch of blanks, recall them at a trigger.

Inputs: one-hot symbols; n of them, then T blanks of which the last is replaced by a trigger, then n blanks.
Targets: blank until the trigger has been seen, then the n symbols, at every step. Length T + 2n, T the lag:
every symbol has to be kept for T + n steps. Loss: softmax cross entropy. Wrong: any wrong symbol.

Variants:
  mem5   5 bits; there are only 32 patterns, so training and test data coincide by definition
  mem20  10 symbols of 5 (about 20 bits)

Trivial predictor, blank until the trigger and then equal probabilities: loss n ln k / (T + 2n), 31/32 (mem20:
nearly all) of the sequences wrong; 2.5 (8.0) wrong symbols a sequence.

Source: Martens & Sutskever 2011; Sutskever, Martens, Dahl & Hinton 2013; Jaeger 2012.
"""

from __future__ import annotations

from typing import ClassVar

from longlag.tasks.parts.recall import Recall

SIZES = {"mem5": (5, 2), "mem20": (10, 5)}


class Memorisation(Recall):
    """The 5-bit and 20-bit noiseless memorisation problems."""

    name = "memorisation"
    source = (
        "Martens & Sutskever 2011, ICML; Sutskever, Martens, Dahl & Hinton 2013, ICML; "
        "Jaeger 2012, Jacobs University technical report 27"
    )
    variants: ClassVar = {"mem5": "5 bits", "mem20": "10 symbols of 5"}
    one_length = ("mem5", "mem20")
    facts: ClassVar = {
        "inputs": "4 one-hot symbols (mem20: 7): the symbols, blank, trigger",
        "targets": "3 classes (mem20: 6) at every step: blank, and after the trigger the n symbols",
        "length": "T + 2n, n = 5 (mem20: 10)",
        "lag": "T; every symbol is kept for T + n steps",
        "loss": "softmax cross entropy",
        "wrong": "any wrong symbol at any step",
        "trivial": "equal probabilities: n ln k / (T + 2n), 31/32 (mem20: all) wrong, 2.5 (8.0) symbols",
    }

    def __init__(self, lag: int, variant: str | None = None) -> None:
        super().__init__(lag, variant, *SIZES.get(variant or "mem5", (1, 2)))
