"""What each chart says, in a sentence computed from its rows, and of how many runs."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from longlag.reports.answers import listed
from longlag.reports.curves import norms
from longlag.reports.figures import Caption
from longlag.reports.formats import number, percent, tally
from longlag.reports.inside import shown_first
from longlag.reports.knobs import knobs
from longlag.reports.paid import paid
from longlag.reports.profiles import by_campaign
from longlag.reports.reach import reach
from longlag.reports.results import Panel, Results
from longlag.reports.tries import attempts


def counted(count: int, what: str) -> str:
    """A number of things: `1 retest`, `2 retests`."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def _retests(results: Results, panel: Panel) -> str:
    return counted(len(results.of(panel, results.retests)), "retest")


def _reach(results: Results, panel: Panel) -> Caption:
    found = {method: reach(results, panel, method) for method in results.methods}
    known = {method: each for method, each in found.items() if each is not None}
    farthest = max((each.bridged or 0 for each in known.values()), default=0)
    n = _retests(results, panel)
    if not farthest:
        return Caption("No method bridges the shortest lag that it was tried at.", n)
    best = [method for method, each in known.items() if each.bridged == farthest]
    open_ended = any(known[method].open for method in best)
    beyond = ", the longest lag that was tried" if open_ended else ""
    none = [method for method, each in known.items() if each.bridged is None]
    said = f"{listed(best)} {'reach' if len(best) > 1 else 'reaches'} farthest, {farthest}{beyond}"
    said += f"; {listed(none)} {'bridge' if len(none) > 1 else 'bridges'} no lag tried" if none else ""
    return Caption(f"{said}.", n)


def _ladder(results: Results, panel: Panel) -> Caption:
    cases = results.cases_of(panel)
    cases = cases[cases["n"] > 0]
    longest = int(cases["lag"].max())
    there = cases[cases["lag"] == longest].sort_values("rate", ascending=False, kind="stable")
    n = _retests(results, panel)
    told = zip(there["method"], there["solved"].tolist(), there["n"].tolist(), strict=True)
    rates = listed([f"{method} {tally(solved, tried)}" for method, solved, tried in told])
    return Caption(f"Solved at the longest lag tried, {longest}: {rates}.", n)


def _errors(results: Results, panel: Panel) -> Caption:
    cases = results.cases_of(panel)
    cases = cases[cases["median_error"].notna()]
    n = _retests(results, panel)
    if cases.empty:
        return Caption("", n)
    longest = int(cases["lag"].max())
    there = cases[cases["lag"] == longest]
    least, chance = float(there["median_error"].min()), float(there["chance"].iloc[0])
    best = there.loc[there["median_error"] == least, "method"].tolist()
    verb = "have" if len(best) > 1 else "has"
    said = f"At lag {longest} {listed(best)} {verb} the lowest median error, {percent(least)}"
    return Caption(f"{said} (chance {percent(chance)}).", n)


def _cost(results: Results, panel: Panel) -> Caption:
    cases = results.cases_of(panel)
    solved = cases[cases["solved"] > 0]
    n = _retests(results, panel)
    if solved.empty:
        return Caption("No retest solves the task within its budget.", n)
    lag = _shared_lag(solved)
    there = solved[solved["lag"] == lag].sort_values("median_flops_to_solve", kind="stable")
    costs = there["median_flops_to_solve"].tolist()
    said = f"At lag {lag} {there['method'].iloc[0]} is the cheapest, a median of {number(costs[0])} FLOPs"
    if len(costs) > 1:
        said += f", {number(costs[1] / costs[0])} times less than {there['method'].iloc[1]}"
    return Caption(f"{said}.", n)


def _shared_lag(rows: pd.DataFrame) -> int:
    """Where most methods can be compared; of equals the longest."""
    counts = rows.groupby("lag").size()
    return int(counts[counts == counts.max()].index.max())


def _paid(results: Results, panel: Panel) -> Caption:
    rows = paid(results, panel)
    n = counted(len(rows[["method", "lag"]].drop_duplicates()), "case")
    rows = rows[rows["measure"] == "state bytes"]
    if rows.empty:
        return Caption("", n)
    lag = _shared_lag(rows)
    there = rows[rows["lag"] == lag].sort_values("value", kind="stable")
    least, most = there.iloc[0], there.iloc[-1]
    said = f"At lag {lag} {least['method']} remembers {number(least['value'])} bytes of a sequence"
    said += f", {most['method']} {number(most['value'])}" if len(there) > 1 else ""
    return Caption(f"{said}.", n)


