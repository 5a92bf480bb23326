"""Every command and code block of the pages that are written by hand does what the page says: it is run.

Blocks run in the order of their page, each page in a folder of its own, in which results/quick lies. A
block with a title is a file. What cannot run in a test says why in a comment before it, and its commands
are read all the same.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main

from longlag.bench.cli.app import app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GENERATED = "Generated "
WRITTEN = sorted(path.name for path in DOCS.glob("*.md") if GENERATED not in path.read_text("utf-8"))
BLOCK = re.compile(
    r"(?:<!-- not run: ([^\n]+) -->\n)?^```(\w+)(?: title=\"([^\n]+)\")?\n(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block: why it is not run, its language, the file it is, and what stands in it."""

    reason: str
    language: str
    title: str
    text: str


def blocks(page: str) -> list[Block]:
    return [Block(*found) for found in BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", WRITTEN)
def test_code_stands_in_blocks_that_say_their_language(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    rest = BLOCK.sub("", text)
    assert "```" not in rest
    assert not re.search(r"^ {4,}(longlag|python|pip|from|import) ", rest, flags=re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.xdist_group(page)) for page in WRITTEN if blocks(page)]
)
def test_a_page_can_be_followed(page: str, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    shutil.copytree(ROOT / "results" / "quick", tmp_path / "results" / "quick")
    for block in blocks(page):
        if block.language == "sh":
            for words in commands(block.text):
                readable(words)
        if block.title:
            path = tmp_path / block.title
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            if block.language == "toml":
                tomllib.loads(block.text)
        elif not block.reason:
            followed(block, tmp_path)


def commands(text: str) -> list[list[str]]:
    """The arguments of every call of longlag."""
    lines = text.replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    return [each[1:] for each in words if each[:1] == ["longlag"]]


def readable(words: list[str]) -> None:
    """Nothing is run: a command or an option that there is not, raises."""
    command = typer.main.get_command(app)
    with command.make_context("longlag", words[:1], resilient_parsing=True) as context:
        _, found, rest = command.resolve_command(context, words)  # type: ignore[attr-defined]
        found.make_context(words[0], rest, parent=context)


def followed(block: Block, folder: Path) -> None:
    program = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}[block.language]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [*program, block.text],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"
