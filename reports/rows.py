"""Every trial of a report: the table of them on the page, and the raw rows as files beside it."""

from __future__ import annotations

import io
import json
import re
import shlex
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from longlag.reports import packing
from longlag.reports.formats import number, plain
from longlag.reports.results import Results

FILES = ("rows.csv", "rows.parquet")
"""What the raw rows are written to, beside the page."""
SHORTEST = 8
"""Characters of a run's id that are always shown."""


def raw(results: Results) -> pd.DataFrame:
    """Every trial, controls too: its campaign, all its columns as stored, the command that replays it."""
    rows = results.everything
    commands = {name: replayed(each.folder) for name, each in results.campaigns.items()}
    replays = [f"{commands[name]} {run}" for name, run in zip(rows["campaign"], rows["run_id"], strict=True)]
    first = ["campaign", *(name for name in rows.columns if name != "campaign")]
    return rows[first].assign(replay=replays)


def replayed(folder: Path) -> str:
    """`longlag replay` and the folder: as it was named, or by its own name where that was from the root."""
    named = folder.name if folder.is_absolute() else folder.as_posix()
    return f"longlag replay {shlex.quote(named)}"


def as_files(results: Results) -> dict[str, bytes]:
    """The raw rows in each form, by the name of their file."""
    table = pa.Table.from_pandas(raw(results), preserve_index=False)
    written, packed = io.BytesIO(), io.BytesIO()
    pyarrow.csv.write_csv(table, written)
    pyarrow.parquet.write_table(table, packed, compression="zstd")
    return dict(zip(FILES, (written.getvalue(), packed.getvalue()), strict=True))


def embedded(results: Results) -> str:
    """The table on the page, packed: columns, each with its title and its values to a few digits."""
    rows = results.everything
    named = rows["task"].astype(str) + ":" + rows["variant"].astype(str)
    texts = [("campaign", "campaign", rows["campaign"])] if results.several else []
    texts += [
        ("task", "task", named),
        ("method", "method", rows["method"]),
        ("phase", "phase", rows["phase"]),
        ("status", "outcome", rows["status"]),
    ]
    counts = [("lag", "lag"), ("trial", "trial")]
    measures = [
        ("error", "error"),
        ("chance", "chance"),
        ("score", "score"),
        ("flops", "FLOPs"),
        ("updates", "updates"),
        ("seconds", "seconds"),
    ]
    columns = [{"name": name, "title": title, **packing.coded(values)} for name, title, values in texts]
    columns += [_numbers(rows, name, title, 9) for name, title in counts]
    columns += [_numbers(rows, name, title, 4) for name, title in measures]
    columns += [
        {"name": "settings", "title": "hyperparameters", **packing.coded(rows["hyperparameters"].map(brief))},
        {"name": "detail", "title": "detail", **packing.coded(rows["detail"])},
    ]
    return packing.packed(
        {
            "columns": columns,
            "runs": rows["run_id"].str[: _telling(rows["run_id"])].tolist(),
            "replay": [replayed(each.folder) for each in results.campaigns.values()],
            "replays": pd.factorize(rows["campaign"])[0].tolist() if results.several else [],
            "filters": [name for name, *_ in texts] + ["lag"],
            "aside": "settings",
        }
    )


def _numbers(rows: pd.DataFrame, name: str, title: str, digits: int) -> dict[str, Any]:
    return {"name": name, "title": title, "numbers": packing.numbers(rows[name], digits)}


@lru_cache(maxsize=65536)
def brief(hyperparameters: str) -> str:
    """Hyperparameters as `name value`, numbers to three digits; the text as it is where no JSON object."""
    if _FLAT.fullmatch(hyperparameters):
        # Most are, and a campaign has 100,000 of them.
        flat = hyperparameters[1:-1].replace('"', "").replace(":", "")
        return _FRACTION.sub(lambda found: number(float(found.group())), flat)
    try:
        values = json.loads(hyperparameters)
    except ValueError:
        return hyperparameters
    return plain(values) if isinstance(values, dict) else hyperparameters


_FLAT = re.compile(r'\{("\w+": (-?[\d.]+(e[-+]?\d+)?|"\w+")(, |(?=\})))+\}')
"""A JSON object of names and of plain numbers and words."""
_FRACTION = re.compile(r"(?<= )-?\d+(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+)(?=,|$)")


def _telling(ids: pd.Series[str]) -> int:
    """How many characters tell the runs apart."""
    distinct = ids.drop_duplicates()
    longest = max(map(len, distinct), default=SHORTEST)
    for length in range(SHORTEST, longest):
        if distinct.str[:length].is_unique:
            return length
    return longest
