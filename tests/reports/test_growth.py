"""By what power of the lag the sequences that solving took grow."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize

from longlag.reports.frontiers import page
from longlag.reports.growth import growth, picture, took
from longlag.reports.results import Results
from tests.reports.conftest import BUDGET

LAGS = (10, 20, 50, 100, 200)


def climbs(maker, method, power, lags=LAGS, spread=1.0, task="adding"):
    """Five retests a lag whose cost is a power of the lag, times factors whose geometric mean is one."""
    for rung, lag in enumerate(lags, start=1):
        for side in (-2, -1, 0, 1, 2):
            cost = 1e-3 * BUDGET * (lag / 10) ** power * spread**side
            maker.run(method, lag, cost, rung=rung, task=task)


def test_the_exponent_of_a_power_law_is_its_own(maker):
    climbs(maker, "lstm", 0.0, spread=1.3)
    climbs(maker, "vanilla", 1.2)
    results = Results([maker.made()])
    (panel,) = results.panels
    for method, power in (("lstm", 0.0), ("vanilla", 1.2)):
        found = growth(results, panel)[method]
        assert found.exponent == pytest.approx(power, abs=1e-9)
        assert found.interval == pytest.approx((power, power), abs=1e-6)
    assert str(found) == "1.20 [1.20, 1.20]"


def test_one_method_bent_has_the_slope_that_leaves_least(maker):
    costs = (3.0, 4.0, 4.5, 9.0, 7.0)
    for lag, cost in zip(LAGS, costs, strict=True):
        for _ in range(5):
            maker.run("lstm", lag, 1e-3 * BUDGET * cost)
    results = Results([maker.made()])
    found = growth(results, results.panels[0])["lstm"]
    x, y = np.log(LAGS), np.log(costs)
    fitted, covariance = optimize.curve_fit(lambda at, a, b: a + b * at, x, y)
    assert found.exponent == pytest.approx(fitted[1], rel=1e-6)
    # Student's t of three degrees of freedom, by its table.
    half = 3.182446 * math.sqrt(covariance[1, 1])
    assert found.interval == pytest.approx((fitted[1] - half, fitted[1] + half), rel=1e-5)


def test_what_is_beyond_the_frontier_and_what_solved_nothing_do_not_count(maker):
    climbs(maker, "lstm", 0.0, LAGS[:4])
    for cost in (0.9, 0.9, 0.9, None, None):
        maker.run("lstm", 200, cost and cost * BUDGET)
    climbs(maker, "vanilla", 0.0, LAGS[:3])
    results = Results([maker.made()])
    (panel,) = results.panels
    found = growth(results, panel)
    assert found["lstm"].exponent == pytest.approx(0, abs=1e-9)
    assert "vanilla" not in found
    assert set(took(results, panel)["lag"]) == {10, 20, 50, 100}


def test_the_page_of_frontiers_tells_it_and_draws_it(maker):
    climbs(maker, "lstm", 0.0)
    climbs(maker, "vanilla", 1.2, LAGS[:3])
    climbs(maker, "lstm", 0.0, LAGS[:2], task="xor")
    told = page([maker.made()], "Frontiers", "frontiers.svg")
    assert "growth.svg" not in told
    part = told[told.index("## What a longer lag costs") :]
    assert "| adding:hs97 | – | 0.00 [0.00, 0.00] |" in part
    assert "| xor:hs97" not in part
    drawn = picture(Results([maker.made()]))
    assert "adding:hs97" in drawn
    assert "xor:hs97" not in drawn
    # Named in its legend, for it stands alone.
    assert "lstm" in drawn


def test_where_too_few_lags_are_bridged_nothing_is_told(maker):
    climbs(maker, "lstm", 0.0, LAGS[:3])
    assert "## What a longer lag costs" not in page([maker.made()], "Frontiers", "frontiers.svg")
    assert picture(Results([maker.made()])) is None
