"""What a campaign's manifest tells of how it came about: how it began, and where it went on otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from longlag.bench import store
from longlag.bench.campaign import provenance
from longlag.bench.campaign.folder import GRID, differing
from longlag.bench.campaign.grid import Ladder
from longlag.bench.campaign.profile import Profile
from longlag.bench.contract.data import data_folder
from longlag.bench.plugins.registry import Registry
from longlag.bench.store import Manifest


def begun(
    profile: Profile, registry: Registry, ladders: Sequence[Ladder], skipped: Mapping[str, str]
) -> Manifest:
    """The manifest of a campaign that begins now, with these ladders, and those skipped for these reasons."""
    return Manifest(
        campaign=profile.name,
        profile=profile.model_dump(),
        seed=profile.seed,
        command=provenance.command(),
        data=None if data_folder() is None else str(data_folder()),
        versions=provenance.versions(),
        machine=provenance.machine(),
        git=provenance.git(),
        created=now(),
        controls={
            ladder.cell(lag).case.study: ladder.certifies
            for ladder in ladders
            for lag in ladder.lags
            if ladder.certifies
        },
        skipped=dict(skipped),
        broken={broken.where: broken.reason for broken in registry.broken},
    )


def resumed(before: Manifest, wanted: Manifest, others: int) -> tuple[Manifest, list[str]]:
    """The manifest of a campaign that goes on, and a line of text for each way in which it does so otherwise.

    It keeps what the interrupted run wrote of itself, and adds where this one differs; `others` of its trials
    were run by other code.
    """
    this = {key: getattr(wanted, key) for key in ("command", "versions", "machine", "git")}
    differs = {key: value for key, value in this.items() if value != getattr(before, key)}
    if others:
        differs[store.OTHER_CODE] = others
    notices = []
    for key in [key for key in differing(before, wanted) if key in GRID]:
        differs[key] = before.profile[key]
        told = f"its tables will hold those of now, {store.LEFT_OUT} the rest"
        notices.append(f"its {key} were others until now; {told}")
    kept = {key: getattr(before, key) for key in (*this, "created", "seconds")}
    kept["against"] = wanted.against or before.against
    runs = [*before.resumed, {"at": now(), **differs}]
    return wanted.model_copy(update={**kept, "resumed": runs}), notices


def now() -> str:
    """The time, as a manifest writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
