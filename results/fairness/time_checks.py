"""What share of a trial's time its checks take: retests of results/quick again, timed, into checks.csv.

From the root of a checkout, with one thread, as a campaign's workers have:

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python results/fairness/time_checks.py

Time is that of the processor, so that other work on the machine does not count. Of every case the first two
retests are run that solved it, and before them one of each method off the clock, because the first of a
process loads and compiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import pandas as pd
import torch

from longlag.bench import store
from longlag.bench.campaign.provenance import machine
from longlag.bench.campaign.replay import spec_of, stored_profile
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.checks import SuccessCheck
from longlag.bench.trial.trial import run
from longlag.bench.workers.worker import single_threaded

FOLDER = Path(__file__).parent
RETESTS = 2


@dataclass
class Clock:
    """What a trial's training has taken up to the end of its last check, and of that the checks."""

    began: float = 0.0
    seconds: float = 0.0
    checking: float = 0.0
    confirming: float = 0.0

    def timed(self, method: Callable[..., Any], part: str) -> Callable[..., Any]:
        """`method`, its time added to `part`."""

        def call(*arguments: Any, **named: Any) -> Any:
            began = process_time()
            answer = method(*arguments, **named)
            self.seconds = process_time() - self.began
            setattr(self, part, getattr(self, part) + process_time() - began)
            return answer

        return call

    def started_by(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """`method`, with which training begins."""

        def call(*arguments: Any) -> Any:
            self.began = process_time()
            self.checking = self.confirming = 0.0
            return method(*arguments)

        return call


def main() -> None:
    """Time the retests, and write the rows."""
    single_threaded()
    clock = Clock()
    watched: Any = SuccessCheck
    watched.begin = clock.started_by(watched.begin)
    watched.check = clock.timed(watched.check, "checking")
    watched.confirm = clock.timed(watched.confirm, "confirming")
    registry = discover()
    quick = FOLDER.parent / "quick"
    profile = stored_profile(quick)
    solved = pd.DataFrame(store.rows(quick)).query("phase == 'retest' and solved")
    chosen = solved.groupby(["method", "task", "variant", "lag"], sort=False).head(RETESTS)
    here = machine()
    warm: set[str] = set()
    rows: list[dict[str, Any]] = []
    for stored in chosen.to_dict("records"):
        spec = spec_of(stored, profile)
        if spec.case.method not in warm:
            warm.add(spec.case.method)
            run(spec, registry)
        outcome = run(spec, registry)
        rows.append(
            {key: stored[key] for key in ("run_id", "method", "task", "variant", "lag")}
            | {
                "updates": outcome.updates,
                "same": outcome.updates == stored["updates"],
                "seconds": clock.seconds,
                "checking": clock.checking,
                "confirming": clock.confirming,
                "cpu": here["cpu"],
                "cores": here["cores"],
                "threads": torch.get_num_threads(),
            }
        )
    pd.DataFrame(rows).to_csv(FOLDER / "checks.csv", index=False, float_format="%.6g")


if __name__ == "__main__":
    main()
