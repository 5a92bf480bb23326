"""What a promise of a plugin is, and how it is told that one is not kept."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from longlag.bench.contract.recipe import Undeclared
from longlag.bench.plugins.guard import patience, plain, where

Plugin = TypeVar("Plugin")

SECONDS = 120.0
"""What trying one promise may take, by the clock: half a minute, or more where others compute too."""

DECLARE = "Name the part in `changes`, or leave it as it is"
"""How it is mended that a remedy changes more than it says, by which other promises are broken too."""


class Unkept(Exception):
    """A promise that is not kept: one sentence of what happened, and one of how it is mended."""

    def __init__(self, happened: str, mend: str) -> None:
        super().__init__(f"{happened}. {mend}.")


@dataclass(frozen=True)
class Verdict:
    """What trying a promise came to."""

    promise: str
    kept: bool
    told: str = ""
    """Of a broken promise what happened and how to mend it; of a kept one what was measured, if anything."""


class Promises(Generic[Plugin]):
    """The promises of a kind of plugin, in the order in which they are tried."""

    def __init__(self) -> None:
        self._tries: dict[str, Callable[[Plugin], str | None]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._tries)

    def promise(self, text: str) -> Callable[[Callable[[Plugin], str | None]], Any]:
        """Decorates the function that tries it: it raises Unkept, and may return what it measured."""

        def added(attempt: Callable[[Plugin], str | None]) -> Callable[[Plugin], str | None]:
            self._tries[text] = attempt
            return attempt

        return added

    def tried(self, text: str, plugin: Plugin) -> Verdict:
        """One promise, tried; whatever a plugin raises breaks it."""
        computed = time.process_time()
        try:
            with patience(SECONDS), warnings.catch_warnings():
                # Of Optuna and Lightning, who tell what is told here.
                warnings.simplefilter("ignore")
                told = self._tries[text](plugin)
        except Unkept as unkept:
            return Verdict(text, False, plain(str(unkept)))
        except Undeclared as undeclared:
            return Verdict(text, False, plain(str(Unkept(str(undeclared), DECLARE))))
        except TimeoutError as error:
            spent = time.process_time() - computed
            told = f"; computing took {spent:.0f} s of these: try when the machine is less busy"
            return Verdict(text, False, f"It raised {where(error)}{told if spent < SECONDS / 2 else ''}.")
        except Exception as error:
            return Verdict(text, False, f"It raised {where(error)}.")
        return Verdict(text, True, told or "")
