"""Is the verdict fair? How well a confirmation holds, and what checking takes that nobody is charged."""

from __future__ import annotations

import pandas as pd

from longlag.reports.evidence import (
    CASE,
    SO,
    Evidence,
    Section,
    case_name,
    count_bridged,
    ends,
    listed,
    retests,
    table,
)
from longlag.reports.formats import interval, number, percent
from longlag.reports.formats import tally as of
from longlag.reports.statistics import Tally, wilson

LIMIT = 0.01
"""The share of wrong answers below which a task is solved; that of every task here."""


def confirmation(evidence: Evidence) -> Section:
    """How often a solved trial's last test is not below the limit."""
    runs = evidence.everything.drop_duplicates("run_id")
    solved = runs[runs["solved"].astype(bool)]
    above = solved["error"] >= LIMIT
    rows = [
        _row(str(method), own["error"], above[own.index])
        for method, own in solved.groupby("method", sort=False)
    ]
    fewest, most = ends(above.groupby(solved["method"]).mean())
    tried = retests(evidence.everything)
    cases = tried.groupby(["campaign", *CASE])
    won = tried["solved"].astype(bool)
    twice = won & (tried["error"] < LIMIT)
    as_is = [Tally(int(won[own.index].sum()), len(own)) for _, own in cases]
    strict = [Tally(int(twice[own.index].sum()), len(own)) for _, own in cases]
    k, n = int(above.sum()), len(solved)
    return Section(
        "The confirmation rule",
        "A trial is solved once under 1% of 1,000 fresh sequences are wrong. It asks again and again and "
        "stops when it first passes, so a pass is a little lucky. Every solved trial of all campaigns, "
        "those of tuning too, was then tested on another 1,000: how often 1% or more of these are wrong, "
        "and how many then.",
        table(
            ["method", "solved", "1% or more", "share", "95% interval", "their median", "the worst"],
            [*rows, _row("all", solved["error"], above)],
        ),
        f"Of the solved trials {percent(k / n)} have 1% or more of the last test wrong, from "
        f"{percent(fewest.value)} of {fewest.method}'s to {percent(most.value)} of {most.method}'s. Were a "
        f"retest solved only where the last test passes too, {count_bridged(strict)} of {len(strict)} cases "
        f"would be bridged instead of {count_bridged(as_is)}. {SO} a solved task is one with about 1% "
        f"wrong, {percent(float(solved['error'].max()))} at the worst, and not surely less than 1%.",
    )


def _row(name: str, error: pd.Series[float], above: pd.Series[bool]) -> list[str]:
    k, n = int(above.sum()), len(error)
    ends = wilson(k, n)
    return [
        name,
        str(n),
        str(k),
        percent(k / n),
        interval(ends.low, ends.high),
        percent(float(error[above].median())),
        percent(float(error.max())),
    ]


def _but(names: list[str]) -> str:
    return f", all but {listed(names)}" if names else ""


def checks(evidence: Evidence) -> Section:
    """The share of the time that validation and confirmation take."""
    timed = evidence.checks
    share, confirming = timed["checking"] / timed["seconds"], timed["confirming"] / timed["seconds"]
    rows = []
    for method, own in timed.groupby("method", sort=False):
        part = share[own.index]
        rows.append(
            [
                str(method),
                str(len(own)),
                percent(float(part.median())),
                percent(float(part.min())),
                percent(float(part.max())),
                percent(float(confirming[own.index].median())),
            ]
        )
    net = timed.assign(net=timed["seconds"] - timed["checking"])
    medians = net.groupby([*CASE[1:], "method"])[["seconds", "net"]].median().reset_index()
    moved, places = [], 0
    for key, case in medians.groupby(CASE[1:]):
        if len(case) > 1:
            places += 1
            if (case["seconds"].rank() != case["net"].rank()).any():
                moved.append(case_name(key))
    least, most = ends(share.groupby(timed["method"]).median())
    there = evidence.published["quick"].manifest.machine
    first = timed.iloc[0]
    return Section(
        "Checks are not charged",
        "Validation and confirmation are free. By the rule a trial is checked as often as keeps that below "
        "5% of its FLOPs, or below what its method asks for; what of the time? Retests of `results/quick` "
        "were run again, the first two of every case that solved it. The time is the processor's, from the "
        f"start of training to the end of the last check, with {first['threads']} thread on one of "
        f"{first['cores']} cores ({first['cpu']}), by `results/fairness/time_checks.py`. "
        f"{of(int(timed['same'].sum()), len(timed))} made as many updates as the stored rows say, which come "
        f"from a machine with {there['cpu']}. The share of the time that checks take, and confirmations, "
        "which are among them:",
        table(["method", "retests", "checks, median", "least", "most", "confirmation, median"], rows),
        f"Checks take {percent(least.value)} of the time of {least.method}, in the median, to "
        f"{percent(most.value)} of {most.method}'s. Without them the order of the methods by time is the "
        f"same in {places - len(moved)} of {places} cases{_but(moved)}. {SO} the seconds in a report are "
        f"not those of training: of {most.method} they are {number(1 / (1 - most.value))} times as many.",
    )
