"""The coordinator: one process that owns the studies and the folder of a campaign.

Ladders run at the same time as far as there are slots; every finished trial is written to the journal before
its case gets the outcome. A campaign is resumed by running it again with the outcomes in its folder.
"""

from __future__ import annotations

import shlex
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import optuna

from longlag.bench import store
from longlag.bench.campaign import history
from longlag.bench.campaign.climb import Program, climb
from longlag.bench.campaign.folder import is_complete
from longlag.bench.campaign.grid import Cell, Ladder, ladders
from longlag.bench.campaign.limits import to_run_again
from longlag.bench.campaign.mixing import CodeChanged, let_pass, let_stand, of_other_code
from longlag.bench.campaign.profile import Profile
from longlag.bench.campaign.setting import fits
from longlag.bench.campaign.study import Carried, CaseProgram
from longlag.bench.contract.errors import BadInput
from longlag.bench.plugins.guard import patience, reason, where
from longlag.bench.plugins.registry import Registry
from longlag.bench.store import row
from longlag.bench.store.journal import Entry, Journal
from longlag.bench.store.studies import Studies
from longlag.bench.trial.spec import Case, Outcome, TrialSpec
from longlag.bench.workers.hashes import code_hash
from longlag.bench.workers.pool import Executor

OnRow = Callable[[dict[str, Any], list[dict[str, float]] | None], None]
"""Called with every finished trial's row, and its learning curve; None where an earlier run finished it."""


@dataclass
class _Running:
    """A ladder that runs: its program, and the batch it waits for."""

    program: Program
    ladder: Ladder
    specs: list[TrialSpec] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)


