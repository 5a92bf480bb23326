from __future__ import annotations

import subprocess
import sys

import torch
from hypothesis import given
from hypothesis import strategies as st

from longlag.bench.contract.seeds import derive, generator

paths = st.lists(st.one_of(st.text(max_size=8), st.integers(-5, 5)), min_size=1, max_size=4)


@given(paths, paths)
def test_different_paths_have_different_seeds(a: list[str | int], b: list[str | int]) -> None:
    assert (derive(*a) == derive(*b)) == (a == b)


@given(paths)
def test_a_seed_fits_torch_and_numpy(path: list[str | int]) -> None:
    assert 0 <= derive(*path) < 2**63
    generator(*path)


def test_a_number_and_its_text_are_different_paths() -> None:
    assert derive(1) != derive("1")


def test_seeds_are_the_same_in_another_process() -> None:
    code = "from longlag.bench.contract.seeds import derive; print(derive(3, 'case', 7))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == derive(3, "case", 7)


def test_generators_of_different_paths_do_not_repeat_each_other() -> None:
    a, b = (torch.rand(1000, generator=generator(0, name)) for name in ("train", "test"))
    assert not torch.isin(a, b).any()
