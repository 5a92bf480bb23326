"""The claims: every entry can be run, and a verdict follows from the rows by its definition alone."""

from pathlib import Path

import pandas as pd
import pytest

from longlag.bench import store
from longlag.bench.campaign import grid, profile
from longlag.bench.plugins.registry import discover
from longlag.reports import claims
from longlag.reports.claims import Claim, judge

KNOWN = claims.read()
RUN = {name: claim for name, claim in KNOWN.items() if claim.profile}


def claim(measure, published, **more):
    given = {"paper": "P", "says": "S.", "sure": "read", "measure": measure, "published": published}
    return Claim.model_validate({**given, "profile": {"trials": 1}, **more})


def retests(solved, values, column="sequences_to_solve"):
    n = len(values)
    return pd.DataFrame(
        {
            "solved": pd.Series([k < solved for k in range(n)], dtype=bool),
            column: values,
            "flops_to_solve": [1e9] * n,
            "seconds": [2.0] * n,
        }
    )


@pytest.mark.parametrize("name", RUN)
def test_a_claims_campaign_can_be_run(name):
    chosen = profile.parse({"name": name, **RUN[name].profile}, name)
    ladders, skipped = grid.ladders(chosen, discover())
    assert len(ladders) == 1, skipped
    assert not skipped
    assert chosen.retests >= (10 if chosen.timeout == 900 else 5)


def test_there_is_no_figure_without_saying_how_sure():
    assert {claim.sure for claim in KNOWN.values()} <= {"read", "second hand", "recalled"}
    assert len(KNOWN) >= 26


# Ten times 1,000: the bootstrap interval of the median is the value itself.
@pytest.mark.parametrize(
    ("published", "values", "solved", "verdict"),
    [
        (2000.0, [1000.0] * 10, 10, "beaten"),
        (1000.0, [1000.0] * 10, 10, "reproduced"),
        (500.0, [1000.0] * 10, 10, "not reached"),
        (1000.0, [900.0] * 5 + [1200.0] * 5, 10, "within interval"),
        (2000.0, [1000.0] * 10, 8, "not reached"),
        (2000.0, [1000.0] * 10, 9, "beaten"),
    ],
)
def test_verdicts_on_costs(published, values, solved, verdict):
    assert judge(claim("sequences", published), retests(solved, values)).verdict == verdict


@pytest.mark.parametrize(
    ("published", "solved", "n", "verdict"),
    [
        # Wilson's intervals: 10 of 10 [.72, 1], 8 of 10 [.49, .94], 3 of 5 [.23, .88], 0 of 10 [0, .28].
        (1.0, 10, 10, "reproduced"),
        (1.0, 8, 10, "not reached"),
        (0.4, 10, 10, "beaten"),
        (0.9, 8, 10, "within interval"),
        (0.4, 3, 5, "reproduced"),
        (0.4, 0, 10, "not reached"),
        (0.0, 5, 5, "beaten"),
        (0.0, 0, 5, "reproduced"),
    ],
)
def test_verdicts_on_shares(published, solved, n, verdict):
    finding = judge(claim("solved", published), retests(solved, [1.0] * n))
    assert finding.verdict == verdict
    assert (finding.solved, finding.n) == (solved, n)


def test_an_error_counts_the_unsolved_too():
    rows = retests(9, [0.001] * 9 + [0.5], "error")
    assert judge(claim("error", 0.01), rows).ours == 0.001


def test_no_runs_reach_nothing():
    assert judge(claim("solved", 0.0), retests(0, [])).verdict == "not reached"


def test_a_claim_has_a_protocol_or_says_why_not():
    with pytest.raises(ValueError, match="not comparable"):
        claim("solved", 1.0, profile={})
    with pytest.raises(ValueError, match="not comparable"):
        claim("solved", 1.0, not_comparable="no such method")


def test_what_is_stored_speaks_for_its_own_protocol(maker, tmp_path: Path):
    for _ in range(10):
        maker.run("lstm", 50, 1e9)
    folder = tmp_path / "claims" / "some"
    campaign = maker.made(folder)
    folder.mkdir(parents=True)
    store.write_manifest(folder, campaign.manifest)
    stored = campaign.manifest.profile
    # Whoever reads the folder gets what the maker made.
    asked = claim("solved", 1.0, profile={key: stored[key] for key in ("trials", "budget")})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims.store, "load", lambda _: campaign)
        assert claims.find(asked, folder).verdict == "reproduced"
        other = claim("solved", 1.0, profile={**asked.profile, "trials": stored["trials"] + 1})
        changed = claims.find(other, folder)
    assert (changed.verdict, changed.why) == ("not run", "its protocol has changed since: trials")
    assert claims.find(asked, tmp_path / "claims" / "none").verdict == "not run"


def test_the_page_lists_every_claim(tmp_path: Path):
    text = claims.page(tmp_path)
    assert all(f"**{name}**" in text for name in KNOWN)
    assert "not run" in text
