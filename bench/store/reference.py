"""The Markdown of `docs/results.md`, generated from the columns, so that it cannot disagree with the code."""

from __future__ import annotations

from longlag.bench.store.columns import SCHEMA, TABLES, Column

_HEADER = f"""# What a campaign leaves

Generated from `bench/store/columns.py` by `nox -s docs`. Columns are added, never renamed; this is schema
{SCHEMA}. `identity` columns define a run, `result` columns come out the same when it is run again, `time` and
`code` columns need not. A double is NaN where nothing was measured.
What `longlag publish` copies has the curves and probes of the retests alone.
"""


def columns() -> str:
    """Every table with its columns."""
    return "\n".join([_HEADER, *(_section(name, table) for name, table in TABLES.items())])


def _section(name: str, table: tuple[Column, ...]) -> str:
    lines = [f"## {name}", "", "| column | type | unit | role | meaning |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| `{c.name}` | {c.kind} | {c.unit} | {c.role} | {c.meaning} |" for c in table]
    return "\n".join([*lines, ""])
