"""Where compiled kernels are kept, and that processes which start together do not disturb each other."""

import ast
import gc
import importlib
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

import longlag.bench
import longlag.methods

NOWHERE = "/dev/null/none"
"""A folder that not even an administrator can make."""

PROGRAM = """
import numpy as np
from longlag.methods.parts.compiled import tanh
from longlag.methods.parts.tanh.tanh_numba import forward
kernels = [tanh, forward] if {recurrence} else [tanh]
values = np.ones(3, np.float32)
tanh(values)
assert abs(values - np.tanh(np.ones(3))).max() < 1e-6
if {recurrence}:
    step, weight, bias = np.ones((1, 1, 1), np.float32), np.ones((1, 1), np.float32), np.zeros(1, np.float32)
    states = np.zeros((2, 1, 1), np.float32)
    forward(step, weight, weight, bias, bias, np.zeros((0, 0, 0, 0), np.float32), states)
    assert abs(states[1] - np.tanh(1.0)) < 1e-6
print(sum(sum(k.stats.cache_hits.values()) for k in kernels))
print(sum(sum(k.stats.cache_misses.values()) for k in kernels))
"""


def start(recurrence=False, **changed):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_CACHE")} | changed
    program = PROGRAM.format(recurrence=recurrence)
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def hits_and_misses(process):
    out, complaints = process.communicate(timeout=300)
    assert process.returncode == 0, complaints
    hits, misses = map(int, out.split())
    return hits, misses


@pytest.mark.slow
def test_the_cache_is_filled_by_parallel_processes_and_read_by_later_ones(tmp_path):
    cache = {"recurrence": True, "NUMBA_CACHE_DIR": str(tmp_path)}
    together = [start(**cache), start(**cache)]
    for process in together:
        hits_and_misses(process)
    assert hits_and_misses(start(**cache)) == (2, 0)


@pytest.mark.slow
def test_without_a_home_that_can_be_written(tmp_path):
    homeless = {"HOME": NOWHERE, "XDG_CACHE_HOME": NOWHERE}
    hits_and_misses(start(**homeless))
    assert hits_and_misses(start(**homeless)) == (1, 0)
    chosen = {**homeless, "NUMBA_CACHE_DIR": str(tmp_path)}
    assert hits_and_misses(start(**chosen)) == (0, 1)
    assert hits_and_misses(start(**chosen)) == (1, 0)


@pytest.mark.slow
def test_with_no_folder_that_can_be_written_every_process_compiles_for_itself():
    nowhere = {"NUMBA_CACHE_DIR": NOWHERE, "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator"}
    hits, _ = hits_and_misses(start(**nowhere))
    assert hits == 0


KINDS = """
import sys
import numpy as np
from longlag.methods.parts.compiled import ready
from longlag.methods.parts import updates_numba
ready(updates_numba, np.dtype(sys.argv[1]))
for kind in (np.float32, np.float64):
    theta, gradient = np.ones(3, kind), np.full(3, 2.0, kind)
    updates_numba.descend(theta, gradient, 0.25)
    assert (theta == 0.5).all(), theta
"""


