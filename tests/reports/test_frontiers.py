"""The page of frontiers, of campaigns small enough to work out on paper."""

from __future__ import annotations

import pytest
from rich.console import Console

from longlag.bench.contract import BadInput
from longlag.bench.store import Campaign
from longlag.reports import reach
from longlag.reports.alike import together
from longlag.reports.answers import answers
from longlag.reports.console import tables
from longlag.reports.frontiers import page
from longlag.reports.results import Results
from tests.reports.conftest import BUDGET


def _page(*campaigns: Campaign) -> str:
    return page(campaigns, "Frontiers", "frontier.svg")


def test_the_page_says_how_far_each_method_gets(maker):
    for task, lags in (("adding", (10, 20)), ("xor", (10,))):
        for rung, lag in enumerate(lags, 1):
            for _ in range(5):
                maker.run("lstm", lag, 1e9, rung=rung, task=task)
    for _ in range(2):
        maker.run("vanilla", 10, None, rung=1, status="vanished")
    made = maker.made()
    made.manifest.profile["budget"] = {"at": 10, "flops": 2e10, "grows": "lag^2"}
    made.manifest.skipped.update(
        {"lstm on digits:pixels at lag 64": "too long", "vanilla on timer:start_twin at lag 20": "-"}
    )
    text = _page(made)
    assert "2e10 (T / 10)^2 FLOPs at lag T; 4 trials" in " ".join(text.split())
    assert "| adding:hs97 | &lt; 10 | ≥ 20 [" in text
    assert "| xor:hs97 | – | ≥ 10 [" in text
    assert "| families with a lag bridged | 0 of 2 | 2 of 2 |" in text
    assert "- vanilla on adding:hs97 at 10: 0/2; vanished 2" in text
    assert "- lstm on digits:pixels at lag 64: too long" in text
    assert "timer:start_twin" not in text
    assert "17 trials, 3.5e10 FLOPs" in text


def test_families_with_a_long_lag_are_counted_once_however_many_variants_of_them_there_are(maker):
    for task, variant, lag in (("adding", "hs97", 1000), ("adding", "ms11", 100), ("xor", "hs97", 10)):
        for _ in range(5):
            maker.run("lstm", lag, 1e9, rung=1, task=task, variant=variant)
            maker.run("vanilla", lag, 1e9 if task == "xor" else None, rung=1, task=task, variant=variant)
    rows = [line for line in _page(maker.made()).splitlines() if "| one of" in line or "| families" in line]
    assert rows == [
        "| families with a lag bridged | 1 of 2 | 2 of 2 |",
        "| one of 100 or more | 0 of 2 | 1 of 2 |",
        "| one of 1,000 or more | 0 of 2 | 1 of 2 |",
    ]


def test_how_the_climbs_ended_is_counted_at_the_first_lag_that_was_not_bridged(maker):
    for rung, lag in enumerate((10, 20), 1):
        for _ in range(5):
            maker.run("lstm", lag, 1e9, rung=rung)
    for status in ("vanished", "improving", "improving"):
        maker.run("lstm", 50, None, rung=3, status=status)
    for _ in range(2):
        maker.run("vanilla", 10, None, rung=1, status="plateau")
    for _ in range(5):
        maker.run("vanilla", 10, 1e9, rung=1, task="xor")
    text = _page(maker.made())
    head, _, *rows = text.partition("had ended at")[2].splitlines()[2:6]
    assert head == "| Method | stops | improving | plateau | vanished |"
    assert rows == ["| vanilla | 1 | 0 | 2 | 0 |", "| lstm | 1 | 2 | 0 | 1 |"]


def test_what_passes_once_and_not_again_is_counted(maker):
    for rung, lag in enumerate((10, 20), 1):
        for number in range(5):
            maker.run("lstm", lag, 1e9, rung=rung, error=0.02 if (lag, number) == (20, 0) else 0.0)
    text = " ".join(_page(maker.made()).split())
    assert (
        "Of 10 retests that had solved their task, 10% had too many of another 1,000 sequences wrong" in text
    )
    assert "2% at the worst" in text
    assert "1 of 1 T\\* would be shorter: - lstm on adding:hs97: 20, then 10" in text
    for row in maker.rows:
        row["error"] = 0.0
    assert "0 of 1 T\\* would be shorter. " in " ".join(_page(maker.made()).split())


