"""Every command a user needs; `nox -l` lists them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests", "lint", "types"]

# pip with the pinned versions: anything else may pull gigabytes of another torch build.
PINNED = ("-c", "constraints.txt")
# As links, which mypy and import-linter can follow; they cannot follow what pip writes otherwise.
LINKED = ("--config-settings", "editable_mode=strict")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@nox.session
def bench(session: nox.Session) -> None:
    """Run a benchmark campaign and write its report: nox -s bench -- --profile laptop."""
    session.install(*PINNED, "-e", ".")
    session.run("longlag", "run", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, some files at a time: nox -s tests -- tests/methods -k lstm."""
    session.install(*PINNED, "-e", ".[test]")
    # By files or groups, whose tests share the campaigns they look at, in the order of tests/conftest.py.
    # Twice as many at once as there are cores, for half of the time they wait for what they have started.
    workers = str(min(4, 2 * (os.cpu_count() or 1)))
    session.run(
        *("pytest", "-n", workers, "--dist=loadgroup", "--no-loadscope-reorder"),
        *session.posargs,
        env=ONE_THREAD,
    )


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting with ruff, and with import-linter which room imports which."""
    session.install(*PINNED, "ruff", "import-linter")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.install("--no-deps", *LINKED, "-e", ".")
    # Not from here, where `longlag` would be the folder of that name, which does not hold the others.
    with session.chdir("longlag"):
        session.run("lint-imports", "--no-cache", "--no-logo", "../pyproject.toml")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy --strict."""
    session.install(*PINNED, *LINKED, "-e", ".[types]")
    session.run("mypy")


@nox.session
def speed(session: nox.Session) -> None:
    """Hold speed, as ratios, against its bars; all of it goes to results/speed: nox -s speed -- -k tanh."""
    session.install(*PINNED, "-e", ".[test,cluster]")
    session.run(
        *("pytest", "tests/speed", "--benchmark-enable", "--benchmark-columns=min,median,rounds"),
        # A part of it replaces nothing that is stored.
        *(session.posargs or ["--benchmark-json=results/speed/speed.json"]),
        env=ONE_THREAD,
    )


@nox.session
def cluster(session: nox.Session) -> None:
    """Run a campaign on a real Dask scheduler and workers, some of which are lost."""
    session.install(*PINNED, "-e", ".[test,cluster]")
    session.run("pytest", "tests/bench/workers", "-m", "cluster", *session.posargs, env=ONE_THREAD)


@nox.session
def gallery(session: nox.Session) -> None:
    """Compute the pictures that explain why, as a page and as files: nox -s gallery -- cliff."""
    session.install(*PINNED, "-e", ".")
    session.run("longlag", "gallery", *session.posargs, env=ONE_THREAD)


@nox.session
def browser(session: nox.Session) -> None:
    """Open the pages in a Chromium, the one that is installed or one that is fetched, without a network."""
    session.install(*PINNED, "-e", ".[test,browser]")
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        session.run("playwright", "install", "chromium")
    session.run("pytest", "tests/browser", "-m", "browser", *session.posargs, env=ONE_THREAD)


@nox.session
def strength(session: nox.Session) -> None:
    """Check that every remedy still solves what it did; keep the rows in results/strength."""
    session.install(*PINNED, "-e", ".[test]")
    run, kept = Path("results", "local", "strength"), Path("results", "strength")
    if "--resume" not in session.posargs:
        shutil.rmtree(run, ignore_errors=True)
    session.run("pytest", "-s", "tests/strength", "-m", "strength", env=ONE_THREAD)
    shutil.copytree(
        run, kept, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*", "studies.log", "*.html", "*.tex")
    )


@nox.session
def docs(session: nox.Session) -> None:
    """Generate the pages that are made of plugins, columns and results, and the site, in build/site."""
    # Not as links, which what reads the docstrings cannot follow.
    session.install(*PINNED, ".[docs]", "ruff")
    session.run("python", "-m", "longlag.reports.pages", "docs", "results")
    session.run("mkdocs", *(session.posargs or ["build"]), env={"NO_MKDOCS_2_WARNING": "1"})
