import base64
import gzip
import io
import json
import math
import shlex

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longlag.reports import packing, rows
from longlag.reports.formats import plain
from longlag.reports.results import Results


def unpacked(text):
    return json.loads(gzip.decompress(base64.b64decode(text)))


def values(column):
    if "numbers" in column:
        return column["numbers"]
    return [column["values"][code] for code in column["codes"]]


def test_numbers_worked_by_hand():
    found = packing.numbers(pd.Series([0.123456, 123456.0, 1e10, math.nan, -0.0001234567, 0.0]))
    assert found == [0.12346, 123460, 10000000000, None, -0.00012346, 0]


@given(st.lists(st.floats(), max_size=30), st.integers(2, 9))
def test_numbers_are_what_format_rounds_them_to(values, digits):
    found = packing.numbers(pd.Series(values, dtype=float), digits)
    for value, told in zip(values, found, strict=True):
        if not math.isfinite(value):
            assert told is None
            continue
        exact = float(f"{value:.{digits}g}")
        # A tie may fall to either side: one unit of the last digit.
        assert told == exact or abs(told - exact) <= 1.01 * 10.0 ** (
            math.floor(math.log10(abs(value))) - digits + 1
        )


def test_a_pack_is_the_same_bytes_each_time():
    assert packing.packed({"a": [1, None, "ü</script>"]}) == packing.packed({"a": [1, None, "ü</script>"]})
    assert unpacked(packing.packed({"a": [1, None, "ü</script>"]})) == {"a": [1, None, "ü</script>"]}


def test_every_trial_is_on_the_page(campaign):
    found = unpacked(rows.embedded(Results([campaign])))
    columns = {each["name"]: values(each) for each in found["columns"]}
    stored = campaign.trials
    assert len(found["runs"]) == len(stored)
    assert columns["method"] == stored["method"].tolist()
    assert columns["status"] == stored["status"].tolist()
    assert columns["lag"] == stored["lag"].tolist()
    assert columns["flops"] == [float(f"{value:.4g}") for value in stored["flops"]]
    assert "learning_rate" in columns["settings"][0]
    assert all(name in columns for name in found["filters"])


def test_a_run_is_named_by_what_tells_it_apart(maker):
    for number in range(3):
        maker.run("lstm", 10, 1e9)
        maker.rows[-1]["run_id"] = f"0123456789{number}abc"
    found = unpacked(rows.embedded(Results([maker.made()])))
    assert found["runs"] == [f"0123456789{number}" for number in range(3)]


def test_the_raw_rows_come_back_whole(campaign):
    files = rows.as_files(Results([campaign]))
    stored = campaign.trials
    packed = pd.read_parquet(io.BytesIO(files["rows.parquet"]))
    written = pd.read_csv(io.BytesIO(files["rows.csv"]), keep_default_na=False, na_values=[""])
    for name in stored.columns:
        pd.testing.assert_series_equal(packed[name], stored[name], check_dtype=False)
    assert written["run_id"].tolist() == stored["run_id"].tolist()
    assert written["flops"].tolist() == stored["flops"].tolist()
    assert written["seed"].tolist() == stored["seed"].tolist()
    assert written["replay"].tolist() == [f"longlag replay made {run}" for run in stored["run_id"]]


def test_a_command_names_its_folder(maker, another, tmp_path):
    maker.run("lstm", 10, 1e9)
    another.run("lstm", 10, 1e9)
    results = Results([maker.made(tmp_path / "my results"), another.made(tmp_path / "b")])
    commands = rows.raw(results)["replay"].tolist()
    assert [shlex.split(command)[:3] for command in commands] == [
        ["longlag", "replay", "my results"],
        ["longlag", "replay", "b"],
    ]
    assert not any(str(tmp_path) in command for command in commands)
    found = unpacked(rows.embedded(results))
    assert [found["replay"][index] for index in found["replays"]] == [
        "longlag replay 'my results'",
        "longlag replay b",
    ]


def test_controls_are_among_the_rows(maker):
    maker.run("lstm", 10, 1e9)
    maker.run("window", 10, None)
    made = maker.made()
    made.manifest.controls["window/adding:hs97/10"] = "hs97"
    found = unpacked(rows.embedded(Results([made])))
    assert values(found["columns"][1]) == ["lstm", "window"]


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rate": 0.012345, "units": 50},
        {"rate": 1e-07, "scale": -2.5, "optimiser": "adam"},
        {"rate": 123456.7, "huge": 1e22},
        {"nested": {"a": 1.23456}, "held": True, "list": [1, 2.34567]},
        {"text": 'with "quotes", 1.23456'},
        {},
    ],
)
def test_hyperparameters_are_brief_whichever_way_they_are_read(values):
    assert rows.brief(json.dumps(values)) == plain(values)


@pytest.mark.parametrize("text", ["no json", "[1, 2]", "3"])
def test_hyperparameters_that_are_no_object_are_shown_as_they_are(text):
    assert rows.brief(text) == text