def _learning(results: Results, panel: Panel) -> Caption:
    runs = results.of(panel, results.curves).drop_duplicates("run_id")
    whole = results.of(panel, results.retests)
    whole = whole[whole["run_id"].isin(runs["run_id"])]
    solved = int(whole["solved"].sum())
    lags = f"of lags {', '.join(map(str, sorted(set(whole['lag']))))}"
    return Caption(f"{solved} of {len(whole)} curves {lags} end solved.", counted(len(whole), "retest"))


def _outcomes(results: Results, panel: Panel) -> Caption:
    runs = results.of(panel, results.retests)
    lost = runs[~runs["solved"].astype(bool)]
    ends = [f"{count} {status}" for status, count in lost["status"].value_counts().items()]
    said = f"{len(lost)} of {len(runs)} retests are unsolved: {listed(ends)}."
    return Caption(said, counted(len(runs), "retest"))


def _gradients(results: Results, panel: Panel) -> Caption:
    found = results.of(panel, results.once(norms))
    n = counted(results.of(panel, results.probes)["run_id"].nunique(), "probed retest")
    after = found[found["moment"] == "after"]
    if after.empty:
        return Caption("After training no gradient was probed that is above zero.", n)
    lag = int(after["lag"].max())
    there = after[after["lag"] == lag].groupby("method", sort=False)
    kept = {
        str(method): float(own["gradient_norm"].iloc[-1] / own["gradient_norm"].iloc[0])
        for method, own in there
        if len(own) > 1
    }
    if not kept:
        return Caption("", n)
    most, least = max(kept, key=lambda name: kept[name]), min(kept, key=lambda name: kept[name])
    said = f"At lag {lag}, after training, the gradient farthest back is {number(kept[most])} of the nearest"
    said += f" in {most}" + (f" and {number(kept[least])} in {least}" if least != most else "")
    return Caption(f"{said}.", n)


def _inside(results: Results, panel: Panel) -> Caption:
    probes = results.of(panel, results.probes)
    n = counted(probes.loc[probes["updates"].notna(), "run_id"].nunique(), "probed retest")
    measure, ends = shown_first(results, panel)
    if ends.empty:
        return Caption("", n)
    ends = ends.sort_values("value", kind="stable")
    least, most = ends.iloc[0], ends.iloc[-1]
    said = f"At lag {most['lag']}, after training, {measure}: {number(most['value'])} in {most['method']}"
    other = f" and {number(least['value'])} in {least['method']}" if len(ends) > 1 else ""
    return Caption(f"{said}{other}.", n)


def _tuning(results: Results, panel: Panel) -> Caption:
    found = results.of(panel, results.once(attempts))
    tried, solved = int(found["tried"].sum()), int(found["solved"].sum())
    never = int(found["first"].isna().sum())
    said = f"{solved} of {tried} trials solve; in {never} of {counted(len(found), 'case')} none does."
    return Caption(said, counted(tried, "tuning trial"))


def _profile(results: Results, panel: Panel) -> Caption:
    found = results.once(by_campaign)
    found = found[found["campaign"] == panel.campaign]
    cases = int(found["cases"].iloc[0])
    if not found["share"].max() > 0:
        return Caption("No method solves a case.", counted(cases, "case"))
    cheapest = _best(found[found["tau"] == found["tau"].min()])
    widest = _best(found[found["tau"] == found["tau"].max()])
    return Caption(
        f"{cheapest} of the cases as the cheapest; {widest} within {found['tau'].max():g} times its cost.",
        counted(cases, "case"),
    )


def _best(rows: pd.DataFrame) -> str:
    most = rows["share"].max()
    names = rows.loc[rows["share"] == most, "method"].tolist()
    return f"{listed(names)} {'solve' if len(names) > 1 else 'solves'} {percent(float(most))}"


def _heat(results: Results, panel: Panel) -> Caption:
    found = results.once(knobs)
    found = found[(found["campaign"] == panel.campaign) & (found["knob"] != "")]
    mean = found.groupby(["method", "knob"], sort=False)["importance"].mean().reset_index()
    first = mean.sort_values("importance", ascending=False, kind="stable").drop_duplicates("method")
    told = [f"{knob} of {method}" for method, knob in zip(first["method"], first["knob"], strict=True)]
    trials = int(found.drop_duplicates(["method", "lag"])["trials"].sum())
    return Caption(f"Most important over all lags: {listed(told)}.", counted(trials, "tuning trial"))


CAPTIONS: dict[str, Callable[[Results, Panel], Caption]] = {
    "reach": _reach,
    "ladder": _ladder,
    "errors": _errors,
    "cost": _cost,
    "paid": _paid,
    "learning": _learning,
    "outcomes": _outcomes,
    "gradients": _gradients,
    "inside": _inside,
    "tuning": _tuning,
    "profile": _profile,
    "heat": _heat,
}