def test_the_median_cost_is_of_the_longest_lag_bridged(maker):
    for rung, (lag, costs) in enumerate({10: (1e9,) * 5, 20: (1e9, 2e9, 3e9, 4e9, 5e9)}.items(), 1):
        for cost in costs:
            maker.run("lstm", lag, cost, rung=rung)
    assert "| adding:hs97 | 3e9 |" in _page(maker.made())


def test_campaigns_alike_are_one_on_the_tasks_of_the_last(maker):
    first, last = maker, type(maker)(methods=["gru"])
    for task in ("adding", "xor"):
        for _ in range(5):
            first.run("lstm", 10, 1e9, rung=1, task=task)
    for _ in range(5):
        last.run("gru", 10, 2e9, rung=1)
    one, other = first.made(), last.made()
    both = together([one, other])
    assert both.manifest.profile["methods"] == ["vanilla", "lstm", "gru"]
    assert list(both.trials["method"]) == ["lstm"] * 5 + ["gru"] * 5
    assert set(both.trials["task"]) == {"adding"}
    text = _page(one, other)
    assert "| Method | adding:hs97 |" in text  # the longer list goes down
    assert "| gru | ≥ 10 [" in text
    assert "| lstm | 1e9 |" in text


def test_of_a_method_in_several_the_newest_rows_stand(maker):
    first, last = maker, type(maker)()
    for _ in range(5):
        first.run("lstm", 10, 1e9, rung=1)
        last.run("lstm", 10, 2e9, rung=1)
    one, other = first.made(), last.made()
    one.manifest.created = "2026-02-01T00:00:00"
    for order in ([one, other], [other, one]):
        assert list(together(order).trials["flops"]) == [1e9] * 5


def test_campaigns_alike_may_have_been_tried_to_other_lags(maker):
    far, near = maker, type(maker)(methods=["gru"])
    for rung, lag in enumerate((10, 20, 50), 1):
        for _ in range(5):
            far.run("lstm", lag, 1e9, rung=rung)
    for _ in range(5):
        near.run("gru", 10, 1e9, rung=1)
    one, other = far.made(), near.made()
    one.manifest.profile["lags"], other.manifest.profile["lags"] = "climb:10..50", "climb:10..20"
    text = _page(other, one)
    assert "| lstm | ≥ 50 [" in text
    assert "| gru | ≥ 10 [" in text
    # Side by side at the lags of the last.
    assert "| lstm | ≥ 20 [" in _page(one, other)


def test_campaigns_of_other_budgets_are_not_alike(maker):
    one, other = maker.made(), maker.made()
    other.manifest.profile["budget"] = 7e7
    with pytest.raises(BadInput, match=r"are not alike: budget was 10000000000\.0 and 70000000\.0"):
        together([one, other])


def test_campaigns_whose_tasks_had_other_budgets_are_not_alike(maker):
    one, other = maker, type(maker)(methods=["gru"])
    for each, method in ((one, "lstm"), (other, "gru")):
        each.run(method, 10, 1e9, rung=1)
        each.run(method, 20, 1e9, rung=2)
    other.rows[1]["budget"] = 2e13
    with pytest.raises(BadInput, match=r"on adding:hs97 at lag 20: budget was 1e\+10 and 2e\+13"):
        together([one.made(), other.made()])
    # A lag that the last has no rows of is not compared; the other's beyond its longest are left out.
    one.rows[1]["lag"] = 50
    last = other.made()
    last.manifest.profile["lags"] = "climb:10..20"
    assert sorted(together([one.made(), last]).trials["lag"]) == [10, 10, 20]


