"""Where commands print, and how they end when they are told to."""

from __future__ import annotations

from rich.console import Console

INTERRUPTED = 130
"""The exit code after Ctrl-C, or a batch system's SIGTERM."""

console = Console(markup=False, emoji=False, highlight=False)
"""What names say is literal: they may hold anything."""
