"""The coordinator: one process that owns the studies and the folder of a campaign.

Cases run side by side as far as there are slots; every finished trial is in the journal before its
case hears of it. A campaign is resumed by running it again with what the folder already holds.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna

from bench import provenance, store
from bench.errors import BadInput
from bench.journal import Entry, Journal
from bench.pool import Executor
from bench.profile import Profile, cases
from bench.registry import Registry, code_hash
from bench.spec import Case, Outcome, TrialSpec, row
from bench.study import CaseProgram, Program, export

OnRow = Callable[[dict[str, Any], bool], None]
"""Called with every finished trial's row, and whether it was known from before."""


@dataclass
class _Running:
    """A case under way: its program, and the batch it waits for."""

    program: Program
    case: Case
    specs: list[TrialSpec] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)


class Coordinator:
    """Runs a campaign in `folder`; `close` it when done."""

    def __init__(self, profile: Profile, registry: Registry, folder: Path, resume: bool) -> None:
        """Raises BadInput where the folder holds another campaign, or this one and `resume` is false."""
        self.profile = profile
        self.registry = registry
        self.folder = folder
        self.cases, self.skipped = cases(profile, registry)
        if not self.cases:
            raise BadInput(f"profile {profile.name}: nothing to run: {next(iter(self.skipped.values()))}")
        self.manifest = self._manifest()
        self.complete = _look(folder, self.manifest, resume)
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = store.FolderLock(folder)
        self._known: dict[str, Outcome] = {}
        self._hashes: dict[Case, str] = {}
        self._order: dict[Case, list[str]] = {}
        if not self.complete:
            store.check_studies(folder)
            self._known = {e["row"]["run_id"]: _outcome(e) for e in store.stored(folder)}
            self._journal = Journal(folder / store.JOURNAL)
            if self._known:
                self.manifest["created"] = store.read_manifest(folder)["created"]
            store.write_manifest(folder, self.manifest)

    @property
    def total(self) -> int:
        """Trials and retests of the whole campaign, if every case is retested."""
        return len(self.cases) * (self.profile.trials + self.profile.retests)

    def run(self, executor: Executor, on_row: OnRow) -> None:
        """Run what is not known yet; on return the folder is complete."""
        started = time.monotonic()
        waiting = deque(self.cases)
        futures: dict[Future[Any], tuple[_Running, int]] = {}
        while waiting or futures:
            while waiting and len(futures) < executor.slots + 2:
                case = waiting.popleft()
                self._advance(_Running(self._program(case), case), executor, futures, on_row)
            if futures:
                done, _ = wait(futures, return_when=FIRST_COMPLETED)
                self._collect(done, executor, futures, on_row)
        self._finish(time.monotonic() - started)

    def close(self) -> None:
        """Let go of the folder."""
        if not self.complete:
            self._journal.close()
        self._lock.release()

    def _collect(
        self,
        done: set[Future[Any]],
        executor: Executor,
        futures: dict[Future[Any], tuple[_Running, int]],
        on_row: OnRow,
    ) -> None:
        ended = [(*futures.pop(future), executor.outcome(future)) for future in done]
        entries = [self._entry(running.specs[index], outcome) for running, index, outcome in ended]
        self._journal.append(entries)
        for entry in entries:
            on_row(entry["row"], False)
        for running, index, outcome in ended:
            running.outcomes[index] = _scored(outcome)
        for running in {id(r): r for r, _, _ in ended}.values():
            if len(running.outcomes) == len(running.specs):
                self._advance(running, executor, futures, on_row)

    def _advance(
        self,
        running: _Running,
        executor: Executor,
        futures: dict[Future[Any], tuple[_Running, int]],
        on_row: OnRow,
    ) -> None:
        """Send a case its outcomes and start its next batches, until one needs workers or it ends."""
        while len(running.outcomes) == len(running.specs):
            answers = [running.outcomes[index] for index in range(len(running.specs))]
            try:
                running.specs = running.program.send(answers) if running.specs else next(running.program)
            except StopIteration as end:
                self._order[running.case] = running.order
                self._export(end.value)
                return
            running.outcomes = {}
            running.order += [spec.run_id for spec in running.specs]
            for index, spec in enumerate(running.specs):
                known = self._known.get(spec.run_id)
                if known is None and spec.fault:
                    known = Outcome("crashed", spec.fault)
                    self._journal.append([self._entry(spec, known)])
                if known is None:
                    futures[executor.submit(spec)] = running, index
                else:
                    running.outcomes[index] = known
                    on_row(row(spec, known, self._hash(spec.case)), True)

    def _program(self, case: Case) -> Program:
        task = self.registry.task(case.task, case.variant, case.lag)
        return CaseProgram(case, self.profile, self.registry.method(case.method), task).run()

    def _entry(self, spec: TrialSpec, outcome: Outcome) -> Entry:
        return {
            "row": row(spec, outcome, self._hash(spec.case)),
            "curve": outcome.curve,
            "probes": outcome.probes,
        }

    def _hash(self, case: Case) -> str:
        if case not in self._hashes:
            self._hashes[case] = code_hash(self.registry.sources(case.method, case.task))
        return self._hashes[case]

    def _export(self, study: optuna.Study) -> None:
        export(study, f"sqlite:///{self.folder / store.STUDIES}")

    def _finish(self, seconds: float) -> None:
        self._journal.close()
        store.compact(self.folder, [run_id for case in self.cases for run_id in self._order[case]])
        self.manifest["finished"] = _now()
        self.manifest["seconds"] = self.manifest.get("seconds", 0.0) + seconds
        store.write_manifest(self.folder, self.manifest)
        (self.folder / store.JOURNAL).unlink()
        self.complete = True

    def _manifest(self) -> dict[str, Any]:
        return {
            "schema": store.SCHEMA,
            "campaign": self.profile.name,
            "profile": self.profile.model_dump(),
            "seed": self.profile.seed,
            "command": provenance.command(),
            "versions": provenance.versions(),
            "machine": provenance.machine(),
            "git": provenance.git(),
            "created": _now(),
            "finished": None,
            "skipped": self.skipped,
            "broken": {broken.where: broken.reason for broken in self.registry.broken},
        }


