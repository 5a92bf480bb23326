"""What `import longlag` gives: what plugins are written with, and a campaign's folder as data frames."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import longlag
from longlag.bench import contract

ROOT = Path(__file__).parents[1]
QUICK = ROOT / "results" / "quick"


def test_the_face_is_the_contract_and_two_functions() -> None:
    assert sorted(longlag.__all__) == sorted([*contract.__all__, "check", "load"])
    assert set(longlag.__all__) <= set(dir(longlag))
    assert all(getattr(longlag, name) is getattr(contract, name) for name in contract.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Tsak'"):
        longlag.Tsak  # noqa: B018


def test_what_type_checkers_see_is_what_there_is() -> None:
    tree = ast.parse(Path(contract.__file__).read_text())
    (block,) = (
        node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    seen = [alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(seen) == sorted(contract.__all__)


def test_the_face_is_light() -> None:
    program = (
        "import sys, longlag; heavy = {'torch', 'pytorch_lightning', 'optuna', 'numpy', 'pandas'};"
        "assert not heavy & set(sys.modules); from longlag import Task; assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_a_published_campaign_is_loaded() -> None:
    campaign = longlag.load(str(QUICK))
    assert campaign.manifest.campaign == "quick"
    stored = pd.read_parquet(QUICK / "trials.parquet")
    # columns that have come since are there, and empty
    pd.testing.assert_frame_equal(campaign.trials[list(stored)], stored)
    assert campaign.trials.drop(columns=list(stored)).isna().all(axis=None)
    retested = set(stored.loc[stored.phase == "retest", "run_id"])
    assert set(campaign.curves.run_id) == set(campaign.probes.run_id) == retested
    study = stored.method + "/" + stored.task + ":" + stored.variant + "/" + stored.lag.astype(str)
    results = stored[(stored.phase == "retest") & ~study.isin(list(campaign.manifest.controls))]
    retests = results.groupby(["method", "task", "variant", "lag"]).solved
    cases = campaign.cases.set_index(["method", "task", "variant", "lag"])
    assert cases.n.to_dict() == retests.size().to_dict()
    assert cases.solved.to_dict() == retests.sum().to_dict()
    assert cases.low.le(cases.rate).all()


def test_a_folder_without_a_campaign_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(longlag.BadInput, match="no campaign here"):
        longlag.load(tmp_path / "nothing")
