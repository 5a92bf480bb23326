"""Imported by the server that workers are forked from, so that a new worker has the plugins loaded."""

from contextlib import suppress

import bench.worker
from bench.registry import discover

with suppress(BaseException):
    bench.worker.single_threaded()
    discover()
