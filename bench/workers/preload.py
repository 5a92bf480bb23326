"""Imported by the server that workers are forked from, so that a new worker has the plugins loaded."""

from contextlib import suppress
from importlib import import_module

from longlag.bench.plugins.registry import discover
from longlag.bench.workers.worker import single_threaded

LIBRARIES = ("longlag.bench.trial.trial", "numba", "scipy.special", "sklearn.datasets")
"""What runs a trial, and what plugins import when one needs it: before, at no trial's time and memory."""

with suppress(BaseException):
    single_threaded()
    discover()
    for library in LIBRARIES:
        import_module(library)
