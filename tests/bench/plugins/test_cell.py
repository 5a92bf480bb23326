"""A recurrent layer of the user's as a method: found, trained as by hand, and run from the command line."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from longlag.bench.campaign.profile import read
from longlag.bench.contract.names import name_of
from longlag.bench.contract.seeds import generator
from longlag.bench.plugins.registry import Registry, discover
from longlag.bench.trial.meter import BudgetMeter, Stream
from longlag.bench.trial.spec import Limits
from longlag.bench.trial.trainer import fit

FILE = Path(__file__).with_name("cells.py")
SETTINGS = {"units": 5, "learning_rate": 0.02, "threshold": 0.01, "batch_size": 7}


@pytest.fixture(scope="module")
def registry() -> Registry:
    found = discover((str(FILE),))
    assert not found.broken
    return found


def test_every_layer_of_two_sizes_is_a_method_and_nothing_else_is(registry: Registry) -> None:
    assert sorted(registry.cells) == [
        "across_sequences_cell",
        "batch_first_cell",
        "double_cell",
        "draws_cell",
        "drops_cell",
        "graded_cell",
        "gru_cell",
        "looks_ahead_cell",
        "of_many_cell",
        "reservoir_cell",
        "running_mean_cell",
        "unlisted_cell",
        "untold_cell",
        "weightless_cell",
    ]
    # Not beside the methods that are listed, and not without the file.
    assert not set(registry.cells) & set(registry.methods)
    assert not discover().cells


@pytest.mark.parametrize(
    ("cell", "name"),
    [("MyCell", "my_cell"), ("LRUCell", "lru_cell"), ("LSTM", "lstm_cell")],
)
def test_names(cell: str, name: str) -> None:
    assert name_of(cell) == name


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec.*:FutureWarning")
def test_it_is_trained_as_by_hand(registry: Registry) -> None:
    """Adam on the clipped gradient of the task's loss, over a readout of the supervised steps."""
    task, updates = registry.task("adding", "a16", 20), 3
    torch.manual_seed(3)
    model = registry.method("gru_cell").build(task, **SETTINGS)
    meter = BudgetMeter(Limits(1e15, updates=updates))
    fit(model, Stream(task, 7, generator(0, "train")), [meter])

    torch.manual_seed(3)
    layer = nn.GRU(2, 5)
    readout = nn.Linear(5, 1)
    weights = [*layer.parameters(), *readout.parameters()]
    optimizer = torch.optim.Adam(weights, 0.02)
    for batch in itertools.islice(Stream(task, 7, generator(0, "train")), updates):
        optimizer.zero_grad()
        nn.functional.mse_loss(readout(layer(batch.inputs)[0][batch.mask]), batch.targets).backward()
        norm = torch.stack([w.grad.norm() for w in weights if w.grad is not None]).norm()
        assert norm > 0.01
        for weight in weights:
            assert weight.grad is not None
            weight.grad *= 0.01 / (norm + 1e-6)
        optimizer.step()
    for mine, theirs in zip(model.parameters(), weights, strict=True):
        torch.testing.assert_close(mine, theirs)
    recurrent = sum(w.numel() for w in layer.parameters())
    assert meter.flops == pytest.approx(updates * 6 * recurrent * 20 * 7)


def test_states_that_are_not_time_first_are_refused(registry: Registry) -> None:
    task = registry.task("adding", "a16", 20)
    with pytest.raises(ValueError, match=r"BatchFirst made \[2, 3, 5\] of \[3, 2, 2\], not \[T, B, H\]"):
        registry.method("batch_first_cell").build(task, **SETTINGS)


def test_what_draws_while_it_is_trained_is_a_cell(registry: Registry) -> None:
    model = registry.method("drops_cell").build(registry.task("adding", "a16", 20), **SETTINGS)
    assert model.cell.training


def test_fixed_matrices_are_charged_as_trained_ones_are(registry: Registry) -> None:
    task = registry.task("adding", "a16", 20)
    model = registry.method("reservoir_cell").build(task, **SETTINGS)
    units = SETTINGS["units"]
    assert model.weights == units * (units + task.input_size)


