"""`longlag claims`: the ledger as a terminal of 80 columns shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longlag.reports import claims


def test_the_ledger_fits_a_terminal(tmp_path: Path, longlag: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, printed = longlag("claims", "--results", str(tmp_path))
    assert code == 0, printed
    lines = printed.splitlines()
    assert max(map(len, lines)) <= 80
    known = claims.read()
    for name, claim in known.items():
        verdict = "not comparable" if claim.not_comparable else "not run"
        (at,) = (number for number, line in enumerate(lines) if line.startswith(f"  {name} "))
        assert claim.paper in lines[at + 1]
        assert lines[at + 2].strip().startswith(verdict), name
    # What is published, and few lines for why there is no figure.
    assert len(lines) < 6 * len(known)
    assert "0 of 0 protocols that were run" in printed
    assert all(f"{verdict}: " in printed for verdict in claims.MEANINGS)


def test_an_unknown_claim_gets_the_nearest(tmp_path: Path, longlag: Any) -> None:
    code, printed = longlag("claims", "lstm_order_22", "--results", str(tmp_path))
    assert (code, printed.count("\n")) == (2, 1)
    assert "did you mean 'lstm_order_2'" in printed
