"""The statistics and tables of a fixed campaign, against what they were when they were last looked at.

After a change that is meant, `GOLDEN=write python -m pytest tests/reports/test_golden.py`, and read the
difference.
"""

import os
from pathlib import Path

from longlag.reports import paper
from longlag.reports.results import Results
from longlag.reports.tables import FORMATS

GOLDEN = Path(__file__).parent / "golden"


def test_tables_are_what_they_were(campaign):
    results = Results([campaign])
    found = {name: written(results) for name, written in FORMATS.values()} | dict(paper.tables(results))
    if os.environ.get("GOLDEN") == "write":
        for name, text in found.items():
            (GOLDEN / name).write_text(text, encoding="utf-8", newline="")
    kept = {path.name: path.read_bytes().decode() for path in GOLDEN.iterdir()}
    assert found.keys() == kept.keys()
    for name, text in found.items():
        assert text == kept[name], name
