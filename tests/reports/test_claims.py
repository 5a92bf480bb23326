"""The claims: every entry can be run, and a verdict follows from the rows by its definition alone."""

import json
from math import inf
from pathlib import Path

import pandas as pd
import pytest

from longlag.bench import store
from longlag.bench.campaign import grid, profile
from longlag.bench.plugins.registry import discover
from longlag.reports import claims, ledger, recipes_since
from longlag.reports.claims import Claim, judge

RESULTS = Path(__file__).parents[2] / "results" / "claims"
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
        # That none can: one run that does refutes it.
        (0.0, 0, 10, "reproduced"),
        (0.0, 1, 10, "contradicted"),
        (0.0, 5, 10, "contradicted"),
        (0.0, 10, 10, "contradicted"),
    ],
)
def test_verdicts_on_shares(published, solved, n, verdict):
    finding = judge(claim("solved", published), retests(solved, [1.0] * n))
    assert finding.verdict == verdict
    assert (finding.solved, finding.n) == (solved, n)


def test_an_error_counts_the_unsolved_too():
    rows = retests(9, [0.001] * 9 + [0.5], "error")
    assert judge(claim("error", 0.01), rows).ours == 0.001


def test_a_failed_run_has_an_infinite_error():
    rows = retests(9, [0.001] * 9 + [float("nan")], "error")
    finding = judge(claim("error", 0.01), rows)
    assert (finding.verdict, finding.ours, tuple(finding.interval)) == ("beaten", 0.001, (0.001, 0.001))
    finding = judge(claim("error", 0.01), retests(5, [0.001] * 5 + [float("nan")] * 5, "error"))
    assert (finding.verdict, finding.ours, tuple(finding.interval)) == ("not reached", inf, (0.001, inf))
    finding = judge(claim("error", 0.01), retests(0, [float("nan")] * 6, "error"))
    assert (finding.verdict, finding.ours, tuple(finding.interval)) == ("not reached", inf, (inf, inf))


def test_a_loss_is_of_all_runs_whether_they_solve_the_task_or_not():
    finding = judge(claim("loss", 0.04), retests(0, [0.0375] * 6, "loss"))
    assert (finding.verdict, finding.ours, finding.solved) == ("beaten", 0.0375, 0)
    finding = judge(claim("loss", 0.04), retests(0, [0.0375] * 2 + [0.0401] * 4, "loss"))
    assert (finding.verdict, finding.ours) == ("within interval", 0.0401)
    finding = judge(claim("loss", 0.04), retests(0, [0.0375] * 2 + [float("nan")] * 4, "loss"))
    assert (finding.verdict, finding.ours) == ("not reached", inf)
    assert judge(claim("loss", 0.04), retests(6, [0.05] * 6, "loss")).verdict == "not reached"


def test_an_unsolved_run_costs_infinitely_much():
    rows = retests(9, [1000.0] * 5 + [2000.0] * 4 + [float("nan")])
    finding = judge(claim("sequences", 1200.0), rows)
    assert (finding.verdict, finding.ours) == ("within interval", 1500.0)
    assert finding.interval.low == 1000.0
    # A cost that the row holds nevertheless, of a run that did not solve it, counts as little.
    assert judge(claim("sequences", 1200.0), rows.fillna(1.0)) == finding
    assert judge(claim("solved", 1.0), retests(6, [1.0] * 10)).flops == 1e9
    assert judge(claim("solved", 1.0), retests(4, [1.0] * 10)).flops == inf


def test_what_contradicts_is_counted_apart():
    verdicts = ["beaten", "reproduced", "not reached", "contradicted", "not run", "not comparable"]
    rows = pd.DataFrame({"verdict": verdicts, "figure": list("aabcde")})
    said = (
        "2 of 4 protocols that were run reproduce or beat the published figure, 1 contradicts it; of the 3 "
    )
    met = "figures, 1 are met by one of them."
    left = " 1 more protocols were not run to their end; 1 figures are asked by these alone."
    assert ledger.tally(rows) == said + met + left
    assert "contradict" not in ledger.tally(rows[rows["verdict"] != "contradicted"])
    assert "contradicted" in ledger.MEANINGS


def test_no_runs_reach_nothing():
    assert judge(claim("solved", 0.0), retests(0, [])).verdict == "not reached"


