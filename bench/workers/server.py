"""The server that workers are forked from: it imports once what they need, and they start in milliseconds.

That takes seconds, so it is started before this process imports what it needs itself: on two cores both do so
at the same time. It imports no plugin of the user's, and runs no trial.
"""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""One thread a worker: results do not depend on the machine's cores, and workers do not compete for them."""

CONTEXT: ForkServerContext = multiprocessing.get_context("forkserver")


def start() -> None:
    """Start the server, unless it runs; numerical libraries get one thread, here and in its workers."""
    for variable in THREAD_VARIABLES:
        os.environ[variable] = "1"
    CONTEXT.set_forkserver_preload(["longlag.bench.workers.preload"])
    forkserver.ensure_running()
