"""Prepares the process of a command: closed streams, an ASCII terminal, a Python without docstrings."""

from __future__ import annotations

import io
import logging
import os
import sys
import warnings

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def prepare() -> None:
    """Make the process fit to run a command; may start it anew."""
    keep_docstrings()
    open_streams()
    replace_unprintable()
    be_quiet()


def open_streams() -> None:
    """Give every standard stream that is closed, as under some schedulers, to the null device.

    Whatever is opened next would take its number: a library's own pipe becomes the output of a worker, and
    breaks.
    """
    for number, (name, mode) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is this one.
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, mode, errors="replace", closefd=False))  # noqa: SIM115


def replace_unprintable() -> None:
    """Print a question mark for a character that the terminal's encoding lacks, instead of failing."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def be_quiet() -> None:
    """Silence the warnings of libraries, and Optuna's log of every study."""
    warnings.simplefilter("ignore")
    # For all libraries at once: importing one to quiet it would cost every command that does without it.
    logging.disable(logging.WARNING)


def keep_docstrings() -> None:
    """Start anew where Python was told to drop docstrings: lists and pages, and Altair itself, show them."""
    if sys.flags.optimize < 2:
        return
    arguments = ["-O" if argument == "-OO" else argument for argument in sys.orig_argv]
    if os.environ.get("PYTHONOPTIMIZE", "1") == "1" and arguments == sys.orig_argv:
        return
    os.execve(sys.executable, arguments, {**os.environ, "PYTHONOPTIMIZE": "1"})
