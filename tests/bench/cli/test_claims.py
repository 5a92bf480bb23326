"""`longlag claims`: the ledger as a terminal of 80 columns shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longlag.reports import claims, ledger


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
    assert all(f"{verdict}: " in printed for verdict in ledger.MEANINGS)


def test_all_go_on_past_a_claim_whose_protocol_has_changed(
    tmp_path: Path, longlag: Any, monkeypatch: Any
) -> None:
    def known(**budgets: float) -> dict[str, claims.Claim]:
        return {name: _claim(budget) for name, budget in budgets.items()}

    begun: list[str] = []

    def launched(_console: object, coordinator: Any, _jobs: int) -> bool:
        begun.append(coordinator.profile.name)
        return True

    monkeypatch.setattr("longlag.bench.campaign.launch.launch", launched)
    monkeypatch.setattr(claims, "read", lambda: known(first=1e9))
    code, printed = longlag("claims", "first", "--results", str(tmp_path))
    assert code == 0, printed
    # Cheaper than the other, so that it would be run before it.
    monkeypatch.setattr(claims, "read", lambda: known(first=2e9, second=3e9))
    code, printed = longlag("claims", "--all", "--results", str(tmp_path))
    assert (code, begun) == (0, ["first", "second"])
    (line,) = (line for line in printed.splitlines() if line.startswith("skipped first: "))
    assert "holds another campaign" in line
    code, printed = longlag("claims", "first", "--results", str(tmp_path))
    assert code == 2
    assert "holds another campaign" in printed


def _claim(budget: float) -> claims.Claim:
    return claims.Claim(
        paper="P",
        says="S.",
        sure="read",
        measure="solved",
        published=1.0,
        profile={
            "methods": ["vanilla"],
            "tasks": [{"task": "adding:hs97"}],
            "lags": [20],
            "trials": 1,
            "retests": 5,
            "budget": budget,
        },
    )


def test_an_unknown_claim_gets_the_nearest(tmp_path: Path, longlag: Any) -> None:
    code, printed = longlag("claims", "lstm_order_22", "--results", str(tmp_path))
    assert (code, printed.count("\n")) == (2, 1)
    assert "did you mean 'lstm_order_2'" in printed
