"""What a reader needs to repeat a campaign: versions, machine, commit."""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from longlag.bench.contract import kernels
from longlag.bench.store.manifest import COMPUTE, PYTHON
from longlag.bench.workers.pool import default_jobs

OTHERS = ("longlag", "pandas", "pyarrow", "altair")
"""Packages that read and show what trials have left."""
_ROOMS = tuple(f":(top){room}" for room in ("longlag", "bench", "methods", "tasks", "reports"))
"""Where the code that runs lies, for git."""


def command() -> str:
    """The command line as it was given, of absolute paths the last part: a manifest is published."""
    return shlex.join(["longlag", *map(_last_part, sys.argv[1:])])


def _last_part(argument: str) -> str:
    option, equals, value = argument.rpartition("=")
    return option + equals + (Path(value).name if Path(value).is_absolute() else value)


def versions(others: Iterable[str] = ()) -> dict[str, str]:
    """Python's version and those of the packages that matter, `others` among them."""
    found = {PYTHON: platform.python_version()}
    for package in (*COMPUTE, *OTHERS, *others):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def machine() -> dict[str, Any]:
    """The processor, its cores, the GPU if torch sees one, and which kernels networks compute with."""
    return {
        "system": platform.platform(),
        "cpu": _cpu(),
        "cores": default_jobs(),
        "threads_per_worker": 1,
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        **kernels.told(),
    }


def git() -> dict[str, Any]:
    """The commit the code is at, and whether it differs from it; nulls where neither is known.

    Outside a checkout it is what pip noted when it installed from a repository (PEP 610).
    """
    commit = _git("rev-parse", "HEAD") if _ours(_git("rev-parse", "--show-toplevel")) else None
    if commit is None:
        noted = json.loads(distribution("longlag").read_text("direct_url.json") or "{}")
        if "vcs_info" in noted:
            return {"commit": noted["vcs_info"]["commit_id"], "dirty": False}
        return {"commit": None, "dirty": None}
    # Notes and results do not count, whether tracked (the record book) or not.
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", *_ROOMS)
    new = _git(
        "ls-files", "--others", "--exclude-standard", "--full-name", "--", *(f"{r}/*.py" for r in _ROOMS)
    )
    return {"commit": commit, "dirty": None if changed is None or new is None else bool(changed or new)}


def _ours(top: str | None) -> bool:
    """Whether a repository is LongLag's own, and not that of somebody in whose folder it is installed."""
    home = find_spec("longlag")
    if top is None or home is None or home.origin is None:
        return False
    own = Path(top, "longlag", "__init__.py")
    return own.exists() and own.samefile(home.origin)


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
