"""Whether a plugin keeps the contract: every promise tried, and each that is broken told with its mend."""

from __future__ import annotations

from longlag.bench.checking.contract import Verdict, check

__all__ = ["Verdict", "check"]
