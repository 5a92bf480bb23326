"""What each part of a combination adds, worked by hand."""

import io

import pytest
from rich.console import Console
from scipy import stats

from longlag.reports.ablation import contributions
from longlag.reports.console import tables
from longlag.reports.page import as_html
from longlag.reports.results import Results
from longlag.reports.tables import as_markdown


@pytest.fixture
def lattice(maker):
    """On one case: nothing and b solve 0 of 5, a 4 of 5, a+b 5 of 5."""
    maker.methods = ["vanilla", "a", "b", "a+b"]
    for method, solved in (("vanilla", 0), ("a", 4), ("b", 0), ("a+b", 5)):
        for run in range(5):
            maker.run(method, 10, 1e9 if run < solved else None)
    return maker


def test_each_part_is_compared_where_it_alone_differs(lattice):
    first, second = contributions(Results([lattice.made()]))
    assert (first.combination, first.part, first.cases) == ("a+b", "a", 2)
    assert (first.with_it, first.without) == ((9, 10), (0, 10))
    assert (second.part, second.with_it, second.without) == ("b", (5, 10), (4, 10))
    # Two strata: a against nothing, a+b against b. The outcome is the likeliest of all to be so extreme.
    one, two = stats.hypergeom(10, 4, 5).pmf(4), stats.hypergeom(10, 5, 5).pmf(5)
    other = stats.hypergeom(10, 4, 5).pmf(0) * stats.hypergeom(10, 5, 5).pmf(0)
    assert first.p == pytest.approx(one * two + other)
    assert first.adjusted == pytest.approx(2 * first.p)
    # b changes nothing where it is alone, and one run of ten beside a.
    assert second.p == pytest.approx(stats.fisher_exact([[5, 0], [4, 1]])[1])


def test_it_is_told_in_every_place(lattice):
    results = Results([lattice.made()])
    console = Console(width=80, file=io.StringIO())
    console.print(*tables(results))
    for text in (console.file.getvalue(), as_markdown(results), as_html(results)):
        assert "What each part adds" in text
        assert "9/10" in text


def test_a_combination_without_all_its_subsets_is_left_alone(maker):
    maker.methods = ["vanilla", "a", "a+b"]
    for method in maker.methods:
        maker.run(method, 10, 1e9)
    results = Results([maker.made()])
    assert contributions(results) == []
    assert "What each part adds" not in as_markdown(results)


def test_a_campaign_with_the_parts_alone_says_nothing_of_the_whole(lattice, another):
    another.methods = ["vanilla", "a", "b"]
    for method in another.methods:
        another.run(method, 10, 1e9)
    found = contributions(Results([another.made(), lattice.made()]))
    assert [(each.campaign, each.part) for each in found] == [("made", "a"), ("made", "b")]


def test_a_part_of_a_larger_combination_is_told_with_it_alone(maker):
    maker.methods = ["vanilla", "a", "b", "c", "a+b", "a+c", "b+c", "a+b+c"]
    for method in maker.methods:
        maker.run(method, 10, 1e9 if "c" in method else None)
    found = contributions(Results([maker.made()]))
    assert [(each.combination, each.part, each.cases) for each in found] == [
        ("a+b+c", "a", 4), ("a+b+c", "b", 4), ("a+b+c", "c", 4)
    ]  # fmt: skip
    assert (found[2].with_it, found[2].without) == ((4, 4), (0, 4))
    assert [each.p for each in found[:2]] == [1.0, 1.0]
