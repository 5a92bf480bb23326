"""report.html: one self-contained page."""

from __future__ import annotations

import json
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from reports import answers, formats
from reports.palette import looks
from reports.results import Results
from reports.tables import TUNING_HEAD, frontier_rows, tuning_row


def as_html(results: Results) -> str:
    """The page, with every string escaped and nothing fetched from a network."""
    environment = Environment(
        loader=PackageLoader("reports"),
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
    return environment.get_template("report.html").render(**content(results))


def content(results: Results) -> dict[str, Any]:
    """What the page says, as plain values for its template."""
    return {
        "title": ", ".join(results.campaigns),
        "results": results,
        "looks": looks(results.methods),
        "unfinished": [name for name, each in results.campaigns.items() if not each.manifest.get("finished")],
        "answers": answers.answers(results),
        "frontier": frontier_rows(results),
        "heat": [answers.heat_table(results, panel) for panel in results.panels],
        "cases": list(results.cases.itertuples()),
        "tuning": (TUNING_HEAD, [tuning_row(row) for row in results.cases.itertuples()]),
        "settings": {name: settings(each.manifest) for name, each in results.campaigns.items()},
    }


def settings(manifest: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The manifest as groups of rows: what was run, with what, on what."""
    groups = []
    plain = {key: value for key, value in manifest.items() if not isinstance(value, dict)}
    groups.append(("campaign", plain))
    groups += [(key, value) for key, value in manifest.items() if isinstance(value, dict) and value]
    return [(name, [(key, _plain(value)) for key, value in group.items()]) for name, group in groups]


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return formats.number(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def pretty(hyperparameters: str) -> str:
    """Hyperparameters from their JSON as `name value`, or the text itself where it is no JSON object."""
    try:
        values = json.loads(hyperparameters)
    except ValueError:
        return hyperparameters
    if not isinstance(values, dict):
        return hyperparameters
    return ", ".join(f"{name} {_plain(value)}" for name, value in values.items()) or formats.NONE
