"""What the README shows, works."""

from __future__ import annotations

import math
import re
from pathlib import Path

import optuna
import pandas as pd
import pytest
import torch
from scipy import stats

from longlag.bench import store
from longlag.bench.plugins.registry import discover
from longlag.reports import claims, ledger
from longlag.reports.differences import differences
from longlag.reports.reach import Reach, reach
from longlag.reports.results import Results
from longlag.reports.statistics import wilson

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
_COUNTED = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight"]


def test_the_plugin_of_the_readme_trains_alone_and_on_an_lstm(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(code.splitlines()) <= 26
    path = tmp_path / "noisy.py"
    path.write_text(code)
    registry = discover((str(path),))
    assert registry.broken == []
    task = registry.task("adding", None, 50)
    for name in ("noisy_gradient", "lstm+noisy_gradient"):
        method = registry.method(name)
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        model = method.build(task, **method.suggest(study.ask(), task))
        batch = task.sample(4, torch.Generator())
        torch.manual_seed(0)
        model.gradient(batch)  # type: ignore[operator]
        assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_the_methods_of_the_readme_are_those_there_are() -> None:
    named = set(re.findall(r"^\| `([a-z0-9_]+)` \|", README, flags=re.MULTILINE))
    assert named == set(discover().methods)


def test_the_first_screen_says_what_was_found_of_the_newer_remedies() -> None:
    first = " ".join(README[: README.index("## Two commands")].split())
    page = (ROOT / "docs" / "today.md").read_text()
    far, cost, _ = (
        {cells[0]: dict(zip(names[1:], cells[1:], strict=True)) for cells in rows}
        for names, *rows in _tables(page)
        if "adding:ms11" in names
    )
    kept = [method for method, cells in far.items() if cells["memorisation:mem5"].startswith("≥ 100")]
    assert set(kept) == {"echo_state", "orthogonal_rnn", "lru"}
    assert f"`echo_state`, `orthogonal_rnn` and `lru`, and by no other of {len(far)} methods" in first
    bridged = [method for method, cells in far.items() if cells["adding:ms11"].startswith("≥ 100")]
    cheapest = sorted(bridged, key=lambda method: float(cost[method]["adding:ms11"]))[:3]
    assert cheapest == ["echo_state", "min_gru", "gru"]
    assert "of the trained ones `min_gru` and `gru` are the cheapest" in first


def test_the_first_screen_says_what_more_tuning_buys() -> None:
    first = " ".join(README[: README.index("## Two commands")].split())
    book = (ROOT / "results" / "README.md").read_text()
    ((head, *rows),) = _tables(book[book.index("### laptop-4") : book.index("### quick")])
    far = {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}
    whole = [
        method for method in head[1:] if all(cells[method].startswith("≥ 1000") for cells in far.values())
    ]
    assert (len(far), whole) == (8, ["echo_state"])
    assert "the echo state network bridges 1,000 on all eight, the LSTM on five" in first
    assert sum(cells["lstm"].startswith("≥ 1000") for cells in far.values()) == 5
    plain = {
        (task, method): int(cells[method].split()[0])
        for task, cells in far.items()
        for method in ("vanilla", "gradient_clipping", "careful_init", "hessian_free")
        if not cells[method].startswith("<")
    }
    assert {task for (task, _), lag in plain.items() if lag > 100} == {"random_permutation:p13"}
    assert max(plain, key=plain.__getitem__) == ("random_permutation:p13", "gradient_clipping")
    assert "no more than 100 but on random permutation, where clipping comes to 350" in first
    assert max(plain.values()) == 350


def test_why_the_first_table_stops_is_told_by_its_rows() -> None:
    text = (ROOT / "results" / "README.md").read_text()
    ((_, *rows),) = _tables(text[text.index("## stops") : text.index("## cliff")])
    names = ["method", "task", "lag"]
    found = []
    for campaign in ("quick", "stops", "laptop-4"):
        cases = pd.read_csv(ROOT / "results" / campaign / "summary.csv")
        cases["task"] += ":" + cases["variant"]
        found.append(
            (cases["solved"].astype(str) + "/" + cases["n"].astype(str))
            .groupby([cases[name] for name in names])
            .first()
        )
    assert len(rows) == len(found[1])
    for method, task, lag, *solved in rows:
        assert solved == [rates[method, task, int(lag)] for rates in found]


def test_what_another_processor_changes_is_told_by_its_rows() -> None:
    text = (ROOT / "results" / "README.md").read_text()
    part = " ".join(text[text.index("## processors") : text.index("## stops")].split())
    here, there = (store.load(ROOT / "results" / name) for name in ("quick", "processors/intel"))
    for of in ("git", "versions", "profile", "seed"):
        assert getattr(here.manifest, of) == getattr(there.manifest, of)
    assert [each.manifest.machine["cpu"].split("(")[0] for each in (here, there)] == ["AMD EPYC", "Intel"]
    both = here.trials.merge(there.trials, on="run_id", suffixes=("", "_there"))
    assert list(both["code_hash"]) == list(both["code_hash_there"])
    other = both["flops"] != both["flops_there"]
    assert f"of the {len(both)} runs of both {other.sum()} took another number of FLOPs" in part
    of_each = {name: f"{case.sum()} of {len(case)}" for name, case in other.groupby(both["method"])}
    assert f"(of Hessian-free's {of_each['hessian_free']}, of the LSTM's {of_each['lstm']})" in part
    assert f"and {_COUNTED[(both['status'] != both['status_there']).sum()]} ended otherwise" in part
    compared = Results([here, there])
    cases = compared.cases.groupby(["method", "task", "variant", "lag"])["best_hyperparameters"]
    shared = cases.nunique()[cases.size() == 2]
    assert f"In {_COUNTED[(shared > 1).sum()]} of the {len(shared)} cases of both another setting" in part
    found: dict[tuple[str, str], list[Reach]] = {}
    for panel in compared.panels:
        for method in compared.methods:
            far = reach(compared, panel, method)
            assert far is not None
            found.setdefault((method, f"{panel.task}:{panel.variant}"), []).append(far)
    apart = {
        case: [str(far) for far in two] for case, two in found.items() if two[0].bridged != two[1].bridged
    }
    assert f"{_COUNTED[len(apart)].capitalize()} of the {len(found)} T" in part
    ((_, *rows),) = _tables(text[text.index("## processors") : text.index("## stops")])
    assert {(method, task): ends for method, task, *ends in rows} == apart
    assert not any(each.beyond_noise for each in differences(compared))


def test_what_careful_initialisation_falls_off_is_told_by_its_rows() -> None:
    text = (ROOT / "results" / "README.md").read_text()
    part = text[text.index("## cliff") : text.index("## five-bits")]
    _are_told(part, ROOT / "results" / "cliff")
    plain = store.load(ROOT / "results" / "cliff" / "plain")
    retests = plain.trials[plain.trials["phase"] == "retest"].set_index("run_id")
    lowest, after, gaps = [], [], []
    for run in retests.index[~retests["solved"]]:
        early = plain.curves[plain.curves["run_id"] == run].head(40)
        before = early["loss"].argmin()
        following = before + 1
        lowest.append(early["loss"].iloc[before])
        after.append(early["loss"].iloc[following])
        gaps.append(early["updates"].iloc[following] - early["updates"].iloc[before])
    assert "all nine" in part
    assert len(lowest) == 9
    assert "between .29 and 1.09" in part
    assert (round(min(lowest), 2), round(max(lowest), 2)) == (0.29, 1.09)
    assert min(after) > 1.35
    *usual, longest = sorted(gaps)
    assert f"({min(usual):.0f} to {max(usual):.0f} updates on; of one {longest:.0f})" in part
    last = plain.probes[plain.probes["moment"] == "after"].groupby("run_id")["saturated"].max()
    assert "97% or more of the units are saturated (a tenth are" in part
    assert last[retests.index[~retests["solved"]]].min() >= 0.97
    assert last[retests.index[retests["solved"]]].median() == pytest.approx(0.1, abs=0.005)


def test_what_structural_damping_is_for_is_told_by_its_rows() -> None:
    text = (ROOT / "results" / "README.md").read_text()
    part = text[text.index("## structural") : text.index("## strength")]
    folder = ROOT / "results" / "structural"
    _are_told(part, folder)
    kept, left = (store.load(folder / name) for name in ("with", "without"))
    retests = [each.trials[each.trials["phase"] == "retest"] for each in (kept, left)]
    solved = [int(each["solved"].sum()) for each in retests]
    assert f"{solved[0]} of 20 seeds, and without structural damping with none" in " ".join(README.split())
    assert solved[1] == 0
    assert "sixteen times" in part
    assert 5e11 / retests[0]["flops_to_solve"].median() == pytest.approx(16, abs=0.6)
    # Equal probabilities of the five bits, of 110 steps.
    assert retests[1]["loss"].min() > 5 * math.log(2) / 110 / 3
    both = [
        each.probes[each.probes["moment"] == "after"].groupby("run_id")["saturated"].max()
        for each in (kept, left)
    ]
    medians = [found[rows["run_id"]].median() for found, rows in zip(both, retests, strict=True)]
    assert medians == pytest.approx([0.003, 0.25], rel=0.15)


def test_how_far_hessian_free_steps_solve_the_tasks_of_their_paper_is_told_by_their_rows() -> None:
    text = (ROOT / "results" / "README.md").read_text()
    part = text[text.index("## martens-2011") : text.index("## inputs")]
    trials = store.load(ROOT / "results" / "martens-2011").trials
    retests = trials[trials["phase"] == "retest"]
    rates = {
        (f"{task}:{variant}", lag): f"{case['solved'].sum()}/{len(case)}"
        for (task, variant, lag), case in retests.groupby(["task", "variant", "lag"])
    }
    (((_, *lags), *rows),) = _tables(part)
    assert {
        (row[0], int(lag)): rate for row in rows for lag, rate in zip(lags, row[1:], strict=True)
    } == rates
    long = retests[retests["variant"] == "mem20"]["status"].value_counts()
    assert "thirteen of the fifteen" in part
    assert (long["improving"], long.sum()) == (13, 15)
    whole = sum(rates[case] == "5/5" for case in rates if case[1] == 100)
    assert f"{['six', 'seven'][whole - 6]} of the eight tasks of its paper at 100" in " ".join(
        (ROOT / "README.md").read_text().split()
    )


def test_which_inputs_hessian_free_learns_random_permutation_from_is_told_by_its_rows() -> None:
    text = (ROOT / "results" / "README.md").read_text()
    _are_told(text[text.index("## inputs") : text.index("## causes")], ROOT / "results" / "inputs")


def test_what_three_other_stops_are_of_is_told_by_their_rows() -> None:
    text = (ROOT / "results" / "README.md").read_text()
    part = text[text.index("## causes") : text.index("## laptop-1")]
    folder = ROOT / "results" / "causes"
    _are_told(part, folder)
    solved, ended = {}, {}
    for path in folder.glob("*/trials.parquet"):
        trials = store.load(path.parent).trials
        retests = trials[trials["phase"] == "retest"]
        solved[path.parent.name] = (int(retests["solved"].sum()), int((~retests["solved"]).sum()))
        ended[path.parent.name] = retests[~retests["solved"]]
    chances = {
        pair: stats.fisher_exact([solved[name] for name in pair]).pvalue
        for pair in (("twelve", "thirty_two"), ("timer", "timer_inputs"))
    }
    assert [f"{chance:.2f}" for chance in chances.values()] == ["0.12", "0.03"]
    assert "(p = .12, Fisher's exact test)" in part
    assert "(p = .03)" in part
    assert f"in {(solved['twelve'][0] / 120) ** 5:.0%} of the cases" in " ".join(part.split())
    assert (solved["timer"][0] / 60) ** 5 == pytest.approx(0.5, abs=0.02)
    assert ended["twelve"]["status"].value_counts()["plateau"] == 3
    assert ended["timer"]["status"].value_counts()["improving"] == 5
    assert ended["timer"]["loss"].between(0.95 * math.log(2), math.log(2)).sum() == 2
    assert set(ended["usual"]["status"]) == {"vanished"}
    first = " ".join(README.split())
    assert f"solves {solved['twelve'][0]} of 120 seeds" in first
    assert f"({solved['timer_inputs'][0]} of 60 seeds with larger ones, {solved['timer'][0]} with" in first
    balanced = claims.find(
        claims.read()["cornn_adding_100_mean"], ROOT / "results" / "claims" / "cornn_adding_100_mean"
    )
    assert (balanced.solved, balanced.n) == (9, 10)
    equal = claims.find(
        claims.read()["cornn_adding_100_mean_equal"],
        ROOT / "results" / "claims" / "cornn_adding_100_mean_equal",
    )
    assert (equal.verdict, equal.solved, equal.n) == ("reproduced", 10, 10)
    rows = store.load(ROOT / "results" / "claims" / "cornn_adding_100_mean").trials
    assert (rows.loc[rows["phase"] == "retest", "flops_to_solve"] <= 6e11).sum() == 7


def test_what_is_bridged_beyond_10_000_is_told_by_its_rows() -> None:
    text = (ROOT / "results" / "README.md").read_text()
    part = text[text.index("## far") : text.index("## martens-2011")]
    rows = pd.DataFrame(store.rows(ROOT / "results" / "far"))
    retests = rows[rows["phase"] == "retest"]
    cases = dict(iter(retests.groupby(["method", "task", "lag"])))
    (((_, _, *lags), *told),) = _tables(part)
    for method, task, *cells in told:
        for lag, cell in zip(lags, cells, strict=True):
            key = method, task, int(lag.replace(",", ""))
            assert (cell == "–") == (key not in cases)
            if cell != "–":
                case = cases[key]
                solved = case.loc[case["solved"], "flops"]
                flops = f", {solved.median():.3g}".replace("e+0", "e").replace("e+", "e")
                assert cell == f"{len(solved)}/{len(case)}" + flops * bool(len(solved)), (method, task, lag)
    at_most = retests[(retests["lag"] == 100_000) & retests["solved"]]
    seconds = at_most.groupby(["method", "task"])["seconds"].median().round()
    assert (
        "13, 49 and 167 s on adding, temporal order and the latch, the LSTM's on the latch 22 s"
        in " ".join(part.split())
    )
    assert [seconds["echo_state", task] for task in ("adding", "temporal_order", "latch")] == [13, 49, 167]
    assert seconds["lstm", "latch"] == 22
    far = at_most.groupby(["method", "task"])["flops"].agg(["size", "median"])
    whole = far[far["size"] == 5]
    first = " ".join(README.split())
    assert f"on {_COUNTED[len(whole.loc['echo_state'])]} families, for 1.2e10 FLOPs on adding" in first
    assert "by the LSTM on the latch, for 2.3e11 ([far]" in first
    assert list(whole.loc["lstm"].index) == ["latch"]
    assert whole.loc[("echo_state", "adding"), "median"] == pytest.approx(1.2e10, rel=0.04)
    assert whole.loc[("lstm", "latch"), "median"] == pytest.approx(2.3e11, rel=0.02)


def _are_told(part: str, folder: Path) -> None:
    """Asserts that a table has a row a campaign in `folder`, and what its retests say."""
    ((_, *rows),) = _tables(part)
    for campaign, method, task, lag, solved, budget, flops in rows:
        trials = store.load(folder / campaign.strip("`")).trials
        (case,) = {
            *zip(trials["method"], trials["task"] + ":" + trials["variant"], trials["lag"], strict=True)
        }
        assert case == (method, task, int(lag))
        retests = trials[trials["phase"] == "retest"]
        low, high = wilson(count := int(retests["solved"].sum()), len(retests))
        assert solved == f"{count}/{len(retests)} [{100 * low:.0f}%, {100 * high:.0f}%]"
        assert {float(budget)} == {*retests["budget"]}
        median = retests["flops_to_solve"].median()
        assert flops == "–" if math.isnan(median) else float(flops) == pytest.approx(median, rel=5e-3)


def test_what_the_clip_buys_is_told_by_its_rows() -> None:
    text = (ROOT / "results" / "README.md").read_text()
    ((_, *rows),) = _tables(text[text.index("## clipping") : text.index("## far")])
    trials = store.load(ROOT / "results" / "clipping").trials
    retests = trials[trials["phase"] == "retest"]
    found = dict(list(retests.groupby(["method", "lag"])))
    assert {(row[0], int(row[2])) for row in rows} == set(found)
    for method, _, lag, solved, budget, *costs in rows:
        case = found[method, int(lag)]
        assert solved == f"{case['solved'].sum()}/{len(case)}"
        assert {float(budget)} == {*case["budget"]}
        medians = [case[name].median() for name in ("flops_to_solve", "updates_to_solve")]
        assert [math.nan if each == "–" else float(each) for each in costs] == pytest.approx(
            medians, rel=5e-3, nan_ok=True
        )


def test_how_far_more_cells_keep_five_bits_is_told_by_their_rows() -> None:
    text = (ROOT / "results" / "README.md").read_text()
    ((_, *rows),) = _tables(text[text.index("## five-bits") : text.index("## structural")])
    trials = store.load(ROOT / "results" / "five-bits").trials
    survey = store.load(ROOT / "results" / "survey").trials
    retests = trials[trials["phase"] == "retest"]
    assert [int(row[0]) for row in rows] == sorted(retests["lag"].unique())
    for lag, solved, *figures in rows:
        case = retests[retests["lag"] == int(lag)]
        costs = case["flops_to_solve"]
        budget = survey.loc[(survey["task"] == "memorisation") & (survey["lag"] == int(lag)), "budget"].max()
        assert solved == f"{case['solved'].sum()}/{len(case)}"
        expected = [costs.median(), costs.max(), budget]
        assert [float(each) for each in figures] == pytest.approx(expected, rel=5e-3)


def _tables(text: str) -> list[list[list[str]]]:
    """The tables of a page in Markdown, as rows of cells, heads first."""
    found = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    rows = [[line.strip("| ").split(" | ") for line in table.splitlines()] for table in found]
    return [[table[0], *table[2:]] for table in rows]


def _seconds(campaign: str, method: str, task: str) -> float:
    """The median of the solved retests at 10,000."""
    trials = store.load(ROOT / "results" / campaign).trials
    case = trials[(trials["method"] == method) & (trials["task"] == task) & (trials["lag"] == 10_000)]
    return float(case.loc[(case["phase"] == "retest") & case["solved"], "seconds"].median())


def test_the_first_screen_says_how_sure_a_pass_is() -> None:
    first = " ".join(README[: README.index("## Two commands")].split())
    frontiers = " ".join((ROOT / "docs" / "frontiers.md").read_text().split())
    (share,) = re.findall(r"retests that had solved their task, (\S+) had too many", frontiers)
    (shorter,) = re.findall(r"(\d+ of \d+ T\\\*) would be shorter", frontiers)
    assert f"asked another 1,000 sequences, {share} of the retests that passed fail" in first
    assert f"would shorten {shorter}" in first
    assert "- lstm on adding:ms11: 10000, then 20 - gru on adding:ms11: 10000, then 200" in frontiers
    assert "on adding the LSTM's from 10,000 to 20, the GRU's to 200" in first
    limits = {task: discover().tasks[task].solved_below for task in re.findall(r"\| (\w+):\w+ \|", frontiers)}
    assert limits.pop("digits") == 0.05
    assert set(limits.values()) == {0.01}


def test_the_first_screen_says_what_a_longer_lag_costs() -> None:
    first = " ".join(README[: README.index("## Two commands")].split())
    frontiers = (ROOT / "docs" / "frontiers.md").read_text()
    (head, *rows) = next(iter(_tables(frontiers[frontiers.index("## What a longer lag costs") :])))
    assert "on twelve tasks](docs/pictures/growth.svg)" in first
    assert len(rows) == 12
    powers = {
        (method, row[0].partition(":")[0]): f"lag^{cell.partition(' ')[0]}"
        for row in rows
        for method, cell in zip(head[1:], row[1:], strict=True)
    }
    adding = "{} for the LSTM and {} for the echo state network"
    assert adding.format(powers["lstm", "adding"], powers["echo_state", "adding"]) in first
    assert powers["lstm", "temporal_order"] == powers["echo_state", "temporal_order"]
    assert f"on temporal order as {powers['lstm', 'temporal_order']} for both" in first
    assert f"on temporal order, as {powers['gradient_clipping', 'temporal_order']}, up to" in first
    spikes = "on spike timing LSTM and GRU need {} and {}, and stop at 100 and 200"
    assert spikes.format(powers["lstm", "spike_timing"], powers["gru", "spike_timing"]) in first
    assert f"the echo state network needs {powers['echo_state', 'latch']} on the latch" in first
    (reached,) = re.findall(
        r"^\| spike_timing.*$", frontiers[: frontiers.index("The median")], flags=re.MULTILINE
    )
    lstm, gru = (cell.split()[0] for cell in reached.strip("| ").split(" | ")[-2:])
    assert (lstm, gru) == ("100", "200")


def test_the_first_screen_says_how_much_is_the_budget() -> None:
    first = " ".join(README[: README.index("## Two commands")].split())
    frontiers = (ROOT / "docs" / "frontiers.md").read_text()
    part = frontiers[frontiers.index("## How much of it is the budget") :]
    (table, *_) = _tables(part)
    found = {method: (reached, tenth) for method, reached, *_, tenth in table[1:]}
    assert (
        "would be shorter for the echo state network on {1} of {0} fam".format(*found["echo_state"]) in first
    )
    assert "for the LSTM on {1} of {0}, ".format(*found["lstm"]) in first
    assert "for Hessian-free on {1} of {0} ".format(*found["hessian_free"]) in first


def test_the_first_screen_says_what_the_survey_and_the_claims_found() -> None:
    first = " ".join(README[: README.index("## Two commands")].split())
    frontiers = (ROOT / "docs" / "frontiers.md").read_text()
    families = re.findall(r"^\| (?:families with|one of) .*$", frontiers, flags=re.MULTILINE)
    assert len(families) == 4
    (budget,) = re.findall(r"Every trial may spend (.*) at lag T; (4 trials tune a case)", frontiers)
    assert "At lag T every trial may spend {}; {}, whatever".format(*budget) in first
    (spent,) = re.findall(r"^\d+ trials, .* core-hours\.$", frontiers, flags=re.MULTILINE)
    assert " ".join(families) in first
    assert spent in first
    far, cost = (
        {cells[0].partition(":")[0]: dict(zip(names[1:], cells[1:], strict=True)) for cells in rows}
        for names, *rows in _tables(frontiers)
        if names[0] == "Task"
    )
    furthest = {
        method: {task for task, cells in far.items() if cells[method].startswith("≥ 10000")}
        for method in ("echo_state", "lstm", "gru")
    }
    assert furthest["echo_state"] == {
        *("adding", "multiplication", "xor", "temporal_order", "random_permutation", "timer", "latch"),
        "spike_timing",
    }
    assert furthest["lstm"] == {"adding", "temporal_order", "latch", "two_sequence"}
    assert furthest["gru"] == {"adding", "temporal_order", "timer"}
    assert "by the echo state network on eight families, the LSTM on four, the GRU on three" in first
    both = furthest["echo_state"] & furthest["lstm"] & furthest["gru"]
    ratios = [float(cost[task]["lstm"]) / float(cost[task]["echo_state"]) for task in both]
    low, high = (round(ratio, -1) for ratio in (min(ratios), max(ratios)))
    assert f"takes {low:.0f} to {high:.0f} times fewer FLOPs" in first
    assert "about ten times less time" in first
    for task in both:
        assert 5 < _seconds("gates", "lstm", task) / _seconds("survey", "echo_state", task) < 20
    guessed = set(re.findall(r"^- (\w+):\S+ .*WARNING: random_guessing", frontiers, flags=re.MULTILINE))
    assert guessed == {"latch", "two_sequence", "spike_timing"}
    for task in set(far) - guessed:
        for method in ("gradient_clipping", "careful_init", "hessian_free"):
            assert int(far[task][method].replace("&lt;", "").split()[0]) <= 100, (task, method)
    told = {
        "latch": ((2000, 1000, 1000), "1,000 to 2,000 on the latch"),
        "spike_timing": ((100, 50, 100), "50 to 100 on spike timing"),
        "two_sequence": ((200, 50, 5000), "careful initialisation 50, clipping 200, Hessian-free 5,000"),
    }
    for task, (lags, words) in told.items():
        assert tuple(int(cells.split()[0]) for cells in list(far[task].values())[1:4]) == lags
        assert far[task]["vanilla"].startswith("20 ")
        assert words in first
    more = store.load(ROOT / "results" / "laptop-4").trials
    luck = more[(more["method"] == "random_guessing") & (more["phase"] == "retest") & more["solved"]]
    assert {*zip(luck["task"], luck["lag"], luck["budget"], strict=True)} == {
        ("xor", 50, 1e9),
        ("random_permutation", 20, 1e9),
    }
    assert "xor and random_permutation now and then" in README
    (ended,) = (
        {cells[0]: dict(zip(names[1:], map(int, cells[1:]), strict=True)) for cells in rows}
        for names, *rows in _tables(frontiers)
        if names[:2] == ["Method", "stops"]
    )
    for method in ended:
        del ended[method]["stops"]
    plain = [ended[method] for method in ("vanilla", "gradient_clipping", "careful_init")]
    vanished, runs = sum(each["vanished"] for each in plain), sum(sum(each.values()) for each in plain)
    assert f"vanished in {vanished} of the {runs} such runs of the baseline, clipping and careful" in first
    assert not any("exploded" in each for each in ended.values())
    second = ended["hessian_free"]
    assert second["vanished"] == 0
    told = f"in none of the {sum(second.values())} of Hessian-free, of which {second['improving']} were still"
    assert told in first
    known = claims.read()
    lem = claims.find(known["lem_adding_10000"], ROOT / "results" / "claims" / "lem_adding_10000")
    assert (lem.verdict, lem.solved, lem.n) == ("reproduced", 10, 10)
    assert "LEM solves adding at 10,000 with ten of ten seeds" in first
    copied = claims.find(known["orthogonal_copy_1000"], ROOT / "results" / "claims" / "orthogonal_copy_1000")
    assert (copied.verdict, copied.solved, copied.n) == ("reproduced", 10, 10)
    assert copied.flops == pytest.approx(1.2e13, rel=0.05)
    assert "`orthogonal_rnn` copying at 1,000 with ten of ten, for 1.2e13 FLOPs in the median" in first
    fewer = {
        name: claim.published / found.ours
        for name, claim in known.items()
        if claim.profile.get("methods") == ["lstm"]
        and claim.measure == "sequences"
        and "reber" not in claim.profile["tasks"][0]["task"]
        and (found := claims.find(claim, ROOT / "results" / "claims" / name)).n
    }
    guessed_too = fewer.pop("lstm_two_sequence_1000")
    assert f"from {min(fewer.values()):.0f} to {max(fewer.values()):.0f} times fewer sequences" in first
    assert f"two sequences, which guessing solves too, from {guessed_too:.0f} times fewer" in first
    reber = claims.find(known["lstm_reber"], ROOT / "results" / "claims" / "lstm_reber")
    assert (
        f"Reber grammar by its recipes from {reber.ours / known['lstm_reber'].published:.1f} times as many"
        in first
    )
    tuned = claims.find(known["lstm_reber_tuned"], ROOT / "results" / "claims" / "lstm_reber_tuned")
    assert f"{tuned.ours / known['lstm_reber'].published:.1f}" in ("0.3", "0.4")
    assert "a third as many tuned" in first
    assert ledger.tally(ledger.table(ROOT / "results")).removesuffix(".") in first
