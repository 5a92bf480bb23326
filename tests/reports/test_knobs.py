"""Which hyperparameter matters: studies rebuilt from rows, against studies that Optuna itself made."""

import json

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from longlag.reports import knob_charts
from longlag.reports.knobs import FEWEST, TOP, distribution, importances, knobs, placed, study, thin
from longlag.reports.results import Results


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.1, 0.2, 0.15], FloatDistribution(0.1, 0.2)),
        ([1e-4, 1e-1], FloatDistribution(1e-4, 1e-1, log=True)),
        ([10, 50, 20], IntDistribution(10, 50)),
        ([1, 100], IntDistribution(1, 100, log=True)),
        ([0.0, 5.0], FloatDistribution(0.0, 5.0)),
        ([1, 2.5], FloatDistribution(1.0, 2.5)),
        (["adam", "sgd", "adam"], CategoricalDistribution(["adam", "sgd"])),
        ([True, False], CategoricalDistribution([True, False])),
        ([[1, 2], [3]], CategoricalDistribution(["[1, 2]", "[3]"])),
        ([0.3, 0.3], None),
        ([], None),
    ],
)
def test_what_values_were_drawn_from(values, expected):
    assert distribution(values) == expected


def drawn(count, seed=0):
    """Settings of which the rate alone decides, and whether it is good."""
    rng = np.random.default_rng(seed)
    rates, units = 10 ** rng.uniform(-4, 0, count), rng.integers(10, 60, count)
    return [
        ({"rate": float(rate), "units": int(unit), "fixed": 1}, float(abs(np.log10(rate) + 2) / 2))
        for rate, unit in zip(rates, units, strict=True)
    ]


def test_importances_are_those_of_a_study_made_by_hand():
    trials = drawn(60)
    rows = pd.DataFrame({"hyperparameters": [json.dumps(settings) for settings, _ in trials]})
    found = importances(study(rows, pd.Series([value for _, value in trials])))
    rates, units = [s["rate"] for s, _ in trials], [s["units"] for s, _ in trials]
    spaces = {
        "rate": FloatDistribution(min(rates), max(rates), log=True),
        "units": IntDistribution(min(units), max(units)),
    }
    made = optuna.create_study()
    for settings, value in trials:
        params = {name: settings[name] for name in spaces}
        made.add_trial(optuna.create_trial(params=params, distributions=spaces, value=value))
    expected = get_param_importances(made, evaluator=PedAnovaImportanceEvaluator(target_quantile=TOP))
    assert found == pytest.approx(expected)
    assert found["rate"] > 0.8
    assert sum(found.values()) == pytest.approx(1)


def test_too_few_trials_and_equal_ones_show_nothing():
    rows = pd.DataFrame({"hyperparameters": [json.dumps(s) for s, _ in drawn(FEWEST - 1)]})
    assert importances(study(rows, pd.Series(np.arange(FEWEST - 1.0)))) == {}
    same = pd.DataFrame({"hyperparameters": ['{"rate": 0.1}'] * FEWEST})
    assert importances(study(same, pd.Series(np.arange(float(FEWEST))))) == {}
    broken = pd.DataFrame({"hyperparameters": ["no json"] * FEWEST})
    assert importances(study(broken, pd.Series(np.arange(float(FEWEST))))) == {}


def campaign(maker):
    """On two tasks, one ten times harder, the rate alone decides at 10; at 50 are too few trials."""
    for seed, task in enumerate(("adding", "xor")):
        for settings, value in drawn(15, seed):
            score = value / 2 if task == "adding" else 1 + value / 2
            maker.run("lstm", 10, None, phase="tune", task=task, hyperparameters=settings, score=score)
    for settings, value in drawn(5):
        maker.run("lstm", 50, None, phase="tune", hyperparameters=settings, score=value)
    return Results([maker.made()])


def test_tasks_are_taken_together_by_the_place_in_their_own_case(maker):
    results = campaign(maker)
    places = placed(results)
    for _, own in places.groupby(["task", "lag"]):
        assert own["place"].min() == 0
        assert own["place"].max() == 1
        assert own.sort_values("score")["place"].is_monotonic_increasing
    found = knobs(results)
    at = found[found["lag"] == 10].set_index("knob")
    assert set(at.index) == {"rate", "units"}
    assert at.loc["rate", "importance"] > 0.6
    assert set(at["trials"]) == {30}
    assert set(at["tasks"]) == {2}
    few = found[found["lag"] == 50]
    assert few[["knob", "trials"]].to_numpy().tolist() == [["", 5]]
    (said,) = thin(results)
    assert said.startswith("1 of 2 methods at a lag are left out: 5 trials, of at least 20")


def test_the_heat_table_and_the_slices(maker):
    results = campaign(maker)
    spec = knob_charts.heat(results, results.overall[0])
    shown = {row["knob"] for sheet in spec["datasets"].values() for row in sheet if "knob" in row}
    assert shown == {"rate", "units"}
    said = {row["said"] for sheet in spec["datasets"].values() for row in sheet if "said" in row}
    assert said == {"30", "5 (few)"}
    sliced = {panel: spec for panel, spec, _ in knob_charts.slices(results)}
    assert [panel.label for panel in sliced] == ["lstm · rate", "lstm · units"]
    first = next(iter(sliced.values()))
    rows = next(sheet for sheet in first["datasets"].values() if "setting" in sheet[0])
    assert len(rows) == 35


def test_a_slice_of_a_choice_says_what_the_best_have(maker):
    for number in range(40):
        settings = {"gate": "chrono" if number % 4 == 0 else "none", "on": True}
        maker.run("lstm", 10, 1e8 if number % 4 == 0 else 1e9, phase="tune", hyperparameters=settings)
    (panel, spec, caption), *others = knob_charts.slices(Results([maker.made()]))
    assert not others
    assert panel.label == "lstm · gate"
    rows = next(sheet for sheet in spec["datasets"].values() if "setting" in sheet[0])
    assert [row["setting"] for row in rows[:5]] == ["chrono", "none", "none", "none", "chrono"]
    assert caption == ("100% of the best quarter have chrono, of all 25%.", "40 tuning trials")


def test_without_tuning_nothing_is_shown(maker):
    maker.run("lstm", 10, 1e8)
    results = Results([maker.made()])
    assert knobs(results).empty
    assert knob_charts.heat(results, results.overall[0]) is None
    assert list(knob_charts.slices(results)) == []
    assert thin(results) == []
