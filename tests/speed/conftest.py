"""What the speed suites share: two sides in turns, a bar for their ratio, and the table at the end.

Without `--benchmark-enable` every suite runs once, as small as it can, and nothing is judged but that both
sides compute the same: what `nox -s tests` does. With it, as in `nox -s speed`, ratios are held against
their bars.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pytest
import torch

from longlag.bench.campaign import provenance
from longlag.reports.speed import Measure, table
from longlag.reports.speed_page import PICTURE, picture

PAST = pytest.StashKey[list[str]]()
"""What of a test is past its bar."""
MEASURES = pytest.StashKey[list[Measure]]()
FACTS = pytest.StashKey[dict[str, Any]]()
BESIDE = ("reservoirpy", "distributed")
"""Packages we are measured against, or with."""

Side = Callable[[], Any]
Clock = Callable[[], float]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[MEASURES] = []
    config.stash[FACTS] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail when all measures of a test are in the table, and not at the first."""
    yield
    if PAST in item.stash:
        pytest.fail("\n".join(item.stash[PAST]), pytrace=False)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threadpoolctl = pytest.importorskip("threadpoolctl")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpoolctl.threadpool_limits(1):
        yield
    torch.set_num_threads(before)


@pytest.fixture
def timed(benchmark: Any) -> bool:
    """Whether this is a measurement, and not a test that everything runs."""
    return bool(benchmark.enabled)


class Pair(NamedTuple):
    """Seconds of two sides that ran one after the other."""

    theirs: float
    ours: float


@pytest.fixture
def pairs(benchmark: Any) -> Callable[..., list[Pair]]:
    """Runs theirs, ours, theirs, ours, `rounds` times; what disturbs one side disturbs the other.

    The clock is the processor's time of this process, so that others who share the machine do not count;
    sides that start processes of their own need another. Untimed, every side runs once.
    """

    def alternate(ours: Side, theirs: Side, rounds: int, clock: Clock = time.process_time) -> list[Pair]:
        seconds: tuple[list[float], list[float]] = [], []

        def clocked(side: Side, into: list[float]) -> None:
            began = clock()
            side()
            into.append(clock() - began)

        benchmark.pedantic(
            lambda: clocked(ours, seconds[1]), setup=lambda: clocked(theirs, seconds[0]), rounds=rounds
        )
        return [Pair(*each) for each in zip(*seconds, strict=True)]

    return alternate


@pytest.fixture
def holds(benchmark: Any, request: pytest.FixtureRequest, timed: bool) -> Callable[..., None]:
    """Notes a measure for the table; where `gates`, the test fails if the median of `values` is past its bar.

    `at_least` or `at_most` is the bar; values without a `unit` are ratios, and only those gate. Whatever else
    is named (shapes, threads) is kept with it.
    """

    def judge(
        measure: str,
        against: str,
        values: Sequence[float],
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        unit: str = "",
        gates: bool = True,
        **told: Any,
    ) -> None:
        if not timed:
            return
        told = {"threads": torch.get_num_threads(), **told}
        low, median, high = quartiles(values)
        noted = Measure(
            measure,
            against,
            at_least,
            at_most,
            median,
            low,
            high,
            len(values),
            unit,
            gates and not unit,
            told,
        )
        request.config.stash[MEASURES].append(noted)
        benchmark.group = request.path.stem.removeprefix("test_").removesuffix("_speed")
        benchmark.extra_info.update(noted._asdict(), versions=_versions())
        if noted.gates and not noted.holds:
            request.node.stash.setdefault(PAST, []).append(" | ".join(noted.row))

    return judge


@pytest.fixture
def facts(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the page is computed from beside the measures: kept in the results as it is."""
    return request.config.stash[FACTS]


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """The first, the median and the third."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, median, high = statistics.quantiles(values, method="inclusive")
    return low, median, high


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if config.stash[MEASURES]:
        terminalreporter.section("speed")
        for line in table(config.stash[MEASURES]):
            terminalreporter.write_line(line)


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Ratios, where they were measured, and no more: seconds say nothing of another machine."""
    output_json.clear()
    output_json.update(
        machine=provenance.machine(),
        versions=_versions(),
        git=provenance.git(),
        load=os.getloadavg()[2],
        measures=[measure._asdict() for measure in config.stash[MEASURES]],
        facts=config.stash[FACTS],
    )
    if "growth" in config.stash[FACTS]:
        beside = config.getoption("benchmark_json").with_name(PICTURE)
        beside.write_text(picture(config.stash[FACTS]["growth"]), encoding="utf-8")


def _versions() -> dict[str, str]:
    return provenance.versions(BESIDE)
