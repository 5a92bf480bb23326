import base64
import gzip
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote

import pandas as pd
import pytest

from longlag import BadInput, reports
from longlag.reports import curves, figures
from longlag.reports.areas import areas
from longlag.reports.comparisons import compare
from longlag.reports.differences import verdict
from longlag.reports.oftener import oftener
from longlag.reports.page import as_html
from longlag.reports.results import Results
from longlag.reports.rows import raw
from longlag.reports.tables import as_markdown

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
WITH_CHANCE = (figures.ladder, figures.errors, curves.learning, curves.tuning)
BUILDERS = (*WITH_CHANCE, figures.cost, figures.outcomes, curves.gradients)
FETCHING = {"src", "href", "srcset", "action", "data", "poster", "background", "formaction", "xlink:href"}


class Page(HTMLParser):
    """The elements of a page, the text outside its scripts, and each script."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.text, self.scripts, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag in ("script", "style"):
            self.open.append(tag)
            self.scripts += [(dict(attributes).get("type"), "")] if tag == "script" else []

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self.open.pop()

    def handle_data(self, data):
        if self.open == ["script"]:
            kind, before = self.scripts[-1]
            self.scripts[-1] = (kind, before + data)
        elif not self.open:
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())

    @property
    def specs(self):
        return [each for each in self.packs if "layer" in each]

    @property
    def packs(self):
        return [
            json.loads(gzip.decompress(base64.b64decode(text)))
            for kind, text in self.scripts
            if kind == "application/gzip"
        ]

    @property
    def trials(self):
        return next(each for each in self.packs if "runs" in each)


@pytest.fixture(scope="session")
def results(campaign):
    return Results([campaign])


@pytest.fixture(scope="session")
def page(results):
    return Page(as_html(results))


def test_fetches_nothing(page):
    for tag, attributes in page.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        for name in FETCHING & attributes.keys():
            beside = "download" in attributes and "/" not in attributes[name]
            assert beside or attributes[name].startswith(("#", "data:image/svg+xml,")), (tag, name)
    policy = next(each["content"] for _, each in page.elements if each.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    for spec in page.specs:
        assert "http" not in json.dumps(spec)
        assert "url" not in json.dumps(spec)


def test_images_fetch_nothing_either(page):
    images = [each["src"] for tag, each in page.elements if tag == "img"]
    assert len(images) == len(page.specs) == 21  # ten figures, two tasks; one of all tasks
    for image in images:
        drawn = unquote(image.split(",", 1)[1])
        assert "NaN" not in drawn
        assert not re.search(r"(?:href|src)\s*=|url\(\s*['\"]?\s*http|@import", drawn)


def test_every_section_and_rate(page, results):
    identities = {each.get("id") for _, each in page.elements}
    targets = {each["href"][1:] for tag, each in page.elements if tag == "a" and "download" not in each}
    assert targets
    assert targets <= identities
    for case in results.cases.itertuples():
        assert f"{case.solved}/{case.n} [{case.low:.2f}, {case.high:.2f}]" in page.words


def test_says_how_to_run_it_again(page):
    assert "longlag run --profile quick" in page.words
    assert "0123abc" in page.words
    assert "2.13.0" in page.words


@pytest.mark.parametrize("builder", WITH_CHANCE, ids=lambda builder: builder.__name__)
def test_plots_of_rates_and_errors_draw_chance(results, builder):
    for panel in results.panels:
        spec = builder(results, panel)
        lines = [
            layer
            for layer in flat(spec)
            if layer["encoding"].get("y", {}).get("field") == "chance" and layer["mark"]["type"] != "text"
        ]
        labels = [layer for layer in flat(spec) if layer["mark"]["type"] == "text"]
        assert len(lines) == 1
        assert any("chance" in str(rows(spec, layer)) for layer in labels)
        expected = {figures.ladder: 0.0, curves.tuning: 2.0}.get(
            builder, 0.93 if panel.task == "adding" else 0.75
        )
        assert {row["chance"] for row in rows(spec, lines[0])} == {expected}


def flat(spec, data=None):
    for layer in spec["layer"]:
        own = layer if "data" in layer else layer | {"data": spec.get("data", data)}
        yield from flat(own) if "layer" in own else [own]


def rows(spec, layer):
    data = layer["data"]
    return data["values"] if "values" in data else spec["datasets"][data["name"]]


@pytest.mark.parametrize("builder", BUILDERS, ids=lambda builder: builder.__name__)
def test_a_method_keeps_its_colour(results, builder):
    scales = [
        layer["encoding"]["color"]["scale"]
        for layer in flat(builder(results, results.panels[0]))
        if layer["encoding"].get("color", {}).get("field") == "method"
    ]
    expected = dict(zip(results.methods, ("#767676", "#0072B2", "#CC79A7", "#56B4E9"), strict=True))
    assert all(dict(zip(scale["domain"], scale["range"], strict=True)) == expected for scale in scales)
    assert scales or builder is figures.outcomes


def test_unsolved_runs_stand_at_the_budget(maker):
    maker.run("vanilla", 10, None, status="exploded", spent=1e6)
    maker.run("vanilla", 10, 2e9)
    results = Results([maker.made()])
    spec = figures.cost(results, results.panels[0])
    shown = {
        (row["status"], row["shown"])
        for sheet in spec["datasets"].values()
        for row in sheet
        if "shown" in row
    }
    assert shown == {("exploded", 1e10), ("solved", 2e9)}
    assert [{"budget": 1e10, "label": "budget (✕ unsolved)"}] in spec["datasets"].values()
    assert {layer["mark"].get("text") for layer in flat(spec) if layer["mark"]["type"] == "text"} == {
        "✕",
        None,
    }


def test_thinning_keeps_the_ends_and_the_shape():
    frame = pd.DataFrame({"run_id": ["a"] * 1000 + ["b"] * 3, "error": range(1003)})
    kept = curves.thinned(frame, points=100)
    first = kept.loc[kept["run_id"] == "a", "error"].tolist()
    assert (first[0], first[-1]) == (0, 999)
    assert 40 <= len(first) <= 60
    assert max(b - a for a, b in pairwise(first)) <= 2 * 1000 / len(first)
    assert kept.loc[kept["run_id"] == "b", "error"].tolist() == [1000, 1001, 1002]


def test_hostile_strings_are_shown_not_run(maker):
    maker.name = "name" + EVIL
    maker.methods = ["lstm" + EVIL]
    lost = maker.run(
        "lstm" + EVIL, 10, None, status="status" + EVIL, detail="detail" + EVIL,
        hyperparameters={"key" + EVIL: "value" + EVIL}, task="task" + EVIL, variant="variant" + EVIL,
    )  # fmt: skip
    maker.curve(lost, [0.9, 0.8])
    maker.probe(lost, 0.9, 10, "before")
    made = maker.made()
    made.manifest.versions["package" + EVIL] = "version" + EVIL
    made.manifest.command += EVIL
    page = Page(as_html(Results([made])))
    scripts = [kind for kind, _ in page.scripts]
    # seven charts, one of all tasks, and every trial; the bundle, and the page's own
    assert [kind for kind in scripts if kind] == ["application/gzip"] * 9
    assert scripts.count(None) == 5
    assert not [each for _, each in page.elements if "onerror" in each]
    for word in ("name", "lstm", "status", "detail", "key", "value", "version", "package"):
        assert word + EVIL in page.words
    assert "lstm" + EVIL in json.dumps(page.specs[0])


def test_write_leaves_its_files(maker, tmp_path):
    maker.run("lstm", 10, 1e9)
    folder = maker.stored(tmp_path / "campaign")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    results = reports.read([folder])
    assert reports.write(results, folder) == folder / "report.html"
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after.keys() - before.keys() == {
        "summary.csv", "summary.md", "summary.tex", "frontier.svg", "report.html", "rows.csv", "rows.parquet",
    }  # fmt: skip
    assert before.items() <= after.items()
    assert (folder / "summary.csv").read_text().startswith("method,")
    assert [table.row_count for table in reports.terminal(results)] == [2]


def test_a_mix_of_code_is_said(maker):
    for number in range(2):
        maker.run("lstm", 10 * (number + 1), 1e9)
        maker.rows[-1]["code_hash"] = str(number) * 12
    results = Results([maker.made()])
    said = "made is a mix of code: 1 of its 1 methods on a task have trials of several versions of the code."
    assert said in Page(as_html(results)).words
    assert said in as_markdown(results)
    maker.rows[-1]["code_hash"] = "0" * 12
    assert "a mix of code" not in as_markdown(Results([maker.made()]))


def test_only_the_page_shows_what_stands_beside(maker, another, tmp_path):
    for each, method, task in ((maker, "lstm", "adding"), (another, "vanilla", "adding")):
        each.run(method, 10, 1e9, task=task)
    another.run("vanilla", 10, 1e9, task="xor")
    own, other = (reports.read([each.stored(tmp_path / each.name)]) for each in (maker, another))
    shown = reports.beside(own, other)
    assert set(shown.trials["task"]) == {"adding"}
    page = Page(reports.write(own, tmp_path / "made", shown).read_text(encoding="utf-8"))
    assert "vanilla · another" in page.words
    assert "xor" not in page.words
    assert "another" not in (tmp_path / "made" / "summary.md").read_text()


def test_what_stands_beside_is_on_the_same_panel_and_named_after_its_campaign(maker, another, tmp_path):
    for lag, cost in ((10, 1e9), (20, 2e9)):
        for _ in range(10):
            maker.run("lstm", lag, cost)
    for method, lag, cost in (("lstm", 10, 4e9), ("lstm", 20, None), ("vanilla", 50, None)):
        for _ in range(10):
            another.run(method, lag, cost)
    own, other = (reports.read([each.stored(tmp_path / each.name)]) for each in (maker, another))
    shown = reports.beside(own, other)
    assert [panel.label for panel in shown.panels] == ["adding:hs97"]
    assert shown.methods == ["lstm", "vanilla · another", "lstm · another"]
    (panel,) = shown.panels
    assert list(shown.ladder(panel, "lstm")) == [10, 20]
    assert [shown.frontier(panel, method) for method in shown.methods] == [20, None, 10]
    found = [(case.method, case.lag, case.solved) for case in shown.cases_of(panel).itertuples()]
    assert found == [
        ("lstm", 10, 10),
        ("lstm · another", 10, 10),
        ("lstm", 20, 10),
        ("lstm · another", 20, 0),
        ("vanilla · another", 50, 0),
    ]
    pairs = {(row.first, row.second): row.lags for row in oftener(shown).itertuples()}
    assert pairs == {("lstm", "lstm · another"): 2}
    assert [(each.first, each.second, each.cases) for each in compare(shown)] == [
        ("lstm", "lstm · another", 2)
    ]
    # Lags that another tried were not failed; its runs of the same name are others.
    reached = areas(shown).set_index("method")["area"]
    assert (reached["lstm"], reached["lstm · another"] < 1) == (1.0, True)
    assert shown.retests["run_id"].nunique() == len(shown.retests) > own.retests["run_id"].nunique()
    assert set(raw(shown)["run_id"]) == {*own.retests["run_id"], *other.retests["run_id"]}
    words = Page(as_html(shown)).words
    assert "lstm · another bridges a lag of 10" in words
    assert "was not retested here" not in words
    # The campaigns are compared, and their rows are replayed, by the names that they have.
    assert verdict(shown) != verdict(shown.apart)
    assert verdict(shown.apart) in words
    assert set(raw(shown)["method"]) == {"vanilla", "lstm"}


def test_a_page_of_one_method_beside_an_ablation_and_another_budget(maker, another, tmp_path):
    maker.run("mine", 10, 1e9)
    for method in ("vanilla", "a", "b", "a+b"):
        for _ in range(5):
            another.run(method, 10, 1e9 if method == "a+b" else None)
    for row in another.rows:
        row["budget"] = 2e10
    own, other = (reports.read([each.stored(tmp_path / each.name)]) for each in (maker, another))
    words = Page(as_html(reports.beside(own, other))).words
    assert "What each part adds" not in words
    assert "What each part adds" in Page(as_html(other)).words
    said = "Own and published trials had unlike budgets. budget: at 1 of 1 shared lags"
    assert said in words
    assert said not in Page(as_html(own)).words


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(BadInput, match="at least one"):
        reports.read([])
    with pytest.raises(BadInput, match="no campaign here"):
        reports.read([tmp_path])
