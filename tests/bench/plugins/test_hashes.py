"""The hash of the code that a trial depends on."""

from __future__ import annotations

from pathlib import Path

from longlag.bench.plugins.hashes import code, code_hash
from longlag.bench.plugins.registry import discover


def test_what_trains_is_hashed_and_what_runs_and_stores_it_is_not() -> None:
    case = discover().sources("lstm+gradient_clipping", "adding")
    names = {"/".join(path.parts[-3:]) for path in code(case)}
    assert {"bench/contract/recipe.py", "bench/trial/meter.py", "bench/plugins/combination.py"} <= names
    assert {"parts/tanh/tanh_core.py", "parts/hessian_free/damping.py", "tasks/parts/draws.py"} <= names
    assert {path.name for path in case} == {"lstm.py", "gradient_clipping.py", "adding.py"}
    assert set(case) <= set(code(case))
    rooms = {name.split("/")[1] for name in names if name.startswith("bench/")}
    assert rooms == {"contract", "trial", "plugins"}
    assert not {"vanilla.py", "echo_state.py", "xor.py"} & {path.name for path in code(case)}


def test_the_code_hash_follows_the_plugin_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("x = 1")
    before = code_hash([path])
    assert before == code_hash([path])
    path.write_text("x = 2")
    assert code_hash([path]) != before
