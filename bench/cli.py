"""The command line: `longlag` and `python -m bench`. Exit codes: 0 done, 1 did not hold, 2 bad input."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from importlib import metadata
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.exceptions
from rich.console import Console

from bench import data as datasets
from bench import listing, planning, profile, reference, store, surroundings
from bench.campaign import Coordinator
from bench.errors import BadInput
from bench.launch import launch
from bench.pool import LocalPool, default_jobs
from bench.profile import Profile
from bench.registry import Registry, discover
from bench.replay import find, stored_profile
from bench.replay import replay as replay_row

INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(markup=False, emoji=False, highlight=False)
"""What names say is literal: they may hold anything."""

ProfileOption = Annotated[str, typer.Option("--profile", help="A profile's name, or its TOML file.")]
MethodsOption = Annotated[str | None, typer.Option("--methods", help="Methods: a,b+c (b and c combined).")]
TasksOption = Annotated[str | None, typer.Option("--tasks", help="Tasks: t,u:variant.")]
LagsOption = Annotated[str | None, typer.Option("--lags", help="Lags, for every task: 50,100.")]
TrialsOption = Annotated[int | None, typer.Option("--trials", help="Tuning trials a case.")]
RetestsOption = Annotated[int | None, typer.Option("--retests", help="Retests of each case's winner.")]
BudgetOption = Annotated[float | None, typer.Option("--budget", help="FLOPs a trial may spend, as 2e11.")]
SeedOption = Annotated[int | None, typer.Option("--seed", help="The campaign's seed.")]
JobsOption = Annotated[int, typer.Option("--jobs", min=0, help="Worker processes; 0: one a core.")]
TimeoutOption = Annotated[float | None, typer.Option("--timeout", help="Seconds a trial may take.")]
MemoryOption = Annotated[float | None, typer.Option("--memory", help="GiB a trial may take.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="The folder of the data sets that you have, as MNIST's files.")
]
PluginOption = Annotated[list[str] | None, typer.Option("--plugin", help="A plugin's Python file.")]


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """LongLag: which remedy bridges which lag, at what cost, and how the others fail."""
    if version:
        typer.echo(f"longlag {metadata.version('longlag')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


@app.command()
def run(
    profile_name: Annotated[
        str | None, typer.Option("--profile", help="A profile's name, or its TOML file; quick if not given.")
    ] = None,
    methods: MethodsOption = None,
    tasks: TasksOption = None,
    lags: LagsOption = None,
    trials: TrialsOption = None,
    retests: RetestsOption = None,
    budget: BudgetOption = None,
    seed: SeedOption = None,
    jobs: JobsOption = 0,
    timeout: TimeoutOption = None,
    memory: MemoryOption = None,
    plugin: PluginOption = None,
    data: DataOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="The campaign's folder.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Finish an interrupted campaign.")] = False,
    dask: Annotated[
        str | None, typer.Option("--dask", help="Run on the Dask cluster whose scheduler is at ADDRESS.")
    ] = None,
) -> None:
    """Run a campaign: tune every case, retest the winners, write tables and report."""
    if profile_name is None and resume and out is not None:
        base = stored_profile(out)
    else:
        base = profile.read(profile_name or "quick")
    chosen = _profile(base, methods, tasks, lags, trials, retests, budget, seed, timeout, memory, plugin)
    registry = _registry(chosen)
    folder = out or _default_folder(chosen, base)
    resumes = resume and store.exists(folder / store.MANIFEST)
    datasets.use(data, store.read_manifest(folder).get("data") if resumes else None)
    coordinator = Coordinator(chosen, registry, folder, resume)
    try:
        for notice in coordinator.notices:
            console.print(notice, soft_wrap=True)
        for label, why in coordinator.skipped.items():
            console.print(f"skipped {label}: {why}")
        if coordinator.complete:
            console.print(
                f"{folder} holds this campaign already, complete; nothing is run again.", soft_wrap=True
            )
        else:
            if not launch(console, coordinator, chosen, registry, jobs or default_jobs(), dask):
                raise typer.Exit(INTERRUPTED)
    finally:
        coordinator.close()
    _report([folder], None)


@app.command()
def plan(
    profile_name: ProfileOption = "quick",
    methods: MethodsOption = None,
    tasks: TasksOption = None,
    lags: LagsOption = None,
    trials: TrialsOption = None,
    retests: RetestsOption = None,
    budget: BudgetOption = None,
    seed: SeedOption = None,
    jobs: JobsOption = 0,
    timeout: TimeoutOption = None,
    memory: MemoryOption = None,
    plugin: PluginOption = None,
    data: DataOption = None,
) -> None:
    """Show the grid of a campaign, its FLOPs, and a time from a pilot step of each case."""
    datasets.use(data)
    base = profile.read(profile_name)
    chosen = _profile(base, methods, tasks, lags, trials, retests, budget, seed, timeout, memory, plugin)
    slots = jobs or default_jobs()
    pool = LocalPool(slots, chosen.timeout, chosen.memory)
    try:
        planning.show(console, chosen, _registry(chosen), pool)
    finally:
        pool.close()


@app.command("list")
def list_(
    only_methods: Annotated[bool, typer.Option("--methods", help="Methods alone.")] = False,
    only_tasks: Annotated[bool, typer.Option("--tasks", help="Tasks alone, with their definitions.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The tasks as a page of Markdown.")] = False,
    plugin: PluginOption = None,
) -> None:
    """List methods, tasks and profiles, and broken plugins with their reasons."""
    if markdown:
        typer.echo(reference.tasks(discover(tuple(plugin or ()))), nl=False)
        return
    listing.show(console, discover(tuple(plugin or ())), only_methods, only_tasks)


@app.command()
def report(
    folders: Annotated[list[Path], typer.Argument(help="Campaign folders.")],
    out: Annotated[Path | None, typer.Option("--out", help="Where several campaigns' report goes.")] = None,
) -> None:
    """Write the page and the tables again, from what is stored; several campaigns side by side."""
    _report(folders, out)


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The campaign's folder.")],
    run_id: Annotated[str, typer.Argument(help="The run's id, or the beginning of it.")],
    data: DataOption = None,
) -> None:
    """Run a stored trial again, and check that it comes out the same; exit code 1 if it does not."""
    datasets.use(data, store.read_manifest(folder).get("data"))
    chosen = stored_profile(folder)
    stored = find(folder, run_id)
    pool = LocalPool(1, chosen.timeout, chosen.memory)
    try:
        result = replay_row(stored, chosen, discover(tuple(chosen.plugins)), pool)
    finally:
        pool.close()
    name = f"run {stored['run_id']} ({stored['phase']} {stored['trial']} of {stored['method']})"
    if result.code_changed:
        console.print(
            f"the code has changed since: {stored['code_hash']} then, {result.again['code_hash']} now",
            soft_wrap=True,
        )
    for column, (then, now) in result.differences.items():
        console.print(f"{column}: {then} then, {now} now", soft_wrap=True)
    if result.differences:
        console.print(f"{name} did not come out the same", soft_wrap=True)
        raise typer.Exit(1)
    console.print(f"{name} came out the same: {stored['status']}", soft_wrap=True)


def _report(folders: list[Path], out: Path | None) -> None:
    hooks = {point.name: point for point in entry_points(group="longlag.reports")}
    if "page" not in hooks:
        raise BadInput("no report writer is installed: install longlag with `pip install -e .`")
    page = hooks["page"].load()(folders, out)
    if len(folders) == 1 and "table" in hooks:
        console.print(hooks["table"].load()(folders[0]))
    console.print(f"report: {page}", soft_wrap=True)


def _default_folder(chosen: Profile, base: Profile) -> Path:
    """A folder of its own for every campaign: a profile that was changed is told apart by a hash."""
    name = f"{chosen.name}-{chosen.seed}"
    own, given = ({**p.defining(), "seed": 0} for p in (chosen, base))
    if own != given:
        text = json.dumps(own, sort_keys=True)
        name += f"-{hashlib.blake2b(text.encode(), digest_size=3).hexdigest()}"
    return Path("results", "local", name)


def _registry(chosen: Profile) -> Registry:
    registry = discover(tuple(chosen.plugins))
    for broken in registry.broken:
        console.print(f"broken plugin {broken.where}: {broken.reason}")
    return registry


def _profile(
    base: Profile,
    methods: str | None,
    tasks: str | None,
    lags: str | None,
    trials: int | None,
    retests: int | None,
    budget: float | None,
    seed: int | None,
    timeout: float | None,
    memory: float | None,
    plugins: list[str] | None,
) -> Profile:
    """The profile with the command line's changes; raises BadInput."""
    numbers = {"trials": trials, "retests": retests, "seed": seed, "timeout": timeout, "memory": memory}
    overrides: dict[str, Any] = {key: value for key, value in numbers.items() if value is not None}
    if methods is not None:
        overrides["methods"] = chosen = _split(methods)
    if plugins:
        missing = [plugin for plugin in plugins if not Path(plugin).is_file()]
        if missing:
            raise BadInput(f"--plugin {missing[0]}: no such file")
        overrides["plugins"] = [str(Path(plugin).resolve()) for plugin in plugins]
    grids = [grid.model_dump() for grid in base.tasks]
    if methods is not None:
        # What is said of certain methods is left where one of them is wanted.
        own = [[m for m in grid["methods"] or chosen if m in chosen] for grid in grids]
        grids = [{**grid, "methods": some} for grid, some in zip(grids, own, strict=True) if some]
    if trials is not None:
        grids = [{**grid, "trials": None} for grid in grids]
    if tasks is not None:
        wanted = _split(tasks)
        known = {grid["task"] for grid in grids}
        new = [profile.TaskGrid(task=task).model_dump() for task in wanted if task not in known]
        grids = [grid for grid in grids if grid["task"] in wanted] + new
    if lags is not None:
        overrides["lags"] = _lags(lags)
        grids = _of_any_lag(grids)
    if budget is not None:
        overrides["budget"] = budget
        grids = [{**grid, "budget": None} for grid in grids]
    return profile.parse({**base.model_dump(), **overrides, "tasks": grids}, "command line")


def _of_any_lag(grids: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry a task and its methods: of several, each for some lags, what they have in common."""
    together: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for grid in grids:
        together.setdefault((grid["task"], *(grid["methods"] or ())), []).append(grid)
    return [
        {key: value for key, value in same[0].items() if key != "lags" and all(g[key] == value for g in same)}
        for same in together.values()
    ]


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _lags(text: str) -> list[int]:
    try:
        return [int(part) for part in _split(text)]
    except ValueError:
        raise BadInput(f"--lags {text}: whole numbers divided by commas, as 50,100") from None


def main() -> None:
    """The console script."""
    surroundings.prepare()
    # Batch systems end a job with SIGTERM: the same clean end as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(standalone_mode=False)
    except BadInput as error:
        code = _complain(str(error))
    except typer.exceptions.TyperException as error:
        code = _complain(" ".join(error.format_message().split()))
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    if code == INTERRUPTED:
        # At once: taking down the libraries can take seconds, and everything is on disk.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str) -> int:
    line = " ".join(message.splitlines())
    print(f"longlag: {line}", file=sys.stderr)  # noqa: T201 - one plain line, never wrapped
    return 2
