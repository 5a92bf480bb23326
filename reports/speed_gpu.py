"""What a GPU would give, for docs/speed.md: what `tests/speed/on_gpu.py` measured where there was one."""

from __future__ import annotations

import json
from pathlib import Path

from longlag.reports.evidence import table as markdown
from longlag.reports.formats import number

STORED = "gpu.json"

_TEXT = """
## On a GPU

LongLag trains on processors. One trial of nets as small as these gains nothing on a GPU; many nets of one
shape at once do, if each is one program of the GPU that runs all steps itself. `tests/speed/on_gpu.py`
trains {method} so, from the suite's own first weights, on sequences drawn on the GPU, one {gpu} against one
core of the same machine ({cpu}). After ten updates on the same batches the weights are within {apart} of
the suite's own.

{rates}

In a whole run {nets} nets, each checked every 50 updates on a thousand fresh sequences, made {updates}
updates in {seconds} s, in which {solved} of them solved the task; one core makes as many updates in {alone}
s.

That is what the engine would gain where a campaign has hundreds of trials of one shape. Its cases have ten
retests of one setting, and tuning trials whose shapes differ: for K = 10 the gain is {few}, of which
drawing each trial's sequences on the processor, as the engine does so that a trial is the same whoever it
ran beside, would leave less. A worker that holds a GPU, takes trials of many cases at once, and draws on
it, is not built.
"""


def section(folder: Path) -> str:
    """The section, as Markdown, of what lies in `folder`; empty where no GPU was measured."""
    path = folder / STORED
    if not path.is_file():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    # a core that is disturbed is slow: the better of two
    cores = [max(shape["core"]) for shape in found["shapes"]]
    counts = list(found["shapes"][0]["gpu"])
    rows = [
        [
            ", ".join(map(str, shape["shape"])),
            number(core),
            *(f"{shape['gpu'][k] / core:.3g}" for k in counts),
        ]
        for shape, core in zip(found["shapes"], cores, strict=True)
    ]
    run = found["trials"]
    few = [shape["gpu"]["10"] / core for shape, core in zip(found["shapes"], cores, strict=True)]
    return _TEXT.format(
        method="clipping's first recipe on temporal order",
        gpu=found["gpu"],
        cpu=found["cpu"],
        apart=number(max(shape["apart"] for shape in found["shapes"])),
        rates="\n".join(
            markdown(["T, B, H", "updates/s of a core", *(f"K = {k}, times that" for k in counts)], rows)
        ),
        nets=run["nets"],
        solved=run["solved"],
        updates=run["updates"],
        seconds=number(run["seconds"]),
        alone=number(run["nets"] * run["updates"] / cores[0]),
        few=f"{min(few):.0f} to {max(few):.0f} times a core",
    )
