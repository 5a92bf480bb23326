"""What runs in a worker process: a TrialSpec in, an Outcome out, whatever a plugin does."""

from __future__ import annotations

import os
import resource
import sys
import traceback
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from bench.registry import discover, reason
from bench.spec import Outcome, spec_from_dict
from bench.training.trial import run

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""One thread a worker: results do not depend on the machine's cores, and workers do not fight."""

_NO_MEMORY = ("allocate memory", "alloc_cpu", "cannot allocate", "out of memory")


def single_threaded() -> None:
    """Set this process's and its children's numerical libraries to one thread."""
    for variable in THREAD_VARIABLES:
        os.environ[variable] = "1"
    torch.set_num_threads(1)


def prepare(memory_gb: float, import_path: list[str]) -> None:
    """Called once in a new worker process: threads, import path, and the limit on memory."""
    sys.path[:] = import_path
    single_threaded()
    warnings.simplefilter("ignore")
    limit = int(memory_gb * 2**30)
    # Counts what is allocated, not address space: torch reserves far more of that than it uses.
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def execute(spec: dict[str, Any]) -> dict[str, Any]:
    """Run the trial `spec` describes (dataclasses.asdict of a TrialSpec); the Outcome as a dictionary."""
    trial = spec_from_dict(spec)
    try:
        return asdict(run(trial, discover(trial.plugins)))
    except MemoryError as error:
        return asdict(Outcome("out_of_memory", where(error)))
    except (Exception, SystemExit) as error:
        short = any(words in str(error).lower() for words in _NO_MEMORY)
        return asdict(Outcome("out_of_memory" if short else "crashed", where(error)))


def where(error: BaseException) -> str:
    """One line: the exception and the innermost place it passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return reason(error) + place
