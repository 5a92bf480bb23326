"""What a campaign leaves in its folder, and reading it back."""

from longlag.bench.store.columns import (
    CURVE_SCHEMA,
    PROBE_SCHEMA,
    SCHEMA,
    SCHEMAS,
    TRIAL_SCHEMA,
    named,
    outcome,
    row,
)
from longlag.bench.store.files import exists
from longlag.bench.store.layout import BEGINNINGS, CURVES, JOURNAL, MANIFEST, PROBES, STUDIES, TRIALS
from longlag.bench.store.lock import lock
from longlag.bench.store.manifest import Manifest, read_manifest, write_manifest
from longlag.bench.store.mending import salvage
from longlag.bench.store.reading import Campaign, load
from longlag.bench.store.tables import compact, lost, rows

__all__ = [
    "BEGINNINGS",
    "CURVES",
    "CURVE_SCHEMA",
    "JOURNAL",
    "MANIFEST",
    "PROBES",
    "PROBE_SCHEMA",
    "SCHEMA",
    "SCHEMAS",
    "STUDIES",
    "TRIALS",
    "TRIAL_SCHEMA",
    "Campaign",
    "Manifest",
    "compact",
    "exists",
    "load",
    "lock",
    "lost",
    "named",
    "outcome",
    "read_manifest",
    "row",
    "rows",
    "salvage",
    "write_manifest",
]
