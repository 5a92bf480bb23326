"""What the nets are like while they train: medians of the probes of retests, worked by hand."""

import math

import pytest

from longlag.reports import inside
from longlag.reports.captions import CAPTIONS
from longlag.reports.curves import norms
from longlag.reports.results import Results


def trained(maker, method, *, radius):
    """A retest probed before, at 100 and 1,200 updates, and after 3,000."""
    key = maker.run(method, 20, 1e8)
    moments = (("before", 0), ("during", 100), ("during", 1200), ("after", 3000))
    for place, (moment, updates) in enumerate(moments):
        maker.probe(key, 0.1, 3, moment, radius + place, updates)


def test_medians_by_stage(maker):
    for radius in (1.0, 2.0, 6.0):
        trained(maker, "vanilla", radius=radius)
    results = Results([maker.made()])
    found = inside.stages(results)
    assert found["updates"].tolist() == [0, 100, 1200, 3000]
    assert found["spectral_radius"].tolist() == [2, 3, 4, 5]
    assert found["saturated"].tolist() == pytest.approx([0.2, 0.3, 0.4, 0.5])
    # Of norms 1, .1 and .01 the last is a hundredth of the largest.
    assert found["reach"].tolist() == pytest.approx([-2] * 4)


def test_a_reader_chooses_the_measure(maker):
    trained(maker, "vanilla", radius=1.0)
    trained(maker, "lstm", radius=2.0)
    results = Results([maker.made()])
    (panel,) = results.panels
    spec = inside.chart(results, panel)
    bound = {each["name"]: each for each in spec["params"]}
    assert bound["measure"]["bind"]["options"] == list(inside.MEASURES)
    assert bound["lag"]["value"] == 20
    rows = [row for sheet in spec["datasets"].values() for row in sheet if "measure" in row]
    assert len(rows) == 2 * 4 * 3
    said = CAPTIONS["inside"](results, panel)
    # Of what the chart opens with.
    assert bound["measure"]["value"] == "spectral radius"
    assert said.says == "At lag 20, after training, spectral radius: 5 in lstm and 4 in vanilla."
    assert said.n == "2 probed retests"


def test_campaigns_of_before_have_no_such_chart(maker):
    key = maker.run("vanilla", 20, 1e8)
    maker.probe(key, 0.5, 5, "after")
    results = Results([maker.made()])
    assert math.isnan(results.probes["updates"].iloc[0])
    assert inside.chart(results, results.panels[0]) is None


def test_gradients_are_medians_of_the_same_runs_before_and_after(maker):
    # Every second step of one run, every third of the other: neither has the steps of both.
    for length, decay in ((20, 0.5), (30, 0.1)):
        key = maker.run("lstm", 20, 1e8)
        for moment, updates in (("before", 0), ("during", 100), ("after", 3000)):
            maker.probe(key, decay, length, moment, updates=updates)
    results = Results([maker.made()])
    found = norms(results)
    assert set(found["moment"]) == {"before", "after"}
    assert set(found["runs"]) == {2}
    after = found[found["moment"] == "after"]
    assert after["back"].tolist() == list(range(0, 20, 2))
    # On a logarithmic axis both are straight, and the median of two is the mean of their logarithms.
    wanted = [math.sqrt(0.5 * 0.1) ** back for back in range(0, 20, 2)]
    middle = [(0.5**back + 0.1**back) / 2 for back in range(0, 20, 2)]
    assert after["gradient_norm"].tolist() == pytest.approx(wanted)
    assert after["gradient_norm"].tolist()[1:] != pytest.approx(middle[1:])
