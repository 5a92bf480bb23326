"""The picture of loss curves, read back as SVG."""

from __future__ import annotations

from xml.etree import ElementTree

from longlag.reports.falls import SHOWN, picture
from longlag.reports.palette import looks


def test_what_never_solves_its_task_stands_out_in_its_panel(maker, another):
    for made, costs in ((maker, (1e9, None, None)), (another, (1e9, 2e9, 3e9))):
        for cost in costs:
            run = made.run("lstm", 10, cost)
            for updates in (0.0, SHOWN / 2, 2.0 * SHOWN):
                made.curve_rows.append({"run_id": run, "updates": updates, "loss": 1.0, "error": 0.5})
    drawn = picture({"plain": maker.made(), "clipped": another.made()})
    assert "plain: 1 of 3 seeds solve it" in drawn
    assert "clipped: 3 of 3 seeds solve it" in drawn
    marks = ElementTree.fromstring(drawn).iter()
    own = looks(["lstm"])["lstm"].colour
    assert [mark.get("stroke") for mark in marks if mark.get("stroke-width") == "1.4"] == [own] * 2