def test_a_claim_has_a_protocol_or_says_why_not():
    with pytest.raises(ValueError, match="not comparable"):
        claim("solved", 1.0, profile={})
    with pytest.raises(ValueError, match="not comparable"):
        claim("solved", 1.0, not_comparable="no such method")
    with pytest.raises(ValueError, match="not comparable"):
        claim("symbols", 0.1)
    assert claim("symbols", 0.1, profile={}, not_comparable="no row counts them").measure == "symbols"


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


def test_a_campaign_of_other_recipes_says_so(maker):
    registry = discover()
    today = registry.method("lstm").recipes(registry.task("adding", "hs97", 50).sizes)
    assert len(today) == 3
    for given in today:
        maker.run("lstm", 50, 1e9, phase="tune", hyperparameters=given)
    # What comes after the recipes is the sampler's.
    maker.run("lstm", 50, 1e9, phase="tune", hyperparameters={**today[0], "units": 5})
    maker.run("lstm", 50, 1e9, hyperparameters=today[0])
    assert recipes_since.changed(maker.made()) == ""
    maker.rows[1]["hyperparameters"] = json.dumps({**today[1], "adam_rate": 0.02})
    assert recipes_since.changed(maker.made()) == "its recipes have changed since, but not the one retested"
    maker.rows[-1]["hyperparameters"] = maker.rows[1]["hyperparameters"]
    assert recipes_since.changed(maker.made()) == "its recipes have changed since"
    fewer = maker.made()
    fewer.manifest.profile["trials"] = 1
    # The second trial ran the best again.
    assert recipes_since.changed(fewer) == ""
    fewer.manifest.profile |= {"trials": 2, "recipes": 1}
    assert recipes_since.changed(fewer) == ""


def test_recipes_that_cannot_be_made_any_more_are_no_crash(maker):
    maker.run("gone", 50, 1e9, phase="tune")
    assert "there is no method 'gone'" in recipes_since.changed(maker.made())


CHANGED = ["hf_adding_200", "hf_order_200", "hf_order_3_200", "hf_multiplication_200", "nag_adding_80"]


@pytest.mark.parametrize("name", CHANGED)
def test_recipes_of_stored_claims_have_changed_and_the_verdict_stays(name):
    found = claims.find(KNOWN[name], RESULTS / name)
    assert found.verdict == ("not run" if name == "nag_adding_80" else "not reached")
    assert "its recipes have changed since" in found.why
    assert claims.find(KNOWN["chrono_copy_500"], RESULTS / "chrono_copy_500").why == ""


def stored(name):
    """The hyperparameters that were retested, and all trials."""
    trials = store.load(RESULTS / name).trials
    (given,) = trials.query("phase == 'retest'")["hyperparameters"].unique()
    return json.loads(given), trials


@pytest.mark.parametrize("name", ["clip_order_200", "clip_permutation_100", "clip_mem5_200"])
def test_a_claim_of_clipping_says_what_its_rows_lack(name):
    given, trials = stored(name)
    tried = [json.loads(each) for each in trials["hyperparameters"]]
    assert not any(each["with_omega"] for each in tried)
    assert {each["recurrent_weights"] for each in tried} == {"orthogonal"}
    momentum = f"{1 - given['friction']:.3f}".strip("0")
    threshold = f"{given['threshold']:g}".lstrip("0")
    for said in (
        "without the paper's Omega term",
        f"of {given['units']} units with Nesterov's momentum to {momentum}",
        f"batches of {given['batch_size']} clipped by {given['clip_by']} at {threshold}",
    ):
        assert said in KNOWN[name].differs


@pytest.mark.parametrize(
    "name",
    [name for name in RUN if name.startswith("hf_") and (RESULTS / name / store.TRIALS).exists()],
)
def test_a_claim_of_hessian_free_says_its_sizes(name):
    given, _ = stored(name)
    assert given["recurrent_weights"] == "orthogonal"
    sequences = given["batch_size"] * given["gradient_batches"]
    for said in (
        f"{given['units']} units that begin with dense orthogonal weights",
        f"gradient is of {sequences:,} sequences and its curvature of {given['curvature_batch']},",
    ):
        assert said in KNOWN[name].differs


def test_a_claim_of_momentum_says_what_its_runs_came_to():
    given, trials = stored("nag_multiplication_80")
    error = trials.query("phase == 'retest'")["error"].median()
    assert f"a median of {100 * error:.1f}%" in KNOWN["nag_multiplication_80"].differs
    assert f"batches of {given['batch_size']} for" in KNOWN["nag_multiplication_80"].differs


def test_the_page_lists_every_claim(tmp_path: Path):
    text = ledger.page(tmp_path)
    assert all(f"**{name}**" in text for name in KNOWN)
    assert "not run" in text
