"""Installed, `longlag` is ours wherever it is run: also beside a `tasks/` and a `methods.py` of one's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("bench", "longlag", "methods", "reports", "tasks", "pyproject.toml", "README.md", "LICENSE")
CAMPAIGN = (
    *("--plugin", str(ROOT / "tests" / "bench" / "chores.py"), "--methods", "nothing", "--tasks", "chore"),
    *("--lags", "1", "--trials", "1", "--retests", "1", "--budget", "1e4", "--jobs", "1"),
)
MINE = "raise RuntimeError('this is the file of the user')\n"

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files a package is made of, so that nothing is built into the real folder."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An environment that sees what is installed here, but for LongLag itself."""
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    # As plain entries of the path: a .pth file found through one is not read, so that no editable install is.
    shared = [path for path in sys.path if path.endswith("site-packages")]
    (site / "shared.pth").write_text("\n".join([*shared, sysconfig.get_path("purelib")]) + "\n")
    return folder / "bin" / "python"


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """A folder in which a user keeps work of his own, under names that are ours too."""
    folder = tmp_path / "work"
    for name in ("bench", "reports", "tasks"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(MINE)
    (folder / "methods.py").write_text(MINE)
    return folder


@pytest.mark.parametrize("how", [[], ["-e"], ["--config-settings", "editable_mode=strict", "-e"]])
def test_beside_the_user_s_own_files(how: list[str], clone: Path, python: Path, user: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps")
    run(*pip, "--no-build-isolation", *how, clone, cwd=user)
    where = run(python, "-c", "import longlag.methods.vanilla as v; print(v.__file__)", cwd=user)
    assert Path(where.strip()).is_relative_to(python.parents[1] if not how else clone)
    assert run(python, "-m", "longlag", "--version", cwd=user).startswith("longlag 0.")
    printed = run(python.with_name("longlag"), "list", cwd=user)
    assert "echo_state" in printed
    assert "temporal_order" in printed
    assert "tiny" in printed
    assert "broken" not in printed
    # In the clone itself the folder `longlag` is found first, which does not hold the others.
    assert run(python, "-m", "longlag", "--version", cwd=clone).startswith("longlag 0.")
    printed = run(python, "-m", "longlag", "run", *CAMPAIGN, "--out", "c", cwd=user)
    assert "trials failed" not in printed
    assert (user / "c" / "report.html").is_file()
