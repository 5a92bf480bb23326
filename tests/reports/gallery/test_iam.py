"""Lines of IAM-OnDB, from files of that format that are made here."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from longlag.bench.cli.app import app
from longlag.bench.contract.errors import BadInput
from longlag.reports.gallery import handwriting, iam, reader, reader_training
from longlag.reports.gallery.reader_training import FONTS, words
from longlag.tasks.parts.glyphs import SCRIPT, glyphs
from longlag.tasks.parts.pen import Hand, followed, write
from longlag.tasks.parts.words import WORDS

TEXT = "OCR:\n\nnot this\n\nCSR:\n\nThe quick, brown\nfox & jumps 12\n\n"


def xml(strokes):
    rows = ['<?xml version="1.0" encoding="ISO-8859-1"?>', "<WhiteboardCaptureSession>"]
    rows += [
        '<WhiteboardDescription><SensorLocation corner="top_left"/></WhiteboardDescription>',
        "<StrokeSet>",
    ]
    for stroke in strokes:
        rows.append('<Stroke colour="black" start_time="1.00" end_time="2.00">')
        rows += [f'<Point x="{x}" y="{y}" time="1.5"/>' for x, y in stroke]
        rows.append("</Stroke>")
    return "\n".join([*rows, "</StrokeSet>", "</WhiteboardCaptureSession>"])


def written(text, unit=300, rise=0.0):
    strokes = write(text, glyphs(SCRIPT), Hand(joining=1), np.random.default_rng(0))
    return [
        [(int(900 + unit * x), int(2000 + unit * (y - rise * x))) for x, y in stroke] for stroke in strokes
    ]


@pytest.fixture
def folder(tmp_path):
    lines, text = tmp_path / "lineStrokes" / "a01" / "a01-000", tmp_path / "ascii" / "a01" / "a01-000"
    lines.mkdir(parents=True)
    text.mkdir(parents=True)
    (text / "a01-000u.txt").write_text(TEXT)
    (lines / "a01-000u-01.xml").write_text(xml([*written("thequickbrown"), []]))
    (lines / "a01-000u-02.xml").write_text(xml(written("foxjumps")))
    return tmp_path


def line(folder, number):
    return folder / "lineStrokes" / "a01" / "a01-000" / f"a01-000u-{number}.xml"


def test_lines_are_read_with_their_letters(folder):
    found = iam.read_lines(folder)
    assert [each.text for each in found.lines] == ["thequickbrown", "foxjumps"]
    assert [each.name for each in found.lines] == ["a01-000u-01", "a01-000u-02"]
    assert found.empty_strokes == 1
    assert found.unknown == {" ": 5, ",": 1, "&": 1, "1": 1, "2": 1}
    assert "2 lines" in found.says()
    assert "4 characters that are no letters" in found.says()


def test_the_size_and_the_rise_of_a_line_do_not_matter(folder):
    ways = []
    for unit, rise in ((300, 0.0), (90, 0.0), (300, 0.08)):
        line(folder, "01").write_text(xml(written("thequickbrown", unit, rise)))
        ways.append(iam.read_lines(folder).lines[0].way)
    wanted = followed(write("thequickbrown", glyphs(SCRIPT), Hand(), np.random.default_rng(0)))
    for way in ways:
        assert len(way) == pytest.approx(len(wanted), rel=0.15)
        assert way[:, 2].sum() == wanted[:, 2].sum()
        assert np.abs(way[:, :2].sum(0) - wanted[:, :2].sum(0)).max() < 0.15 * len(wanted)


def test_the_usual_spread_is_that_of_written_words():
    draws = np.random.default_rng(0)
    spreads = []
    for _ in range(40):
        text = "".join(draws.choice(WORDS, 8))
        (stroke,) = [np.concatenate(write(text, glyphs(SCRIPT), Hand(), draws))]
        spreads.append(iam.in_x_heights([stroke])[0][:, 1].std() / stroke[:, 1].std())
    assert np.mean(spreads) == pytest.approx(1, abs=0.1)
    assert next(words(0, "some", WORDS, FONTS)).way.shape[1] == 3


def test_what_cannot_be_used_is_left_out_and_counted(folder):
    line(folder, "02").write_text(xml([[], []]))
    line(folder, "03").write_text(xml(written("no")))
    found = iam.read_lines(folder)
    assert (len(found.lines), found.without_points, found.without_text, found.empty_strokes) == (1, 1, 1, 3)


def test_a_line_of_one_point_is_a_way(folder):
    line(folder, "01").write_text(xml([[(5, 5)]]))
    assert np.isfinite(iam.read_lines(folder).lines[0].way).all()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("<WhiteboardCaptureSession><StrokeSet>", "broken XML"),
        ("", "broken XML"),
        ("<Form/>", "holds no StrokeSet"),
        (xml([[("far", 3)]]), "Point without numbers"),
        (xml([[("nan", 3)]]), "Point without numbers"),
        (xml([[(1, 2)]]).replace('y="2"', ""), "Point without numbers"),
    ],
)
def test_damage_is_told_in_one_line_that_names_the_file(folder, content, says):
    line(folder, "02").write_text(content)
    with pytest.raises(BadInput, match=says) as caught:
        iam.read_lines(folder)
    assert "a01-000u-02.xml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_the_database_is_told(tmp_path, folder):
    with pytest.raises(BadInput, match="nowhere: no such folder"):
        iam.read_lines(tmp_path / "nowhere")
    (folder / "ascii").rename(folder / "other")
    with pytest.raises(BadInput, match="ascii: no such folder"):
        iam.read_lines(folder)
    (folder / "ascii").mkdir()
    with pytest.raises(BadInput, match="holds no line"):
        iam.read_lines(folder)


def test_the_gallery_reads_the_user_s_lines(folder, tmp_path):
    told = handwriting.exhibit(0, folder)
    assert "on IAM-OnDB" in told.story
    assert "2 lines; left out: 0 without points" in told.story
    assert str(folder) not in told.story
    run = CliRunner().invoke
    refused = run(app, ["gallery", "cell", "--data", str(folder), "--out", str(tmp_path / "page")])
    assert "only handwriting reads data" in str(refused.exception)
    (folder / "ascii").rename(folder / "other")
    refused = run(app, ["gallery", "handwriting", "--data", str(folder), "--out", str(tmp_path / "page")])
    assert isinstance(refused.exception, BadInput)
    assert not (tmp_path / "page").exists()


def test_the_reader_learns_from_the_user_s_lines(folder, tmp_path):
    with pytest.raises(BadInput, match="five are the fewest"):
        reader_training.main(["--data", str(folder), "--out", str(tmp_path / "w")])
    form = folder / "ascii" / "a01" / "a01-000" / "a01-000u.txt"
    form.write_text("CSR:\n" + "\n".join(["foxjumps"] * 6))
    for number in range(1, 7):
        line(folder, f"0{number}").write_text(xml(written("foxjumps")))
    arguments = ["--data", str(folder), "--out", str(tmp_path / "w"), "--updates", "2", "--units", "4"]
    reader_training.main(arguments)
    assert reader.from_bytes((tmp_path / "w").read_bytes(), "w").forwards.units == 4
