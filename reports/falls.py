"""Loss curves of one setting's runs, those that never solve their task in front: docs/pictures/cliff.svg."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from longlag.bench.store import Campaign
from longlag.reports import charts
from longlag.reports.palette import looks

SHOWN = 700
"""Updates that are drawn: most of what is solved is by then."""
HIGHEST = 2.2
"""The loss up to which is drawn: a fall may go higher, for a check."""


def picture(campaigns: Mapping[str, Campaign]) -> str:
    """The retests' validation loss against their updates, a panel a campaign under its title, as SVG."""
    told = {title: f"{title}: {_solved(each)}" for title, each in campaigns.items()}
    rows = pd.concat(_curves(each).assign(panel=told[title]) for title, each in campaigns.items())
    sheets = charts.Sheets()
    base = (
        alt.Chart(sheets.add(rows, ["panel", "run", "method", "updates", "loss", "solved"]))
        .mark_line(clip=True)
        .encode(
            x=alt.X(
                "updates:Q",
                scale=alt.Scale(domain=[0, SHOWN], nice=False),
                axis=alt.Axis(title="updates", tickCount=7),
            ),
            y=alt.Y(
                "loss:Q",
                scale=alt.Scale(domain=[0, HIGHEST], nice=False),
                axis=alt.Axis(title="validation loss", tickCount=5),
            ),
            detail="run:N",
        )
    )
    others = base.transform_filter("datum.solved").encode(
        color=alt.value(charts.INK), opacity=alt.value(0.45), strokeWidth=alt.value(1)
    )
    fallen = base.transform_filter("!datum.solved").encode(
        color=charts.colour(looks(sorted(set(rows["method"])))), strokeWidth=alt.value(1.4)
    )
    panels = alt.Facet("panel:N", title=None, sort=list(told.values()))
    drawn = alt.layer(others, fallen).properties(width=330, height=220).facet(panels, columns=2)
    return charts.svg({**drawn.to_dict(), "datasets": sheets, "config": charts.CONFIG})


def _solved(campaign: Campaign) -> str:
    retests = campaign.trials[campaign.trials["phase"] == "retest"]
    return f"{int(retests['solved'].sum())} of {len(retests)} seeds solve it"


def _curves(campaign: Campaign) -> pd.DataFrame:
    """Updates and loss of every check of the retests, rounded to what a picture shows."""
    retests = campaign.trials[campaign.trials["phase"] == "retest"].set_index("run_id")
    curves = campaign.curves[campaign.curves["run_id"].isin(retests.index)]
    # A check after the last that is drawn, for its line to leave the picture.
    curves = curves[curves["updates"] < 1.2 * SHOWN]
    return pd.DataFrame(
        {
            "run": curves["run_id"],
            "method": curves["run_id"].map(retests["method"]),
            "updates": curves["updates"].astype(float),
            "loss": curves["loss"].astype(float).round(3),
            "solved": curves["run_id"].map(retests["solved"]).astype(bool),
        }
    )
