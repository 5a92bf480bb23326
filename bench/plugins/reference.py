"""The Markdown of `docs/tasks.md`, generated from the tasks, so that it cannot disagree with the code."""

from __future__ import annotations

from longlag.bench.contract.task import Task
from longlag.bench.plugins.listing import definition, first_line
from longlag.bench.plugins.registry import Registry

_HEADER = """# Tasks

Generated from the tasks themselves by `longlag list --tasks --markdown`. T is the nominal length of the
paper, which is the lag a campaign asks for; positions are 0-based; "wrong" is judged for each sequence.
A variant's twin, asked for as `task:variant_twin`, is the same task with its keys next to the answer, at lags
of 20 and more: what is left when the lag is taken away.
"""


def tasks(registry: Registry) -> str:
    """Every task: its definition, and its variants with the lags they make."""
    sections = [_section(registry.tasks[name]) for name in sorted(registry.tasks)]
    return "\n".join([_HEADER, *sections])


def _section(plugin: type[Task]) -> str:
    lines = [
        f"## {plugin.name}",
        "",
        first_line(plugin),
        "",
        *_table(("", "definition"), list(definition(plugin).items())),
        "",
        *_table(
            ("variant", "lags", "how it differs"),
            [(f"`{name}`", str(plugin.lags(name)), how) for name, how in plugin.variants.items()],
        ),
        "",
    ]
    return "\n".join(lines)


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [header, tuple("---" for _ in header), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
