"""Which of the best settings is the surest: sequential halving (Karnin, Koren & Somekh 2013, Algorithm 1).

On one seed each, the luckiest setting is not the best. So the best are run again on fresh seeds; the better
half is run twice as often as before, and so on, until one is left: as many runs a round, on fewer settings.
"""

from __future__ import annotations

from collections.abc import Iterator


def rounds(settings: int, reruns: int) -> Iterator[tuple[int, int]]:
    """How many settings are run again in each round, and how often each; none for no setting or no rerun."""
    while settings and reruns:
        yield settings, reruns
        settings, reruns = settings // 2, 2 * reruns
        if settings == 1:
            return
