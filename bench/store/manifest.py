"""The manifest of a campaign: what it ran, with what, and whether it came to its end."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from longlag.bench.contract.errors import BadInput
from longlag.bench.store.columns import SCHEMA
from longlag.bench.store.files import exists, replace_file
from longlag.bench.store.layout import MANIFEST

OTHER_CODE = "trials_of_other_code"
"""Where a later run notes how many trials it found that other code had run."""
PYTHON = "python"
COMPUTE = ("torch", "pytorch-lightning", "optuna", "numpy", "scipy", "numba", "scikit-learn")
"""The packages whose version, like Python's, may change what a trial comes to."""
MACHINE = ("kernels", "register_bytes")
"""What else may: how it computes."""
PROCESSOR = "cpu"
"""Last digits are of the processor too, which no campaign is refused for: they favour nobody."""


class Manifest(BaseModel, strict=True, validate_by_name=True):
    """What a reader needs to know of a campaign, and to repeat it."""

    version: int = Field(default=SCHEMA, alias="schema")
    """Of the columns."""
    campaign: str
    profile: dict[str, Any]
    """All its keys, those not set in its file among them."""
    seed: int
    command: str
    """As it was given."""
    against: list[str] = Field(default_factory=list)
    """The campaigns whose results its report shows beside, as they were given."""
    data: str | None
    """The folder of the data sets that the user has."""
    versions: dict[str, str]
    machine: dict[str, Any]
    git: dict[str, Any]
    """The commit of the code, and whether files differed from it."""
    created: str
    finished: str | None = None
    """When it was complete."""
    seconds: float = 0.0
    """Of running; interrupted runs are not counted."""
    controls: dict[str, str] = Field(default_factory=dict)
    """By their study's name the cases that are controls, and the variant that each certifies."""
    skipped: dict[str, str] = Field(default_factory=dict)
    """Cases that were not run, and why."""
    broken: dict[str, str] = Field(default_factory=dict)
    """Plugins that could not be loaded, and why."""
    resumed: list[dict[str, Any]] = Field(default_factory=list)
    """Every later run: when, where it differed from the first, and of how many trials the code did."""

    def ran_with(self, machine: Iterable[str] = MACHINE) -> dict[str, list[Any]]:
        """What may change results, versions and this of the machine -> what its runs had, each once."""
        found: dict[str, list[Any]] = {}
        for run in ({"versions": self.versions, "machine": self.machine}, *self.resumed):
            for part, names in (("versions", (PYTHON, *COMPUTE)), ("machine", machine)):
                for name in names:
                    found.setdefault(name, [])
                    if name in run.get(part, {}) and (had := run[part][name]) not in found[name]:
                        found[name].append(had)
        return found

    @property
    def commits(self) -> list[str]:
        """Those that its code was at, each once, as far as they were noted."""
        # A later run notes what differed from the first alone.
        runs = [self.git, *(run.get("git", {}) for run in self.resumed)]
        return list(dict.fromkeys(commit for run in runs if (commit := run.get("commit"))))

    @property
    def mixed(self) -> list[str]:
        """One line for each run by other code than before, each package of several versions, and kernels."""
        runs = [run for run in self.resumed if run.get(OTHER_CODE)]
        lines = [
            f"resumed on {str(run['at'])[:10]} by other code than that of {run[OTHER_CODE]} of its trials"
            for run in runs
        ]
        if len(lines) > 1:
            last = str(runs[-1]["at"])[:10]
            lines = [f"resumed {len(lines)} times by other code than that of some trials, last on {last}"]
        several = {name: had for name, had in self.ran_with().items() if len(had) > 1}
        told = [(name, " and ".join(map(str, had))) for name, had in several.items()]
        return lines + [f"{name} was {had}" for name, had in told]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace `manifest.json`."""
    text = json.dumps(manifest.model_dump(by_alias=True), indent=2, sort_keys=True) + "\n"
    replace_file(folder / MANIFEST, text.encode(), of_a_run=True)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a campaign; raises BadInput where there is none, or one this version cannot read."""
    path = folder / MANIFEST
    if not exists(path):
        raise BadInput(f"{folder}: no campaign here: {MANIFEST} is missing")
    try:
        data = json.loads(path.read_text())
        version = int(data["schema"])
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise BadInput(f"{path}: not a campaign's manifest ({type(error).__name__})") from None
    if version > SCHEMA:
        raise BadInput(
            f"{path}: written by a newer version (schema {version}; this one reads up to {SCHEMA})"
        )
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise BadInput(f"{path}: not a campaign's manifest: key {key!r}: {first['msg'].lower()}") from None