def test_campaigns_whose_tasks_had_other_trials_are_not_alike(maker):
    one, other = maker, type(maker)(methods=["gru"])
    for each, method in ((one, "lstm"), (other, "gru")):
        each.run(method, 10, 1e9, rung=1)
        each.run("window", 10, None)
        each.rows[-1]["budget"] = BUDGET * (1 + (method == "gru"))
    campaigns = [one.made(), other.made()]
    for each in campaigns:  # what certifies a task is no result, and may differ
        each.manifest.controls["window/adding:hs97/10"] = "hs97"
    assert len(together(campaigns).trials) == 3
    campaigns[1].manifest.profile["tasks"] = [{"task": "adding:hs97", "trials": 40}]
    with pytest.raises(BadInput, match=r"on adding:hs97 at lag 10: trials was 4 and 40"):
        together(campaigns)
    # An entry for another method, or of another task, is not of this one.
    campaigns[1].manifest.profile["tasks"] = [
        {"task": "adding", "methods": ["gru"]},
        {"task": "adding", "methods": ["elman"], "trials": 40},
        {"task": "xor", "trials": 40},
    ]
    assert len(together(campaigns).trials) == 3


def test_a_task_s_own_lags_are_how_far_its_rows_go(maker):
    for task in ("adding", "xor"):
        for rung, lag in enumerate((10, 200), 1):
            maker.run("lstm", lag, 1e9, rung=rung, task=task)
    made = maker.made()
    made.manifest.profile["lags"] = "climb:10..100"
    made.manifest.profile["tasks"] = [
        {"task": "adding", "lags": None},
        {"task": "adding", "lags": "climb:10..1000", "methods": ["lstm"]},
        {"task": "xor", "lags": None},
    ]
    kept = together([made]).trials
    assert list(zip(kept["task"], kept["lag"], strict=True)) == [("adding", 10), ("adding", 200), ("xor", 10)]


def ended_by_its_tuning(maker) -> None:
    """A climb whose second rung has no retests, since every trial of its tuning met its limit."""
    for _ in range(5):
        maker.run("lstm", 10, 1e9, rung=1)
    for _ in range(4):
        maker.run("lstm", 20, None, rung=2, phase="tune", status="timeout")


def test_a_rung_where_every_trial_failed_is_a_stop(maker):
    ended_by_its_tuning(maker)
    maker.run("vanilla", 10, None, rung=1, phase="tune", status="crashed")
    results = Results([maker.made()])
    (panel,) = results.panels
    assert reach.cell(results, panel, "lstm") == "10 [< 10, > 10]"
    assert reach.cell(results, panel, "vanilla") == "< 10"
    text = _page(maker.made())
    assert "| vanilla | &lt; 10 |" in text
    assert "| lstm | 10 [&lt; 10, > 10] |" in text
    assert "| Method | stops |\n| --- | --- |\n| vanilla | 1 |\n| lstm | 1 |\n" in text
    assert "- lstm on adding:hs97 at 20: no retests; tuning: timeout 4" in text
    assert "- vanilla on adding:hs97 at 10: no retests; tuning: crashed 1" in text
    (answer,) = answers(results)
    assert answer.summary == "lstm bridges a lag of 10; none bridges 20."
    assert "; not 20: it has no retests; tuning: timeout 4." in dict(answer.sentences)["lstm"]
    console = Console(width=100)
    with console.capture() as captured:
        console.print(*tables(results))
    assert "20: no retests; tuning: timeout 4" in " ".join(captured.get().split())


def test_what_a_campaign_under_way_has_only_tuned_is_no_stop(maker):
    ended_by_its_tuning(maker)
    maker.finished = None
    results = Results([maker.made()])
    assert reach.cell(results, results.panels[0], "lstm") == "≥ 10 [< 10, > 10]"
    (answer,) = answers(results)
    assert answer.summary == "lstm bridges a lag of 10; none is known to bridge 20."
    assert "not 20" not in dict(answer.sentences)["lstm"]
    assert "How they failed" not in _page(maker.made())
