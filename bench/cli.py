"""The command line: `longlag` and `python -m bench`. Exit codes: 0 done, 1 did not hold, 2 bad input."""

from __future__ import annotations

import sys
import warnings
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.exceptions
from rich.console import Console

from bench import listing, planning, profile
from bench.campaign import Coordinator
from bench.errors import BadInput
from bench.pool import LocalPool, default_jobs
from bench.profile import Profile
from bench.progress import Reporter, duration
from bench.registry import Registry, discover
from bench.spec import FAILED
from bench.store import STUDIES

INTERRUPTED = 130

app = typer.Typer(
    help="LongLag: which remedy bridges which lag, at what cost, and how the others fail.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()

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
PluginOption = Annotated[list[str] | None, typer.Option("--plugin", help="A plugin's Python file.")]


@app.command()
def run(
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
    out: Annotated[Path | None, typer.Option("--out", help="The campaign's folder.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Finish an interrupted campaign.")] = False,
) -> None:
    """Run a campaign: tune every case, retest the winners, write tables and report."""
    chosen = _profile(
        profile_name, methods, tasks, lags, trials, retests, budget, seed, timeout, memory, plugin
    )
    registry = _registry(chosen)
    folder = out or Path("results", "local", f"{chosen.name}-{chosen.seed}")
    coordinator = Coordinator(chosen, registry, folder, resume)
    try:
        for label, why in coordinator.skipped.items():
            console.print(f"skipped {label}: {why}", markup=False, highlight=False)
        if coordinator.complete:
            console.print(f"{folder} holds this campaign already, complete; nothing is run again.")
        else:
            _run(coordinator, chosen, registry, jobs or default_jobs())
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
) -> None:
    """Show the grid of a campaign, its FLOPs, and a time from a pilot step of each case."""
    chosen = _profile(
        profile_name, methods, tasks, lags, trials, retests, budget, seed, timeout, memory, plugin
    )
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
    plugin: PluginOption = None,
) -> None:
    """List methods, tasks and profiles, and broken plugins with their reasons."""
    listing.show(console, discover(tuple(plugin or ())), only_methods, only_tasks)


@app.command()
def report(
    folders: Annotated[list[Path], typer.Argument(help="Campaign folders.")],
    out: Annotated[Path | None, typer.Option("--out", help="Where several campaigns' report goes.")] = None,
) -> None:
    """Write the page and the tables again, from what is stored; several campaigns side by side."""
    _report(folders, out)


def _run(coordinator: Coordinator, chosen: Profile, registry: Registry, jobs: int) -> None:
    methods = sorted({case.method for case in coordinator.cases})
    for name in methods:
        registry.method(name).warm_up()
    console.print(
        f"campaign {chosen.name}, seed {chosen.seed}: {len(coordinator.cases)} cases of {chosen.trials} "
        f"trials and {chosen.retests} retests on {jobs} {'worker' if jobs == 1 else 'workers'}, "
        f"into {coordinator.folder}",
        soft_wrap=True,
        highlight=False,
    )
    pool = LocalPool(jobs, chosen.timeout, chosen.memory)
    reporter = Reporter(console, coordinator.total)
    try:
        with reporter:
            coordinator.run(pool, reporter)
    except KeyboardInterrupt:
        console.print(
            f"interrupted; nothing finished is lost. To go on: add --resume --out {coordinator.folder}",
            soft_wrap=True,
            highlight=False,
        )
        raise typer.Exit(INTERRUPTED) from None
    finally:
        pool.close()
    failed = {status: count for status, count in reporter.statuses.items() if status in FAILED}
    counts = ", ".join(f"{count} {status}" for status, count in reporter.statuses.most_common())
    console.print(
        f"{reporter.done} trials in {duration(coordinator.manifest['seconds'])}: {counts}", highlight=False
    )
    if failed:
        console.print(
            f"{sum(failed.values())} trials failed; their rows in trials.parquet say why "
            f"({coordinator.folder / STUDIES} has their hyperparameters)",
            soft_wrap=True,
            highlight=False,
        )


def _report(folders: list[Path], out: Path | None) -> None:
    hooks = {point.name: point for point in entry_points(group="longlag.reports")}
    if "page" not in hooks:
        raise BadInput("no report writer is installed: install longlag with `pip install -e .`")
    page = hooks["page"].load()(folders, out)
    if len(folders) == 1 and "table" in hooks:
        console.print(hooks["table"].load()(folders[0]))
    console.print(f"report: {page}", soft_wrap=True, highlight=False)


def _registry(chosen: Profile) -> Registry:
    registry = discover(tuple(chosen.plugins))
    for broken in registry.broken:
        console.print(f"broken plugin {broken.where}: {broken.reason}", markup=False, highlight=False)
    return registry


def _profile(
    name: str,
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
    base = profile.read(name)
    if methods is not None:
        overrides["methods"] = _split(methods)
    if plugins:
        overrides["plugins"] = [str(Path(plugin).resolve()) for plugin in plugins]
    grids = [grid.model_dump() for grid in base.tasks]
    if tasks is not None:
        known = {grid["task"]: grid for grid in grids}
        grids = [known.get(task, {"task": task}) for task in _split(tasks)]
    if lags is not None:
        overrides["lags"] = _lags(lags)
        grids = [{**grid, "lags": None} for grid in grids]
    if budget is not None:
        overrides["budget"] = budget
        grids = [{**grid, "budget": None} for grid in grids]
    return profile.parse({**base.model_dump(), **overrides, "tasks": grids}, "command line")


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _lags(text: str) -> list[int]:
    try:
        return [int(part) for part in _split(text)]
    except ValueError:
        raise BadInput(f"--lags {text}: whole numbers divided by commas, as 50,100") from None


def main() -> None:
    """The console script."""
    warnings.simplefilter("ignore")
    try:
        code = app(standalone_mode=False)
    except BadInput as error:
        code = _complain(str(error))
    except typer.exceptions.TyperException as error:
        code = _complain(" ".join(error.format_message().split()))
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str) -> int:
    print(f"longlag: {message}", file=sys.stderr)  # noqa: T201 - one plain line, never wrapped
    return 2
