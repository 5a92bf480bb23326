"""`longlag new`."""

from __future__ import annotations

import keyword
import re
from importlib import metadata
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Annotated, Literal

import typer

from longlag.bench.cli.terminal import console
from longlag.bench.contract.errors import BadInput

_TEMPLATES = files("longlag.bench.cli") / "templates"


def new(
    kind: Annotated[Literal["method", "task"], typer.Argument(help="What it is.")],
    name: Annotated[str, typer.Argument(help="Its name: small letters, digits and _.")],
    package: Annotated[
        bool, typer.Option("--package", help="As a package of its own, found by its entry point.")
    ] = False,
) -> None:
    """Write a plugin that works, and its test: here, in a checkout of LongLag, or as a package."""
    if keyword.iskeyword(name):
        raise BadInput(f"{name!r} is no name for a plugin: a word of Python's")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise BadInput(f"{name!r} is no name for a plugin: small letters, digits and _, a letter first")
    _free(kind, name)
    if not package and not _in_checkout() and find_spec(name) is not None:
        raise BadInput(
            f"{name!r} is no name for a plugin: {name}.py would hide the module {name} from others"
        )
    if package:
        _package(kind, name)
    elif _in_checkout():
        _in_the_house(kind, name)
    else:
        _here(kind, name)


def _free(kind: str, name: str) -> None:
    from longlag.bench.plugins.registry import discover

    registry = discover()
    if name in (registry.methods if kind == "method" else registry.tasks):
        raise BadInput(f"there is a {kind} {name!r} already")


def _in_checkout() -> bool:
    project = Path("pyproject.toml")
    return all(map(Path.is_dir, map(Path, ("bench", "methods", "tasks")))) and (
        project.is_file() and 'name = "longlag"' in project.read_text(encoding="utf-8")
    )


def _here(kind: str, name: str) -> None:
    file, test = Path(f"{name}.py"), Path(f"test_{name}.py")
    where = f'Path(__file__).with_name("{name}.py")'
    imports = "\nfrom pathlib import Path\n"
    _write({file: _plugin(kind, name, "longlag"), test: _test(kind, name, where, imports)})
    used = f"--plugin {file} " + (f"--methods {name}" if kind == "method" else f"--tasks {name}")
    console.print(
        f"longlag check {file}; longlag run {used} --lags climb:10..100; "
        f"python -m pytest {test} (pip install pytest)",
        soft_wrap=True,
    )


def _in_the_house(kind: str, name: str) -> None:
    file, test = Path(f"{kind}s", f"{name}.py"), Path("tests", f"{kind}s", f"test_{name}.py")
    contract = "longlag.bench.contract"
    _write({file: _plugin(kind, name, contract), test: _test(kind, name, f'"{name}"', "")})
    console.print(
        f"install again where that was with editable_mode=strict; then longlag check {name}; "
        f"python -m pytest {test} (pip install pytest); nox -s docs writes it into docs/",
        soft_wrap=True,
    )


def _package(kind: str, name: str) -> None:
    folder = Path(f"longlag-{name.replace('_', '-')}")
    major, minor = map(int, metadata.version("longlag").split(".")[:2])
    given = {
        "kind": kind,
        "name": name,
        "class_name": _class(name),
        "dashed": name.replace("_", "-"),
        "releases": f">={major}.{minor}, <{major}.{minor + 1}",
    }
    _write(
        {
            folder / "pyproject.toml": _filled("pyproject.toml", given),
            folder / f"longlag_{name}.py": _plugin(kind, name, "longlag"),
            folder / f"test_{name}.py": _test(kind, name, f'"{name}"', ""),
        }
    )
    console.print(
        f"pip install -e {folder}; longlag check {name}; python -m pytest {folder} (pip install pytest)",
        soft_wrap=True,
    )


def _plugin(kind: str, name: str, contract: str) -> str:
    given = {"title": _title(name), "name": name, "class_name": _class(name), "contract": contract}
    return _filled(f"{kind}.py", given)


def _test(kind: str, name: str, where: str, imports: str) -> str:
    return _filled("test.py", {"title": _title(name), "kind": kind, "where": where, "imports": imports})


def _filled(template: str, given: dict[str, str]) -> str:
    text = (_TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(given)


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _class(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _write(texts: dict[Path, str]) -> None:
    """Write new files; raises BadInput where one is there already, or cannot be written."""
    for path in texts:
        if path.exists():
            raise BadInput(f"{path}: is there already")
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise BadInput(f"{path}: cannot be written: {error.strerror}") from None
        console.print(f"written: {path}", soft_wrap=True)
