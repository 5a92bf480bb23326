"""What a campaign leaves in its folder, and reading it back."""

from longlag.bench.store.columns import CURVE_SCHEMA as CURVE_SCHEMA
from longlag.bench.store.columns import PROBE_SCHEMA as PROBE_SCHEMA
from longlag.bench.store.columns import SCHEMA as SCHEMA
from longlag.bench.store.columns import SCHEMAS as SCHEMAS
from longlag.bench.store.columns import TRIAL_SCHEMA as TRIAL_SCHEMA
from longlag.bench.store.columns import named as named
from longlag.bench.store.columns import outcome as outcome
from longlag.bench.store.columns import row as row
from longlag.bench.store.files import exists as exists
from longlag.bench.store.layout import BEGINNINGS as BEGINNINGS
from longlag.bench.store.layout import CURVES as CURVES
from longlag.bench.store.layout import JOURNAL as JOURNAL
from longlag.bench.store.layout import MANIFEST as MANIFEST
from longlag.bench.store.layout import PROBES as PROBES
from longlag.bench.store.layout import STUDIES as STUDIES
from longlag.bench.store.layout import TRIALS as TRIALS
from longlag.bench.store.lock import lock as lock
from longlag.bench.store.manifest import Manifest as Manifest
from longlag.bench.store.manifest import read_manifest as read_manifest
from longlag.bench.store.manifest import write_manifest as write_manifest
from longlag.bench.store.mending import salvage as salvage
from longlag.bench.store.reading import Campaign as Campaign
from longlag.bench.store.reading import load as load
from longlag.bench.store.tables import compact as compact
from longlag.bench.store.tables import lost as lost
from longlag.bench.store.tables import rows as rows
