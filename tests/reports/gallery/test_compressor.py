"""Compression is lossless on whatever it is given, and says so when a file is not what it made."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from longlag.bench.cli.app import app
from longlag.bench.contract.errors import BadInput
from longlag.reports.gallery import compressor
from longlag.reports.gallery.compressor import compress, costs, decompress

TEXT = b"".join(b"%d bottles of beer on the wall, %d bottles of beer.\n" % (n, n) for n in range(45, 0, -1))
RANDOM = np.random.default_rng(0).integers(0, 256, 1500, dtype=np.uint8).tobytes()
PACKED = compress(TEXT)
FILES = {
    "empty": b"",
    "one byte": b"\x00",
    "random": RANDOM,
    "text": TEXT,
    "binary": bytes(range(256)) * 6 + b"\xff" * 700,
    "one less than a segment": b"abc" * 5,
    "streams of several lengths": TEXT[: 2 * compressor.SHORTEST + 1],
}


@pytest.mark.parametrize("name", FILES)
def test_it_is_lossless(name):
    assert decompress(compress(FILES[name])) == FILES[name]


@settings(max_examples=8)
@given(st.binary(max_size=200))
def test_it_is_lossless_on_anything(data):
    assert decompress(compress(data)) == data


def test_it_learns_and_what_cannot_be_learned_is_stored():
    assert len(PACKED) < 0.5 * len(TEXT)
    assert len(compress(RANDOM)) < len(RANDOM) + 80


def test_the_coder_spends_what_the_net_was_surprised_by():
    spent = costs(TEXT)
    assert len(spent) == len(TEXT)
    assert 8 * (len(PACKED) - 54) == pytest.approx(spent.sum(), rel=0.01, abs=64)
    first = spent[: len(TEXT) // compressor.STREAMS]
    assert first[-100:].mean() < 0.5 * first[:100].mean()


def test_the_bits_do_not_depend_on_threads_or_process():
    code = (
        "import sys, torch; torch.set_num_threads(2)\n"
        "from longlag.reports.gallery.compressor import compress\n"
        "sys.stdout.buffer.write(compress(sys.stdin.buffer.read()))"
    )
    other = subprocess.run([sys.executable, "-c", code], input=TEXT, capture_output=True, check=True)
    before = torch.get_num_threads()
    assert other.stdout == PACKED
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("place", [4, 5, 6, 14, 50, 54, 300, -1])
def test_damage_is_noticed_wherever_it_is(place):
    packed = bytearray(PACKED)
    packed[place] ^= 0x10
    with pytest.raises(BadInput):
        decompress(bytes(packed))


@pytest.mark.parametrize(
    ("packed", "says"),
    [
        (b"", "not a file"),
        (b"PK\x03\x04" + bytes(100), "not a file"),
        (compress(b"abc")[:-1], "damaged"),
        (PACKED[:-4], "damaged"),
        (PACKED[:4] + b"\x09" + PACKED[5:], "version 9"),
        (PACKED[:46] + b"another " + PACKED[54:], "arithmetic"),
    ],
)
def test_what_is_not_its_own_is_told_in_one_line(packed, says):
    with pytest.raises(BadInput, match=says) as caught:
        decompress(packed)
    assert "\n" not in str(caught.value)


def test_the_commands_and_what_they_refuse(tmp_path):
    file = tmp_path / "beer.txt"
    file.write_bytes(TEXT)
    run = CliRunner().invoke
    told = run(app, ["compress", str(file), "--compare"])
    assert told.exit_code == 0
    assert all(name in told.output for name in ("bits a byte", "gzip -9", "bzip2 -9", "xz"))
    packed = tmp_path / "beer.txt.llag"
    assert isinstance(run(app, ["compress", str(file)]).exception, BadInput)
    assert isinstance(run(app, ["decompress", str(packed)]).exception, BadInput)
    file.unlink()
    assert run(app, ["decompress", str(packed)]).exit_code == 0
    assert file.read_bytes() == TEXT
    file.unlink()
    packed.write_bytes(packed.read_bytes()[:-4])
    failed = run(app, ["decompress", str(packed)])
    assert str(packed) in str(failed.exception)
    assert not file.exists()
    for refused in (["nothing"], ["."], ["beer.txt", "--out", "nowhere/b"], ["beer.txt", "--out", "."]):
        arguments = [str(tmp_path / part) if not part.startswith("--") else part for part in refused]
        file.write_bytes(TEXT)
        assert isinstance(run(app, ["compress", *arguments, "--force"]).exception, BadInput)
