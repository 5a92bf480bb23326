"""The house has one-way doors."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("bench", "methods", "tasks", "reports")
CONTRACTS = {"bench", "bench.contract", "bench.recipe", "bench.network", "bench.losses", "bench.errors"}

FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            if node.module in PACKAGES:
                yield from (
                    f"{node.module}.{alias.name}"
                    for alias in node.names
                    if (ROOT / node.module / f"{alias.name}.py").exists()
                )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    home = path.relative_to(ROOT).parts[0]
    for name in imported(path):
        package = name.partition(".")[0]
        if package not in PACKAGES or package == home:
            continue
        assert home != "bench", f"bench imports {name}: it must find plugins through its registry"
        assert package == "bench", f"{home} imports {name}"
        if home in ("methods", "tasks"):
            assert name in CONTRACTS, f"{home} imports {name}, which is no contract"


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    long = {
        str(path.relative_to(ROOT)): n for path in FILES if (n := len(path.read_text().splitlines())) > 330
    }
    assert not long


def test_nothing_is_pickled_to_disk() -> None:
    for path in FILES:
        assert not {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"} & set(imported(path)), (
            path
        )
        calls = {
            node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)
        }
        assert not {"to_pickle", "read_pickle", "save_checkpoint"} & calls, path
        names = ast.walk(ast.parse(path.read_text()))
        assert not any(
            isinstance(node, ast.Attribute)
            and node.attr in ("save", "load")
            and isinstance(node.value, ast.Name)
            and node.value.id in ("torch", "np", "numpy")
            for node in names
        ), path
