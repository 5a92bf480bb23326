"""Whether a folder may be a campaign's: it is empty, or holds this very one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longlag.bench import store
from longlag.bench.campaign.profile import Profile, parse
from longlag.bench.contract.errors import BadInput
from longlag.bench.store import Manifest


def is_complete(folder: Path, manifest: Manifest, resume: bool) -> bool:
    """Whether `folder` holds this very campaign, complete; raises BadInput where it must not be touched."""
    if not store.exists(folder):
        return False
    if not folder.is_dir():
        raise BadInput(f"{folder}: not a folder")
    if not (folder / store.MANIFEST).exists():
        if any(path.name not in store.BEGINNINGS for path in folder.iterdir()):
            raise BadInput(f"{folder}: holds files but no campaign; choose another with --out")
        return False
    found = store.read_manifest(folder)
    parse(found.profile, f"{folder / store.MANIFEST}: profile")
    if _identity(found) != _identity(manifest):
        raise BadInput(
            f"{folder}: holds another campaign ({_difference(found, manifest)}); choose another --out"
        )
    if found.finished is not None:
        return True
    if not resume:
        raise BadInput(f"{folder}: holds this campaign unfinished; add --resume to finish it")
    return False


def _identity(manifest: Manifest) -> dict[str, Any]:
    return Profile.model_validate(manifest.profile).defining()


def _difference(found: Manifest, wanted: Manifest) -> str:
    """The first key in which two campaigns differ."""
    a, b = _identity(found), _identity(wanted)
    key = next(key for key in a if a[key] != b[key])
    return f"its {key}: {a[key]}"