def _look(folder: Path, manifest: dict[str, Any], resume: bool) -> bool:
    """Whether `folder` holds this very campaign, complete; raises BadInput where it must not be touched."""
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise BadInput(f"{folder}: not a folder")
    if not (folder / store.MANIFEST).exists():
        if any(path.name != store.LOCK for path in folder.iterdir()):
            raise BadInput(f"{folder}: holds files but no campaign; choose another with --out")
        return False
    found = store.read_manifest(folder)
    if _identity(found) != _identity(manifest):
        raise BadInput(
            f"{folder}: holds another campaign ({_difference(found, manifest)}); choose another --out"
        )
    if found["finished"] is not None:
        return True
    if not resume:
        raise BadInput(f"{folder}: holds this campaign unfinished; add --resume to finish it")
    return False


def _identity(manifest: dict[str, Any]) -> dict[str, Any]:
    profile = Profile.model_validate(manifest["profile"])
    return profile.defining()


def _difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    """The first key in which two campaigns differ."""
    a, b = _identity(found), _identity(wanted)
    key = next(key for key in a if a[key] != b[key])
    return f"its {key}: {a[key]}"


def _outcome(entry: Entry) -> Outcome:
    """What a study needs of a stored outcome."""
    stored = entry["row"]
    names = ("status", "detail", "error", "tested", "chance", "loss", "flops", "sequences", "updates")
    return Outcome(**{name: stored[name] for name in (*names, "seconds", "parameters")})


def _scored(outcome: Outcome) -> Outcome:
    """The outcome without its curve and probes, which are in the journal."""
    outcome.curve, outcome.probes = [], []
    return outcome


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
