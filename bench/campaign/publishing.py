"""Publishing: whether a campaign may stand for something, and its copy among the published ones."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from longlag.bench import store
from longlag.bench.campaign.folder import GRID, differing
from longlag.bench.campaign.profile import Profile
from longlag.bench.campaign.replay import spec_of, stored_profile
from longlag.bench.contract.errors import BadInput
from longlag.bench.store import Manifest
from longlag.bench.store.files import replace_file, writing
from longlag.bench.trial.spec import FAILED, Case

LARGEST = 10 * 2**20
"""Bytes that a published campaign may take."""

COPIED = (
    store.MANIFEST,
    store.TRIALS,
    store.CURVES,
    store.PROBES,
    store.EXTRAPOLATION,
    "summary.csv",
    "summary.md",
    "frontier.svg",
)
"""What is published of a campaign; the page and the studies can be made again from it."""
OF_RETESTS = (store.CURVES, store.PROBES)
"""What is published of the retests alone: nothing reports those of tuning, whose rows are all there."""


def contents(folder: Path) -> dict[str, bytes]:
    """What would be published of the campaign in `folder`, by the file's name."""
    return {
        name: store.of_retests(folder, name) if name in OF_RETESTS else (folder / name).read_bytes()
        for name in COPIED
        if (folder / name).is_file()
    }


def faults(folder: Path, files: dict[str, bytes], force: bool = False) -> list[str]:
    """Every reason why the campaign in `folder` cannot be published as `files`, its contents.

    `force` lets changed code pass.
    """
    manifest = store.read_manifest(folder)
    if manifest.finished is None:
        return [f"it is not finished: longlag run --resume --out {folder}"]
    found = []
    if manifest.git.get("commit") is None and not force:
        installed = "where pip install -e . has installed a clone, it is"
        found.append(f"the commit of its code was not noted ({installed}); --force publishes it all the same")
    elif manifest.git.get("dirty") is not False and not force:
        found.append("its code was not that of a commit; --force publishes it all the same")
    profile = stored_profile(folder)
    rows = store.rows(folder)
    retests: Counter[Case] = Counter()
    solved: Counter[Case] = Counter()
    ran: set[Case] = set()
    strangers = unmarked = 0
    for row in rows:
        case = Case(row["method"], row["task"], row["variant"], int(row["lag"]))
        retests[case] += row["phase"] == "retest"
        solved[case] += row["phase"] == "tune" and row["solved"]
        if row["status"] not in FAILED:
            ran.add(case)
        unmarked += not row["code_hash"]
        strangers += not _belongs(row, profile)
    if not rows:
        found.append("it has no rows")
    if strangers:
        found.append(f"{strangers} of its rows do not belong to its profile")
    if unmarked:
        found.append(f"{unmarked} of its rows have no hash of the code that made them")
    # Controls are no results, and have retests of their own number.
    # Where no trial ran to its end there is no winner to retest.
    results = Counter(
        {case: n for case, n in retests.items() if case.study not in manifest.controls and case in ran}
    )
    found += _missing(profile, results, solved)
    size = sum(len(content) for content in files.values())
    if size > LARGEST:
        found.append(f"it takes {size / 2**20:.1f} MB, more than {LARGEST / 2**20:.0f}")
    return found


def _belongs(row: dict[str, object], profile: Profile) -> bool:
    try:
        spec_of(row, profile)
    except BadInput as error:
        # What was never run can be published, but not replayed.
        return "never ran" in str(error)
    return True


def _missing(profile: Profile, retests: Counter[Case], solved: Counter[Case]) -> list[str]:
    """The cases with fewer retests than the profile asks for."""
    found = []
    for case, count in retests.items():
        few = profile.retests_unsolved
        least = profile.retests if solved[case] or few is None else min(few, profile.retests)
        if count < least:
            found.append(f"{case.label} has {count} retests of {least}")
    return found


def copy(folder: Path, files: dict[str, bytes], published: Path) -> bool:
    """Write the `files` of the campaign in `folder`; whether that changed anything. Raises BadInput.

    A folder that holds another campaign is never written over; the same is, by one that has gone on since.
    """
    if folder.resolve() == published.resolve():
        return False
    if store.exists(published / store.MANIFEST):
        if not _goes_on(store.read_manifest(published), store.read_manifest(folder)):
            raise BadInput(f"{published}: holds another campaign; --as publishes this one under another name")
    elif published.exists() and any(published.iterdir()):
        raise BadInput(f"{published}: holds files but no campaign; --as publishes it under another name")
    # Of a copy that was not finished: its rows would be read in place of these.
    changed = (published / store.JOURNAL).exists()
    with writing(published):
        (published / store.JOURNAL).unlink(missing_ok=True)
        published.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if not _holds(published / name, content):
            replace_file(published / name, content)
            changed = True
    return changed


def _holds(path: Path, content: bytes) -> bool:
    if not path.is_file():
        return False
    if path.suffix == ".parquet":
        return store.same_table(path, content)
    return path.read_bytes() == content


def _goes_on(before: Manifest, now: Manifest) -> bool:
    """Whether a campaign is another as it was, or as it went on."""
    unlike = differing(before, now)
    more = len(now.resumed) - len(before.resumed)
    return (
        before.created == now.created
        and now.resumed[: len(before.resumed)] == before.resumed
        and (not unlike or (more > 0 and set(unlike) <= set(GRID)))
    )
