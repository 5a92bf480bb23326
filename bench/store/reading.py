"""A campaign read back whole, as data frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from longlag.bench.contract.errors import BadInput
from longlag.bench.store.columns import PARTS, SCHEMAS, TRIAL_SCHEMA
from longlag.bench.store.layout import JOURNAL, TRIALS
from longlag.bench.store.manifest import Manifest, read_manifest
from longlag.bench.store.tables import latest, lost, tables


@dataclass(frozen=True)
class Campaign:
    """The files of a campaign, read."""

    folder: Path
    manifest: Manifest
    trials: pd.DataFrame
    curves: pd.DataFrame
    probes: pd.DataFrame
    extrapolation: pd.DataFrame

    @property
    def mixed(self) -> str:
        """How code or versions changed between its trials, in one line; empty where nothing says they did."""
        codes = self.trials.groupby(["method", "task"])["code_hash"].nunique()
        several = int((codes > 1).sum())
        said = f"{several} of its {len(codes)} methods on a task have trials of several versions of the code"
        return "; ".join([said] * (several > 0) + self.manifest.mixed)


def load(folder: Path) -> Campaign:
    """A campaign's files, finished or not; raises BadInput for a damaged one."""
    manifest = read_manifest(folder)
    # Without a journal all rows are in the tables: a missing table is a loss.
    whole = manifest.finished is not None or not (folder / JOURNAL).exists()
    if whole and (why := lost(folder)):
        raise BadInput(why)
    frames = (_with_journal(folder) if (folder / JOURNAL).exists() else tables(folder)).values()
    return Campaign(folder, manifest, *(frame.to_pandas() for frame in frames))


def _with_journal(folder: Path) -> dict[str, pa.Table]:
    """The tables of every run's latest entry."""
    everything = latest(folder).values()
    frames = {TRIALS: pa.Table.from_pylist([e["row"] for e in everything], schema=TRIAL_SCHEMA)}
    for part, name in PARTS.items():
        rows = [{"run_id": e["row"]["run_id"], **item} for e in everything for item in e[part]]
        frames[name] = pa.Table.from_pylist(rows, schema=SCHEMAS[name])
    return frames
