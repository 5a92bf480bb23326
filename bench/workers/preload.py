"""Imported by the server that workers are forked from, so that a new worker has the plugins loaded."""

from contextlib import suppress

from longlag.bench.plugins.registry import discover
from longlag.bench.workers.worker import single_threaded

with suppress(BaseException):
    single_threaded()
    discover()
