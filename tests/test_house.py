"""What holds of every file of the house; which may import which is import-linter's, see pyproject.toml."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("bench", "methods", "tasks", "reports")

FILES = [path for folder in (*FOLDERS, "longlag") for path in sorted((ROOT / folder).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module


def test_every_package_is_installed() -> None:
    folders = {path.parent for path in FILES}
    assert all((folder / "__init__.py").exists() for folder in folders)
    there = {".".join(("longlag", *folder.relative_to(ROOT).parts)) for folder in folders}
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert sorted(listed) == sorted(there - {"longlag.longlag"} | {"longlag"})


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


def test_no_published_manifest_names_a_folder_of_somebody_s_machine() -> None:
    manifests = [each for each in (ROOT / "results").rglob("manifest.json") if "local" not in each.parts]
    assert len(manifests) > 10
    for manifest in manifests:
        commands = re.findall(r'"command": "(.*)"', manifest.read_text())
        assert commands, manifest
        assert not [each for each in commands if re.search(r"(^|[ =])/", each)], manifest