@pytest.mark.slow
def test_processes_that_compile_for_different_floats_do_not_take_each_others_code(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def started(kind):
        return subprocess.Popen([sys.executable, "-c", KINDS, kind], env=environment)

    for _ in range(2):
        together = [started("float32"), started("float64")]
        assert [process.wait(300) for process in together] == [0, 0]
    found = {path.name for path in tmp_path.rglob("*descend-*.nbc")}
    assert len(found) == 2


AHEAD = """
import numpy as np
from longlag.methods.parts.updates_numba import go_ahead
theta, velocity = np.ones(3, np.float32), np.ones(3, np.float32)
go_ahead(theta, velocity, 0.5)
print(theta[0], sum(go_ahead.stats.cache_hits.values()))
"""


@pytest.mark.slow
def test_a_change_in_a_file_that_a_kernel_imports_is_noticed(tmp_path):
    (tmp_path / "longlag").mkdir()
    shutil.copy(longlag.__file__, tmp_path / "longlag")
    for part in (longlag.bench, longlag.methods):
        folder = Path(part.__file__).parent
        shutil.copytree(folder, tmp_path / "longlag" / folder.name)
    shared = tmp_path / "longlag" / "methods" / "parts" / "compiled.py"
    text = shared.read_text(encoding="utf-8")
    assert text.count("values[i] += more[i]") == 1
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def printed():
        done = subprocess.run([sys.executable, "-c", AHEAD], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    assert [printed(), printed()] == [["1.5", "0"], ["1.5", "1"]]
    shared.write_text(text.replace("values[i] += more[i]", "values[i] -= more[i]"), encoding="utf-8")
    assert printed() == ["0.5", "0"]
    shared.write_text(text, encoding="utf-8")
    assert printed() == ["1.5", "1"]


def test_kernels_import_compiled_code_from_nowhere_else():
    folder = Path(longlag.methods.__file__).parent
    files = sorted(folder.rglob("*_numba.py"))
    assert len(files) >= 5
    for path in files:
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        ours = {name for name in imported if name and name.startswith("longlag")}
        assert ours <= {"longlag.methods.parts.compiled", "longlag.methods.parts.products"}, path


def test_no_two_compiled_functions_have_one_name():
    folder = Path(longlag.methods.__file__).parent
    for path in sorted(folder.rglob("*_numba.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        importlib.import_module(".".join(("longlag.methods", *parts)))
    compiled = [each for each in gc.get_objects() if issubclass(type(each), Dispatcher)]
    functions = {each.py_func for each in compiled if each.py_func.__module__.startswith("longlag.methods")}
    # Those of an overload are told apart by the types that they are for.
    named = [each for each in functions if not each.__qualname__.endswith("<lambda>")]
    names = Counter((each.__module__, each.__qualname__) for each in named)
    assert len(names) > 50
    assert [name for name, count in names.items() if count > 1] == []


TWO_KERNELS = """
import sys
import numpy as np
from numba import njit
for _ in range(int(sys.argv[1])):  # as a module would that is imported before
    njit(lambda: None)
from longlag.methods.parts.gru import gru_numba
from longlag.methods.parts.relu import relu_numba
kernels = {"relu": relu_numba, "gru": gru_numba}
for name in sys.argv[2:]:
    gates = 3 if name == "gru" else 1
    draw = np.random.default_rng(0)
    weights = [draw.normal(size=(gates * 13, wide)) for wide in (3, 13)]
    vectors = np.zeros(gates * 13), np.zeros(13), np.zeros((0, 0, 0, 0))
    kept = [np.zeros((8, 5, 13)), np.zeros((4, 7, 5, 13))][: 1 + (name == "gru")]
    kernels[name].forward(draw.normal(size=(7, 5, 3)), *weights, *vectors, *kept)
    print(name, np.abs(kept[0]).sum())
"""


@pytest.mark.slow
@pytest.mark.parametrize("ahead", ["1", "3"])
def test_kernels_cached_by_processes_that_imported_in_other_orders(ahead, tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def printed(*given):
        command = [sys.executable, "-c", TWO_KERNELS, *given]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    gru, relu = printed("0", "gru"), printed(ahead, "relu")
    assert printed("0", "relu", "gru") == relu + gru
    assert printed("0", "gru", "relu") == gru + relu


BITS = """
import torch
from longlag.methods.parts.cornn.cell import CoRNNCell
from longlag.methods.parts.gru.cell import GRUCell
from longlag.methods.parts.lem.cell import LEMCell
from longlag.methods.parts.lstm.cell import LSTMCell
from longlag.methods.parts.orthogonal.cell import ModReLUCell
from longlag.methods.parts.relu.cell import ReLUCell
from longlag.methods.parts.slstm.cell import SLSTMCell
from longlag.methods.parts.tanh.cell import TanhCell

for kind in (CoRNNCell, GRUCell, LEMCell, LSTMCell, ModReLUCell, ReLUCell, SLSTMCell, TanhCell):
    torch.manual_seed(0)
    cell = kind(3, 13)
    with torch.no_grad():
        for weight in cell.parameters():
            weight.normal_(0, 0.4)
    states, back = cell.vjp(torch.randn(40, 7, 3))
    back(torch.randn(40, 7, 13))
    parts = [states, *(weight.grad for weight in cell.parameters() if weight.grad is not None)]
    bits = [part.contiguous().view(torch.int32).sum().item() for part in parts]
    print(kind.__name__, *bits)
"""


@pytest.mark.slow
def test_the_process_that_compiles_computes_what_later_ones_do(tmp_path):
    """To the bit: which of two products a sum fuses must not be the compiler's choice."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def printed():
        command = [sys.executable, "-c", BITS]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    assert printed() == printed()
