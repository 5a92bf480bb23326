"""The cliff's formulas against finite differences, and the page's against these."""

import json
import shutil
import subprocess
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longlag.reports.gallery import cliff

UNIT = cliff.Unit()
# where the unit runs to one fixed point, however it is touched
CALM = st.tuples(st.floats(3.0, 4.0), st.floats(-4.0, -3.0))


@given(CALM)
def test_gradients_are_the_slopes_of_the_error(point):
    w, b = point
    step = 1e-6
    by_w = (cliff.error(UNIT, w + step, b).error - cliff.error(UNIT, w - step, b).error) / (2 * step)
    by_b = (cliff.error(UNIT, w, b + step).error - cliff.error(UNIT, w, b - step).error) / (2 * step)
    assert cliff.error(UNIT, w, b).gradient == pytest.approx((by_w, by_b), rel=1e-4, abs=1e-9)


def test_a_wall_stands_where_the_unit_chooses_between_two_ends():
    # x stays at .5 where w sigma(.5) + b = .5; for w > 4.3 that point is unstable
    w = 6.0
    b = 0.5 - w * 0.6224593312018546
    low, high = (cliff.error(UNIT, w, b + side).error for side in (-1e-3, 1e-3))
    assert low > 4 * high
    assert max(abs(g) for g in cliff.error(UNIT, w, b).gradient) > 1e3


def test_at_the_published_start_plain_descent_is_thrown_and_the_others_are_not():
    ways = cliff.ways(UNIT, cliff.START)
    ends = {name: cliff.error(UNIT, *path[-1]).error for name, path in ways.items()}
    assert not all(map(cliff.inside, ways["vanilla"]))
    assert all(map(cliff.inside, ways["gradient_clipping"]))
    assert all(map(cliff.inside, ways["hessian_free"]))
    assert ends["hessian_free"] < ends["gradient_clipping"] < 0.1 * ends["vanilla"]


def test_the_figure_s_surface_is_the_error():
    shares = cliff.heights(UNIT)
    high, wide = shares.shape
    for row, column in ((0, 0), (high // 3, wide // 2), (high - 1, wide - 1)):
        w = cliff.WEIGHTS[0] + (column + 0.5) / wide * (cliff.WEIGHTS[1] - cliff.WEIGHTS[0])
        b = cliff.BIASES[1] - (row + 0.5) / high * (cliff.BIASES[1] - cliff.BIASES[0])
        expected = min(1, cliff.error(UNIT, w, b).error / cliff._TOP) ** 0.5
        assert shares[row, column] == pytest.approx(expected, rel=1e-9)


def test_how_all_ways_end_is_counted_with_ties_for_both(monkeypatch):
    valley, far = (4.5, -2.3), (9.0, 0.0)
    ends = {"vanilla": far, "gradient_clipping": valley, "hessian_free": valley}
    monkeypatch.setattr(cliff, "ways", lambda _, start: {name: [start, end] for name, end in ends.items()})
    assert cliff.error(UNIT, *valley).error < cliff.error(UNIT, *far).error
    told = cliff.from_everywhere(UNIT)
    count = cliff._STARTS**2
    assert f"left by plain descent from {count}, clipped descent from 0 and second order from 0;" in told
    assert f"plain descent from 0, clipped descent from {count} and second order from {count}." in told


def test_far_out_nothing_overflows():
    assert cliff.error(UNIT, 1e5, -1e6).error == pytest.approx(UNIT.target**2)


def test_no_step_of_the_second_order_is_worse():
    path = cliff.second_order(UNIT, (5.0, -2.2), 0.1, 40)
    errors = [cliff.error(UNIT, *point).error for point in path]
    assert errors == sorted(errors, reverse=True)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node; the browser's tests do the same")
def test_the_page_computes_the_same():
    points = [(3.2, -1.4), (3.9, -3.1), (4.4, -2.1), (5.0, -1.5), (6.5, -3.9), (4.75, -2.0)]
    script = f"""
      const cliff = require({str(files("longlag.reports.gallery") / "cliff.js")!r});
      const unit = {{steps: 50, target: 0.7, first: 0.5}};
      const points = {json.dumps(points)};
      console.log(JSON.stringify({{
        errors: points.map(([w, b]) => [cliff.error(unit, w, b).error, ...cliff.error(unit, w, b).gradient]),
        clipped: cliff.descent(unit, 3.9, -3.1, 1, 0.1, 20),
        plain: cliff.descent(unit, 3.9, -3.1, 1, null, 20),
        second: cliff.secondOrder(unit, 3.9, -3.1, 0.1, 20),
      }}));
    """
    told = json.loads(
        subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True).stdout
    )
    for point, (error, *gradient) in zip(points, told["errors"], strict=True):
        ours = cliff.error(UNIT, *point)
        assert error == pytest.approx(ours.error, rel=1e-9)
        assert gradient == pytest.approx(ours.gradient, rel=1e-9)
    ways = {
        "clipped": cliff.descent(UNIT, (3.9, -3.1), 1, 0.1, 20),
        "plain": cliff.descent(UNIT, (3.9, -3.1), 1, None, 20),
        "second": cliff.second_order(UNIT, (3.9, -3.1), 0.1, 20),
    }
    for name, path in ways.items():
        for theirs, ours in zip(told[name], path, strict=True):
            assert theirs == pytest.approx(ours, abs=1e-9)
