"""What is told of a campaign's progress, where there is no terminal."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path


def test_what_is_known_is_counted_before_progress_is_told(
    halfway: Path, tmp_path: Path, longlag: Callable[..., tuple[object, str]]
) -> None:
    folder = shutil.copytree(halfway, tmp_path / "c")
    code, printed = longlag("run", "--resume", "--out", str(folder), "--jobs", "1")
    assert code == 0, printed
    (known,) = re.findall(r"^(\d+) trials are known, and not run again$", printed, flags=re.MULTILINE)
    begins, *_ = re.findall(r"^(\d+)/\d+ trials, ", printed, flags=re.MULTILINE)
    assert int(begins) == int(known) + 1
