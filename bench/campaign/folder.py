"""Whether a folder may be a campaign's: it is empty, or holds this very one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longlag.bench import store
from longlag.bench.campaign.profile import Profile, parse
from longlag.bench.contract.errors import BadInput


def look(folder: Path, manifest: dict[str, Any], resume: bool) -> bool:
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
    _check(folder / store.MANIFEST, found)
    if _identity(found) != _identity(manifest):
        raise BadInput(
            f"{folder}: holds another campaign ({_difference(found, manifest)}); choose another --out"
        )
    if found["finished"] is not None:
        return True
    if not resume:
        raise BadInput(f"{folder}: holds this campaign unfinished; add --resume to finish it")
    return False


def _check(path: Path, manifest: dict[str, Any]) -> None:
    """Raises BadInput where a manifest lacks what resuming needs."""
    for key in ("profile", "created", "finished"):
        if key not in manifest:
            raise BadInput(f"{path}: not a campaign's manifest: key {key!r} is missing")
    parse(manifest["profile"], f"{path}: profile")


def _identity(manifest: dict[str, Any]) -> dict[str, Any]:
    profile = Profile.model_validate(manifest["profile"])
    return profile.defining()


def _difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    """The first key in which two campaigns differ."""
    a, b = _identity(found), _identity(wanted)
    key = next(key for key in a if a[key] != b[key])
    return f"its {key}: {a[key]}"
