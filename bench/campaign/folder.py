"""Whether a folder may be a campaign's: it is empty, or holds this very one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longlag.bench import store
from longlag.bench.campaign.limits import to_run_again
from longlag.bench.campaign.profile import Profile, parse
from longlag.bench.contract.errors import BadInput
from longlag.bench.store import Manifest

GRID = ("methods", "tasks", "lags")
"""What a campaign may go on with others of: its cases know nothing but of those at shorter lags."""


def is_complete(folder: Path, manifest: Manifest, resume: bool) -> bool:
    """Whether `folder` holds this very campaign, complete; raises BadInput where it must not be touched.

    With `resume` it may have had other methods, tasks and lags, and is not where trials are to be run again.
    """
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
    unlike = [key for key in differing(found, manifest) if not (resume and key in GRID)]
    if unlike:
        key = unlike[0]
        told = f"its {key}: {_identity(found)[key]}"
        raise BadInput(f"{folder}: holds another campaign ({told}); choose another --out")
    if found.finished is not None and not differing(found, manifest):
        return not (resume and to_run_again(folder, found, manifest))
    if not resume:
        raise BadInput(f"{folder}: holds this campaign unfinished; add --resume to finish it")
    return False


def differing(found: Manifest, wanted: Manifest) -> list[str]:
    """The keys in which two campaigns differ."""
    a, b = _identity(found), _identity(wanted)
    return [key for key in a if a[key] != b[key]]


def _identity(manifest: Manifest) -> dict[str, Any]:
    return Profile.model_validate(manifest.profile).defining()
