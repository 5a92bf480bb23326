"""What the nets are like while they train: medians of the probes of retests, worked by hand."""

import math

import pytest

from longlag.reports import inside
from longlag.reports.captions import CAPTIONS
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
    found = inside.stages(results.probes)
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
    assert (
        said.says == "At lag 20, after training, 50% of the units are saturated in lstm and 40% in vanilla."
    )
    assert said.n == "2 probed retests"


def test_campaigns_of_before_have_no_such_chart(maker):
    key = maker.run("vanilla", 20, 1e8)
    maker.probe(key, 0.5, 5, "after")
    results = Results([maker.made()])
    assert math.isnan(results.probes["updates"].iloc[0])
    assert inside.chart(results, results.panels[0]) is None
