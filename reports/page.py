"""report.html: one self-contained page."""

from __future__ import annotations

import json
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from longlag.bench.store import Manifest
from longlag.reports import (
    across,
    answers,
    charts,
    curves,
    figures,
    formats,
    inside,
    knob_charts,
    knobs,
    paid,
    reach,
    rows,
    tries,
)
from longlag.reports.ablation import Contribution, contributions
from longlag.reports.captions import CAPTIONS
from longlag.reports.comparisons import compare
from longlag.reports.controls import certificates
from longlag.reports.differences import differences, verdict
from longlag.reports.extrapolations import NOTE, extrapolated
from longlag.reports.palette import looks
from longlag.reports.results import KEYS, Results
from longlag.reports.sheets import ABLATION, DIFFERENCES, ablation_row, difference_row, differs


def as_html(results: Results, every: int = 0) -> str:
    """The page, with every string escaped and nothing fetched from a network.

    `every`: seconds after which a page that is kept current is loaded again; 0: never.
    """
    environment = Environment(
        loader=PackageLoader("longlag.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": formats.number,
        "percent": formats.percent,
        "pretty": pretty,
    }
    environment.globals["interval"] = formats.interval
    environment.globals["tally"] = formats.tally
    return environment.get_template("report.html").render(**content(results), every=every)


def content(results: Results) -> dict[str, Any]:
    """What the page says, as plain values for its template."""
    return {
        "title": ", ".join(results.campaigns),
        "contents": CONTENTS,
        "results": results,
        "looks": looks(results.methods),
        "warnings": [*results.notes, *_budgets(results)],
        "answers": answers.answers(results),
        "certificates": certificates(results),
        "heat": [answers.heat_table(results, panel) for panel in results.panels],
        "cases": list(results.cases.itertuples()),
        "figures": drawings(results),
        "about": {name: str(builder.__doc__).split(";")[0] for name, builder in ALL.items()},
        "missing": MISSING,
        "costs": curves.COSTS,
        "statuses": list(figures.statuses(results)),
        "details": details(results),
        "extrapolated": extrapolated(results),
        "extrapolated_note": NOTE,
        "silent": int((~curves.drawable(results.probes)).sum()),
        "radii": radii(results),
        "differences": [difference_row(each) for each in differences(results.apart)],
        "verdict": verdict(results.apart),
        "differences_note": DIFFERENCES,
        "differs": differs(results.apart),
        "comparisons": compare(results),
        "ablation": [(each.campaign, ablation_row(each)) for each in _contributions(results)],
        "ablation_note": ABLATION,
        "oftener": across.oftener_rows(results),
        "oftener_row": across.oftener_row,
        "order": across.order(results),
        "areas": across.area_rows(results),
        "attempts": [tries.table(results, panel) for panel in results.panels],
        "knobs": knobs.thin(results),
        "settings": {name: settings(each.manifest) for name, each in results.campaigns.items()},
        "commands": {name: each.manifest.command for name, each in results.campaigns.items()},
        "trials": rows.embedded(results),
        "raw_files": rows.FILES,
        "scripts": SCRIPTS,
        "bundle": Markup(charts.bundle()),
    }


def _budgets(results: Results) -> list[str]:
    """Where own and published trials might spend unlike much, which every chart of both is to be read by."""
    if not results.joined:
        return []
    lines = [line for line in differs(results.apart, cases=False) if "budget: " in line]
    return [f"Own and published trials had unlike budgets. {line}." for line in lines]


def _contributions(results: Results) -> list[Contribution]:
    """Of the combinations of a page's own campaign, where others stand beside it."""
    own = next(iter(results.campaigns))
    return [each for each in contributions(results.apart) if not results.joined or each.campaign == own]


CONTENTS = [
    ("answer", "Answer"),
    ("rates", "Success rates"),
    ("ladder", "Lag ladder"),
    ("cost", "Cost"),
    ("learning", "Learning curves"),
    ("outcomes", "Failures"),
    ("gradients", "Gradients"),
    ("tuning", "Tuning"),
    ("knobs", "Hyperparameters"),
    ("comparisons", "Comparisons"),
    ("across", "All tasks"),
    ("trials", "Every trial"),
    ("settings", "Settings"),
]

SCRIPTS = ("pack.js", "behind.js", "trials.js", "page.js")

BUILDERS = {
    "reach": reach.chart,
    "ladder": figures.ladder,
    "errors": figures.errors,
    "cost": figures.cost,
    "paid": paid.chart,
    "learning": curves.learning,
    "outcomes": figures.outcomes,
    "gradients": curves.gradients,
    "inside": inside.chart,
    "tuning": curves.tuning,
}

OVERALL = {"profile": across.profile, "heat": knob_charts.heat}
"""Of all tasks of a campaign together."""
ALL = {**BUILDERS, **OVERALL, "slices": knob_charts.slices}

PICTURED = 6
"""Panels of a page whose charts are there as images too, for readers without JavaScript and for printing."""
ALWAYS_PICTURED = ("profile",)
"""Those of a page with more: an image takes a seventh of a second, and most of a large page's bytes."""

MISSING = {
    "reach": "there are no retests",
    "ladder": "there are no retests",
    "errors": "no retest reached its test",
    "cost": "there are no retests",
    "paid": "no retest solved its task",
    "learning": "no learning curves were stored",
    "outcomes": "no retest was left unsolved",
    "gradients": "no gradients were probed",
    "inside": "no net was probed while it trained",
    "tuning": "there are no tuning trials",
    "profile": "there are no retests",
    "heat": f"no method has {knobs.FEWEST} tuning trials at a lag whose hyperparameters differ",
    "slices": f"no method has {knobs.FEWEST} tuning trials at a lag whose hyperparameters differ",
}


def drawings(results: Results) -> dict[str, list[figures.Drawn]]:
    """Every chart of the page, by the name of its figure."""
    few = len(results.panels) <= PICTURED
    whose = dict.fromkeys(BUILDERS, results.panels) | dict.fromkeys(OVERALL, results.overall)
    found = {
        name: figures.draw(results, builder, whose[name], CAPTIONS[name], few or name in ALWAYS_PICTURED)
        for name, builder in {**BUILDERS, **OVERALL}.items()
    }
    return found | {"slices": [figures.drawn(*each, few) for each in knob_charts.slices(results)]}


def details(results: Results) -> list[Any]:
    """Why unsolved retests stopped: each reason of a case once, with the number of runs."""
    lost = results.retests[~results.retests["solved"].astype(bool)]
    told = lost[lost["detail"].fillna("") != ""]
    keys = [*KEYS, "status", "detail"]
    return list(told.groupby(keys, sort=False).size().reset_index(name="runs").itertuples())


def radii(results: Results) -> list[Any]:
    """The median spectral radius of each case before and after training, where there is one."""
    probes = results.probes[results.probes["spectral_radius"].notna()]
    if probes.empty:
        return []
    table = probes.groupby([*KEYS, "moment"], sort=False)["spectral_radius"].median().unstack("moment")
    return list(table.reindex(columns=["before", "after"]).reset_index().itertuples())


def settings(manifest: Manifest) -> list[tuple[str, list[tuple[str, str]]]]:
    """The manifest as groups of rows: what was run, with what, on what."""
    told = manifest.model_dump(by_alias=True, exclude={"command"})
    plain = {key: value for key, value in told.items() if not isinstance(value, dict)}
    groups = [("campaign", plain)]
    groups += [(key, value) for key, value in told.items() if isinstance(value, dict) and value]
    return [(name, [(key, formats.plain(value)) for key, value in group.items()]) for name, group in groups]


def pretty(hyperparameters: str) -> str:
    """Hyperparameters from their JSON as `name value`, or the text itself where it is no JSON object."""
    try:
        values = json.loads(hyperparameters)
    except ValueError:
        return hyperparameters
    if not isinstance(values, dict):
        return hyperparameters
    return formats.plain(values)