def test_a_cell_climbs_from_the_command_line(tmp_path: Path, longlag: Any) -> None:
    out = tmp_path / "mine"
    given = ("--cell", f"{FILE}:RunningMean", "--tasks", "latch", "--lags", "climb:10..20", "--budget", "1e7")
    code, printed = longlag(
        *("run", *given, "--trials", "1", "--retests", "1", "--out", str(out), "--jobs", "1")
    )
    assert code == 0, printed
    assert "running_mean_cell" in printed
    assert "failed" not in printed
    code, printed = longlag("run", "--resume", "--out", str(out))
    assert code == 0, printed
    assert "no trial is run" in printed


def test_a_cell_has_a_profile_of_its_own_where_none_is_named(tmp_path: Path, longlag: Any) -> None:
    small = ("--tasks", "latch", "--lags", "10", "--budget", "1e7", "--trials", "1", "--retests", "1")
    updates = {}
    for name, given in {"none": (), "quick": ("--profile", "quick")}.items():
        out = tmp_path / name
        code, printed = longlag(
            *("run", "--cell", f"{FILE}:RunningMean", *given, *small, "--out", str(out), "--jobs", "1")
        )
        assert code == 0, printed
        updates[name] = json.loads((out / "manifest.json").read_text())["profile"]["updates"]
    assert updates == {"none": read("cell").updates, "quick": None}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import nosuchmod", "ModuleNotFoundError: No module named 'nosuchmod'"),
        ("raise ValueError('too few')", "ValueError: too few"),
        ("x = 1", "no torch module made of two sizes, as Mine(inputs, units): there is none"),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_a_file_without_a_cell_says_why(
    text: str, why: str, whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, longlag: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    # Of another name each, as registries are kept by the files that were named.
    name = f"no_cell_{len(text)}.py"
    Path(name).write_text(text)
    cell = f"{tmp_path / name if whole else name}:Mine"
    assert longlag("run", "--cell", cell, "--out", "out") == (2, f"longlag: --cell {cell}: {why}\n")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--cell", "mine.py"], "--cell mine.py: a file and a class, as mycell.py:MyCell"),
        (["--cell", "mine.py:"], "--cell mine.py:: a file and a class"),
        (["--cell", "none.py:Mine"], "--cell none.py:Mine: no such file"),
        (["--cell", f"{FILE}:GRUU"], "GRUU(inputs, units): did you mean 'GRU'?"),
        (["--cell", f"{FILE}:Gate"], "no torch module made of two sizes, as Gate(inputs, units)"),
        (["--cell", f"{FILE}:BatchFirst"], "BatchFirst made [2, 3, 16] of [3, 2, 2], not [T, B, H]: time"),
        (["--cell", f"{FILE}:Graded"], "Graded made a dict of [3, 2, 2], not [T, B, H]"),
        (["--cell", f"{FILE}:OfMany"], "OfMany: ValueError: 16 units are too few"),
        (["--cell", f"{FILE}:Untold"], f"{FILE}:Untold: NotImplementedError"),
        (["--cell", f"{FILE}:AcrossSequences"], "states of one sequence change with another's inputs"),
        (["--cell", f"{FILE}:LooksAhead"], "states change with inputs that come after them"),
        (["--cell", f"{FILE}:Weightless"], "has neither parameters nor matrices as buffers"),
        (["--cell", f"{FILE}:Draws"], "Draws makes other states of the same inputs: draw in training alone"),
        (
            ["--cell", f"{FILE}:Unlisted"],
            "Unlisted computes with weights that are not among its parameters, 1",
        ),
        (["--cell", f"{FILE}:Double"], "Double made torch.float64, not torch.float32"),
        (["--cell", f"{FILE}:GRU", "--cell", f"{FILE}:GRU"], f"--cell {FILE}:GRU: twice"),
        (["--cell", f"{FILE}:GRU", "--methods", "lsmt"], "there is no method 'lsmt': did you mean 'lstm'"),
    ],
)
def test_what_is_no_cell(arguments: list[str], why: str, tmp_path: Path, longlag: Any) -> None:
    code, printed = longlag("run", *arguments, "--out", str(tmp_path / "out"))
    assert (code, printed.count("\n")) == (2, 1), printed
    assert why in printed
