"""The gallery's page and files, of those exhibits that take no training."""

import re

import pytest
from typer.testing import CliRunner

from longlag.bench.cli.app import app
from longlag.bench.contract.errors import BadInput
from longlag.reports import gallery

QUICK = ("cliff", "cell")
ALONE = f"{'-'.join(name for name in gallery.ORDER if name in QUICK)}.html"
"""The page of these alone."""
BEGINNINGS = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    result = CliRunner().invoke(app, ["gallery", *reversed(QUICK), "--out", str(folder)])
    assert result.exit_code == 0, result.output
    assert str(folder / ALONE).replace("\n", "") in result.output.replace("\n", "")
    return folder


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("ending", BEGINNINGS)
def test_every_figure_is_a_file_of_its_kind(folder, name, ending):
    assert (folder / f"{name}.{ending}").read_bytes().startswith(BEGINNINGS[ending])


def test_the_page_fetches_nothing_and_is_small(folder):
    page = (folder / ALONE).read_text(encoding="utf-8")
    addresses = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)""", page)
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert "default-src 'none'" in page
    assert len(page) < 5_000_000


def test_exhibits_stand_in_the_story_s_order(folder):
    page = (folder / ALONE).read_text(encoding="utf-8")
    assert re.findall(r'<section id="(\w+)"', page) == [name for name in gallery.ORDER if name in QUICK]


def test_some_exhibits_leave_the_whole_gallery_beside_them_as_it_is(folder, tmp_path):
    (tmp_path / gallery.PAGE).write_text("the whole")
    made = gallery.write([gallery.make("cell")], tmp_path)
    assert made == tmp_path / "cell.html"
    assert made.read_text(encoding="utf-8").count("<section id=") == 1
    assert (tmp_path / gallery.PAGE).read_text() == "the whole"
    assert not (folder / gallery.PAGE).exists()


def test_an_exhibit_comes_out_the_same_again():
    assert gallery.make("cell", 1).data == gallery.make("cell", 1).data


def test_an_unknown_exhibit_is_told_with_the_nearest():
    with pytest.raises(BadInput, match=r"there is no exhibit 'clif'.*cliff"):
        gallery.chosen(["clif"])


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadInput, match="file"):
        gallery.write([], tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
