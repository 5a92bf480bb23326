"""The command in poor surroundings: closed streams, an ASCII terminal, a Python without docstrings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from longlag.bench import store

SMALL = (
    *("--profile", "tiny", "--methods", "echo_state"),
    *("--trials", "1", "--retests", "1", "--jobs", "1"),
)
COMMAND = (sys.executable, "-m", "longlag")


def shell(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a line of the shell in which $longlag is the command."""
    return subprocess.run(
        ["sh", "-c", line],
        env={**os.environ, "longlag": " ".join(COMMAND), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", "<&- >&- 2>&-"])
def test_a_campaign_with_closed_streams_comes_to_its_end(tmp_path: Path, closed: str) -> None:
    done = shell(f"$longlag run {' '.join(SMALL)} --out c {closed}", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert store.read_manifest(tmp_path / "c").finished is not None
    assert {row["status"] for row in store.rows(tmp_path / "c")} == {"solved"}
    assert (tmp_path / "c" / "report.html").stat().st_size > 100_000


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""},
    ],
)
@pytest.mark.parametrize("options", ["", "--tasks"])
def test_list_on_an_ascii_terminal(tmp_path: Path, environment: dict[str, str], options: str) -> None:
    done = shell(f"$longlag list {options}", tmp_path, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert "temporal_order" in done.stdout


@pytest.mark.parametrize("command", ["$longlag", f"{sys.executable} -OO -m longlag"])
def test_a_python_without_docstrings_makes_the_same_page(
    tmp_path: Path, command: str, longlag: Callable[..., tuple[object, str]]
) -> None:
    code, printed = longlag("run", *SMALL, "--out", str(tmp_path / "c"))
    assert code == 0, printed
    done = shell(f"{command} report c --out again", tmp_path, PYTHONOPTIMIZE="2")
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "again" / "report.html").read_text()
    assert "Success rate against lag" in page
    assert page == (tmp_path / "c" / "report.html").read_text()
