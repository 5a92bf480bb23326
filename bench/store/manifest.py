"""The manifest of a campaign: what it ran, with what, and whether it came to its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from longlag.bench.contract.errors import BadInput
from longlag.bench.store.columns import SCHEMA
from longlag.bench.store.files import exists, replace_file
from longlag.bench.store.layout import MANIFEST


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Replace `manifest.json`."""
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    replace_file(folder / MANIFEST, text.encode())


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a campaign; raises BadInput where there is none, or one this version cannot read."""
    path = folder / MANIFEST
    if not exists(path):
        raise BadInput(f"{folder}: no campaign here: {MANIFEST} is missing")
    try:
        manifest = json.loads(path.read_text())
        schema = int(manifest["schema"])
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise BadInput(f"{path}: not a campaign's manifest ({type(error).__name__})") from None
    if schema > SCHEMA:
        raise BadInput(f"{path}: written by a newer version (schema {schema}; this one reads up to {SCHEMA})")
    assert isinstance(manifest, dict)
    return manifest
