"""gallery.html: one self-contained page of exhibits, and their figures for paper."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from importlib.resources import files

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from longlag.reports import charts
from longlag.reports.gallery import colours
from longlag.reports.gallery.exhibit import Exhibit

_SCALE = 2.0
"""Pixels of a PNG for each of its figure's points."""


def as_html(exhibits: Sequence[Exhibit]) -> str:
    """The page, with every string escaped and nothing fetched from a network."""
    environment = Environment(
        loader=PackageLoader("longlag.reports.gallery", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # in an order that says something: the page draws and lists in it
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    parts = ["draw", *(part for each in exhibits for part in (*each.scripts, each.name))]
    return environment.get_template("page.html").render(
        exhibits=exhibits,
        stills={each.name: _still(each) for each in exhibits},
        style=Markup(_source("style.css")),
        colours=colours.METHOD | colours.TIMER | colours.COMPRESSORS,
        scripts=[Markup(_source(f"{part}.js")) for part in parts],
    )


def figures(exhibit: Exhibit) -> dict[str, bytes]:
    """An exhibit's figure by the ending of its file: svg, png, pdf."""
    spec = exhibit.figure.to_dict()
    return {
        "svg": charts.svg(spec).encode(),
        "png": vl_convert.vegalite_to_png(spec, vl_version=charts.VEGA_LITE, scale=_SCALE),
        "pdf": vl_convert.vegalite_to_pdf(spec, vl_version=charts.VEGA_LITE),
    }


def _still(exhibit: Exhibit) -> str:
    """The figure for readers without JavaScript."""
    drawn = vl_convert.vegalite_to_png(exhibit.figure.to_dict(), vl_version=charts.VEGA_LITE)
    return "data:image/png;base64," + base64.b64encode(drawn).decode("ascii")


def _source(name: str) -> str:
    return (files("longlag.reports.gallery") / name).read_text(encoding="utf-8")
