"""Imported by the server that workers are forked from, so that a new worker has the plugins loaded."""

from contextlib import suppress
from importlib import import_module

from longlag.bench.plugins.registry import discover
from longlag.bench.workers.worker import single_threaded

LIBRARIES = ("numba", "scipy.special", "sklearn.datasets")
"""What plugins import when a trial needs it: before, so that it takes none of the trial's time and memory."""

with suppress(BaseException):
    single_threaded()
    discover()
    for library in LIBRARIES:
        import_module(library)
