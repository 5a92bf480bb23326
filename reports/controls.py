"""Is it the lag? What a task's controls came to: learners that cannot bridge it, and its twin without it."""

from __future__ import annotations

from typing import NamedTuple

from longlag.bench.trial.spec import bridged
from longlag.reports.formats import number, percent, tally
from longlag.reports.results import Panel, Results

AT_CHANCE = 0.9
"""The share of the chance level that is still at chance."""


class Control(NamedTuple):
    """A control of a panel at a lag: its retests, the FLOPs of the dearest, and the median share wrong."""

    panel: Panel
    lag: int
    method: str
    twin: bool
    solved: int
    n: int
    flops: float
    error: float
    chance: float

    @property
    def fine(self) -> bool:
        """Whether it certifies the task: the twin is solved, the task by nothing that bridges no lag."""
        return bridged(self.solved, self.n) if self.twin else self.solved == 0

    @property
    def verdict(self) -> str:
        """One sentence."""
        runs = tally(self.solved, self.n)
        if self.twin:
            if self.fine:
                return f"{self.method} solves the task without its lag ({runs} of its twin)"
            within = f"within {number(self.flops)} FLOPs"
            return f"not solved without its lag either: {self.method} {runs} of its twin {within}"
        if not self.fine:
            return f"WARNING: {self.method}, which bridges nothing, solves it ({runs})"
        wrong = f"{percent(self.error)} wrong, chance {percent(self.chance)}"
        if self.error >= AT_CHANCE * self.chance:
            return f"{self.method} is at chance ({runs}, {wrong})"
        return f"{self.method} knows a part ({runs}, {wrong})"


def controls(results: Results) -> list[Control]:
    """Every control that was retested, in the order of the panels and their lags."""
    found = []
    retests = results.controls[results.controls["phase"] == "retest"]
    for panel in results.panels:
        found_in = results.of_group(panel.campaign, retests)
        own = found_in[(found_in["task"] == panel.task) & (found_in["certifies"] == panel.variant)]
        for _, runs in own.groupby(["lag", "method", "variant"], sort=True):
            lag, chance = int(runs["lag"].iloc[0]), float(runs["chance"].iloc[0])
            method, twin = str(runs["method"].iloc[0]), str(runs["variant"].iloc[0]) != panel.variant
            solved, error = int(runs["solved"].sum()), float(runs["error"].astype(float).median())
            # And not the budget: a limit of updates may have ended them before.
            flops = float(runs["flops"].max())
            found.append(Control(panel, lag, method, twin, solved, len(runs), flops, error, chance))
    return found


def certificates(results: Results) -> list[tuple[str, int, str]]:
    """A sentence for each panel, by its label, and lag that was certified; one where all say the same."""
    found: dict[tuple[Panel, int], list[str]] = {}
    for control in controls(results.apart):
        found.setdefault((control.panel, control.lag), []).append(control.verdict)
    told = {(panel, lag): "; ".join(said) for (panel, lag), said in found.items()}
    everywhere: dict[tuple[str, str, int], list[str]] = {}
    for (panel, lag), said in told.items():
        everywhere.setdefault((panel.task, panel.variant, lag), []).append(said)
    rows = []
    for (panel, lag), said in told.items():
        sentences = everywhere[panel.task, panel.variant, lag]
        alike = len(sentences) > 1 and len(set(sentences)) == 1
        rows.append((f"{panel.task}:{panel.variant}" if alike else panel.label, lag, said))
    return list(dict.fromkeys(rows))