class Coordinator:
    """Runs a campaign in `folder`: `open` it, `run` it, and `close` it when done."""

    def __init__(self, profile: Profile, registry: Registry, folder: Path) -> None:
        """Raises BadInput where there is nothing to run."""
        self.profile = profile
        self.registry = registry
        self.folder = folder
        self.ladders, self.skipped = ladders(profile, registry)
        if not self.ladders:
            raise BadInput(f"profile {profile.name}: nothing to run: {next(iter(self.skipped.values()))}")
        if profile.setting:
            for ladder in self.ladders:
                task = registry.task(ladder.task, ladder.variant, ladder.lags[0])
                fits(profile.setting, registry.method(ladder.method), task)
        self.manifest = history.begun(profile, registry, self.ladders, self.skipped)
        self.notices: list[str] = []
        """One line for everything in the folder that was damaged."""
        self._known: dict[str, Outcome] = {}
        self._hashes = {
            pair: code_hash(registry.plugins(*pair))
            # Now, and not when a row is written: what is edited meanwhile has not run.
            for pair in {(ladder.method, ladder.task) for ladder in self.ladders}
        }
        self._runs: dict[Ladder, list[TrialSpec]] = {ladder: [] for ladder in self.ladders}
        self._ended: set[Ladder] = set()
        self._studies = Studies(folder / store.STUDIES)
        self.complete = False

    def open(
        self, resume: bool, code_changed: CodeChanged = "refuse", against: Sequence[str] = ()
    ) -> Coordinator:
        """Lock the folder and read what it holds; returns itself.

        `against`: the campaigns to show beside, noted for when it is resumed; empty, those noted stay.

        Raises BadInput where it holds another campaign, or this one unfinished and `resume` is false, or with
        trials that other code or versions ran, which `code_changed` refuses; or complete, by other code, and
        `resume` is false.
        """
        folder = self.folder
        self.manifest.against = list(against)
        is_complete(folder, self.manifest, resume)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"{folder}: cannot be made: {error.strerror}") from None
        self._lock = store.lock(folder)
        try:
            # Again: another coordinator may have finished, or begun, before this one had the lock.
            self.complete = is_complete(folder, self.manifest, resume)
            # After a crash at the very end there is still the journal, to write damaged tables again from.
            if self.complete:
                self.complete = self._is_whole(resume)
            if self.complete:
                self.notices += let_stand(folder, of_other_code(folder, self._grid, self._hash), resume)
                (folder / store.JOURNAL).unlink(missing_ok=True)
            else:
                self._read(code_changed)
        except BaseException:
            self._lock.release()
            raise
        return self

    def _is_whole(self, resume: bool) -> bool:
        """Whether a finished campaign's tables are; raises BadInput where they are not, without `resume`."""
        lost = store.lost(self.folder)
        if lost and not resume and not (self.folder / store.JOURNAL).exists():
            raise BadInput(f"{lost}; add --resume to run again what is lost")
        return not lost

    def _read(self, code_changed: CodeChanged) -> None:
        """Read the outcomes in the folder, and open its journal."""
        grid = self._grid
        again: set[str] = set()
        if (self.folder / store.MANIFEST).exists():
            before = store.read_manifest(self.folder)
            others = of_other_code(self.folder, grid, self._hash)
            # Before anything is mended: what is refused is left as it was.
            self.notices = let_pass(self.folder, before, self.manifest, others, code_changed)
            again = to_run_again(self.folder, before, self.manifest)
            self.manifest, told = history.resumed(before, self.manifest, others)
            self.notices += told
        self.notices += store.salvage(self.folder) + store.take_back(self.folder)
        if again:
            store.forget(self.folder, again)
            self.notices.append(f"trials that met a limit which is larger now, run again: {len(again)}")
        ours = (
            row for row in store.rows(self.folder) if (row["method"], row["task"], row["variant"]) in grid
        )
        self._known = {row["run_id"]: store.outcome(row) for row in ours}
        store.write_manifest(self.folder, self.manifest)
        self._journal = Journal.open(self.folder / store.JOURNAL)

    @property
    def _grid(self) -> set[tuple[str, str, str]]:
        """The methods and task variants of its ladders."""
        return {(ladder.method, ladder.task, ladder.variant) for ladder in self.ladders}

    @property
    def known(self) -> int:
        """Trials in the folder that no case has asked for yet."""
        return len(self._known)

    @property
    def total(self) -> int:
        """Trials of the whole campaign: of a climb under way, two rungs more than it has ended.

        A guess, then, unless all lags are given.
        """
        return sum(map(self._expected, self.ladders))

    def _expected(self, ladder: Ladder) -> int:
        runs = self._runs[ladder]
        if ladder in self._ended:
            return len(runs)
        # Asked with every row, so it counts no more than the rung that runs.
        if not runs or not ladder.climbs:
            return ladder.phases.total * (1 + (len(ladder.lags) > 1))
        begun = runs[-1].case.lag
        of_rung = sum(1 for _ in takewhile(lambda spec: spec.case.lag == begun, reversed(runs)))
        return len(runs) - of_rung + ladder.phases.total * (1 + (begun < ladder.lags[-1]))

    def run(self, executor: Executor, on_row: OnRow) -> None:
        """Run what is not known yet; on return the folder is complete."""
        started = time.monotonic()
        waiting = deque(self.ladders)
        futures: dict[Future[Any], tuple[_Running, int]] = {}
        while waiting or futures:
            while waiting and len(futures) < 2 * executor.slots + 2:
                ladder = waiting.popleft()
                program = climb(ladder, self.profile.bisect, self._setup)
                self._advance(_Running(program, ladder), executor, futures, on_row)
            if futures:
                done, _ = wait(futures, return_when=FIRST_COMPLETED)
                self._collect(done, executor, futures, on_row)
        self._finish(time.monotonic() - started)

    def close(self) -> None:
        """Close the journal, and release the folder's lock."""
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
        ended: list[tuple[_Running, int, Outcome]] = []
        broken: BadInput | None = None
        for future in done:
            running, index = futures.pop(future)
            try:
                ended.append((running, index, executor.outcome(future)))
            except BadInput as error:
                broken = error
        entries = [self._entry(running.specs[index], outcome) for running, index, outcome in ended]
        self._journal.append(entries)
        if broken is not None:
            raise broken
        for entry in entries:
            on_row(entry["row"], entry["curve"])
        for running, index, outcome in ended:
            running.outcomes[index] = store.without_parts(outcome)
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
        """Send a ladder its outcomes and start its next batches, until one needs workers or it ends."""
        while len(running.outcomes) == len(running.specs):
            answers = [running.outcomes[index] for index in range(len(running.specs))]
            try:
                running.specs = running.program.send(answers) if running.specs else next(running.program)
            except StopIteration as end:
                self._ended.add(running.ladder)
                for study in end.value:
                    self._export(study)
                return
            running.outcomes = {}
            self._runs[running.ladder] += running.specs
            for index, spec in enumerate(running.specs):
                known = self._known.pop(spec.run_id, None)
                if known is None and spec.fault:
                    known = Outcome("crashed", spec.fault)
                    self._journal.append([self._entry(spec, known)])
                if known is None:
                    futures[executor.submit(spec)] = running, index
                else:
                    running.outcomes[index] = known
                    on_row(row(spec, known, self._hash(spec.case)), None)

    def _setup(self, cell: Cell, rung: int, below: Carried | None) -> CaseProgram | None:
        """A case's program; None, and the case skipped, where its plugins cannot be set up any more."""
        case = cell.case
        try:
            with patience():
                task = self.registry.task(case.task, case.variant, case.lag)
                method = self.registry.method(case.method)
        except Exception as error:
            self.manifest.skipped[case.label] = where(error)
            return None
        return CaseProgram(cell, self.profile, method, task, rung, below)

    def _entry(self, spec: TrialSpec, outcome: Outcome) -> Entry:
        return {"row": row(spec, outcome, self._hash(spec.case)), **store.parts(outcome)}

    def _hash(self, case: Case) -> str:
        return self._hashes[case.method, case.task]

    def _export(self, study: optuna.Study) -> None:
        try:
            self._studies.add(study)
        except OSError as error:
            raise BadInput(
                f"{self._studies.path}: cannot be written: {reason(error)}; all finished trials are "
                f"safe, make room and add --resume --out {shlex.quote(str(self.folder))}"
            ) from None

    def _finish(self, seconds: float) -> None:
        self._journal.close()
        in_order = (spec.run_id for ladder in self.ladders for spec in self._runs[ladder])
        store.compact(self.folder, in_order)
        self.manifest.finished = history.now()
        self.manifest.seconds += seconds
        store.write_manifest(self.folder, self.manifest)
        (self.folder / store.JOURNAL).unlink()
        self.complete = True
