"""`longlag claims`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from longlag.bench.cli.options import CodeOption, JobsOption
from longlag.bench.cli.terminal import INTERRUPTED, console
from longlag.bench.contract.errors import BadInput, nearest

if TYPE_CHECKING:
    from longlag.bench.campaign.coordinator import Coordinator
    from longlag.bench.campaign.profile import Profile


def claims(
    names: Annotated[list[str] | None, typer.Argument(help="Claims to run; none: show the ledger.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Run all that were not, cheapest first.")] = False,
    results: Annotated[Path, typer.Option("--results", help="Where their campaigns lie.")] = Path("results"),
    jobs: JobsOption = 0,
    code_changed: CodeOption = "refuse",
) -> None:
    """Show the literature's claims against what was measured here, or run some; what is known is kept."""
    from longlag.reports import claims as literature
    from longlag.reports import ledger

    known = literature.read()
    for name in names or ():
        if name not in known:
            raise BadInput(f"there is no claim {name!r}: {nearest(name, known)}")
        if known[name].not_comparable:
            raise BadInput(f"{name} cannot be run: {known[name].not_comparable}")
    folder = results / "claims"
    wanted = list(names or ())
    if everything:
        open_ = {n: c for n, c in known.items() if literature.find(c, folder / n).verdict == "not run"}
        wanted += sorted(open_, key=lambda name: _cost(_profile(name, known[name].profile)))
    for name in wanted:
        chosen = _profile(name, known[name].profile)
        try:
            coordinator = _opened(chosen, folder / name, code_changed)
        except BadInput as error:
            if name in (names or ()):
                raise
            # One whose folder holds another protocol must not keep the others from being run.
            console.print(f"skipped {name}: {error}", highlight=False, soft_wrap=True)
            continue
        if coordinator.complete:
            console.print("--results FOLDER runs it again, into another folder", soft_wrap=True)
        _run(coordinator, jobs)
    rows = ledger.table(results)
    console.print(_table(rows, wanted))
    for row in rows[rows["claim"].isin(names or ())].to_dict("records"):
        console.print(f"{row['claim']} {ledger.told(row)}", highlight=False, markup=False, soft_wrap=True)
    console.print(ledger.tally(rows), highlight=False)
    for verdict, meaning in ledger.MEANINGS.items():
        console.print(f"{verdict}: {meaning}", highlight=False)


def _profile(name: str, given: dict[str, object]) -> Profile:
    from longlag.bench.campaign import profile

    return profile.parse({"name": name, **given}, f"claim {name}")


def _opened(chosen: Profile, folder: Path, code_changed: CodeOption) -> Coordinator:
    from longlag.bench.campaign.launch import opened

    return opened(console, chosen, folder, resume=True, data=None, code_changed=code_changed)


def _run(coordinator: Coordinator, jobs: int) -> None:
    from longlag.bench.campaign.launch import launch

    try:
        if not (coordinator.complete or launch(console, coordinator, jobs)):
            raise typer.Exit(INTERRUPTED)
    finally:
        coordinator.close()


def _cost(chosen: Profile) -> float:
    """The most FLOPs a claim's campaign may take."""
    from longlag.bench.campaign import grid
    from longlag.bench.plugins.registry import discover

    ladders, _ = grid.ladders(chosen, discover(tuple(chosen.plugins)))
    return sum(ladder.phases.total * ladder.cell(lag).budget for ladder in ladders for lag in ladder.lags)


def _table(rows: object, wanted: list[str]) -> Table:
    """Long rather than wide: what is said of a claim over one another, in a terminal of 80 columns."""
    import pandas as pd

    assert isinstance(rows, pd.DataFrame)
    table = Table(title="claims", title_justify="left", box=box.SIMPLE_HEAD, leading=1)
    table.add_column("claim, paper, verdict", no_wrap=True)
    table.add_column("published; ours with its 95% interval", overflow="fold")
    for row in rows.to_dict("records"):
        if not wanted or row["claim"] in wanted:
            ran = not row["verdict"].startswith("not ") or row["verdict"] == "not reached"
            ours = [f"{row['ours']}, {row['solved']}", f"{row['FLOPs']} FLOPs, {row['seconds']} s"]
            said = [row["published"], *(ours if ran else ()), row["why"]]
            names = [Text(row["claim"]), Text(row["paper"], "dim"), Text(row["verdict"], "bold")]
            table.add_row(Text("\n").join(names), "\n".join(filter(None, said)))
    return table
