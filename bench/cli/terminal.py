"""The console that commands print on, and the exit code of one that is interrupted."""

from __future__ import annotations

from rich.console import Console

INTERRUPTED = 130
"""The exit code after Ctrl-C, or a batch system's SIGTERM."""

console = Console(markup=False, emoji=False, highlight=False)
"""Without markup, because names may hold any character."""
