"""Which kernels are taken: as the environment asks, with the same training but for rounding."""

from __future__ import annotations

import math

import pytest
import torch

from longlag import BadInput
from longlag.bench.campaign import provenance
from longlag.bench.contract.kernels import KERNELS_VARIABLE, kernels_asked
from longlag.bench.plugins.registry import discover
from longlag.bench.trial.spec import Case, Checks, Limits, TrialSpec
from longlag.bench.trial.trial import run
from longlag.methods.parts.backend import compiled

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec.*:FutureWarning")

REGISTRY = discover()
METHODS = [
    "vanilla",
    "careful_init",
    "lstm",
    "gradient_clipping",
    "hessian_free",
    "echo_state",
    "identity_rnn",
    "lem",
    "adam",
    "cornn",
    "slstm",
    "gru",
    "orthogonal_rnn",
    "muon",
    "soap",
    "state_noise",
    "truncated_bptt",
    "min_gru",
    "lmu",
    "lru",
    "selective_ssm",
]


@pytest.fixture
def force(monkeypatch):
    def to(asked):
        monkeypatch.setenv(KERNELS_VARIABLE, asked)
        kernels_asked.cache_clear()

    yield to
    monkeypatch.undo()
    kernels_asked.cache_clear()


def trained(method):
    task = REGISTRY.task("adding", "a16", 12)
    plugin = REGISTRY.method(method)
    setting = plugin.suggest(Fixed(plugin.recipes(task.sizes)[0]), task)
    case = Case(method, "adding", "a16", 12)
    limits = Limits(1e18, updates=5)
    return run(TrialSpec(case, "tune", 0, 3, setting, limits, Checks(50, 50, 100)), REGISTRY)


class Fixed:
    """A trial of a study that takes what a recipe says, and else what is first or lowest."""

    def __init__(self, recipe):
        self.recipe = recipe

    def suggest_categorical(self, name, choices):
        return self.recipe.get(name, next(iter(choices)))

    def suggest_float(self, name, low, high, **_):
        return self.recipe.get(name, low)

    suggest_int = suggest_float


@pytest.mark.parametrize("method", METHODS)
def test_both_kernels_train_alike(force, method):
    found = {}
    for asked in ("compiled", "torch"):
        force(asked)
        assert compiled(torch.zeros(1)) is (asked == "compiled")
        found[asked] = trained(method)
        assert found[asked].status not in ("crashed", "exploded")
    one, other = found["compiled"], found["torch"]
    assert one.updates == other.updates > 0
    # Which eigenvectors come out of a matrix of gradients that are all but zero is of their last digits.
    close = 1e-2 if method == "soap" else 1e-3
    assert one.loss == pytest.approx(other.loss, rel=close, abs=1e-6)
    for mine, theirs in zip(one.curve, other.curve, strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=close, abs=1e-6)
    assert math.isfinite(one.loss)


def test_a_word_that_is_none_of_them_is_told(force):
    force("fast")
    with pytest.raises(BadInput, match=r"^LONGLAG_KERNELS=fast: choose from auto, torch, compiled$"):
        compiled(torch.zeros(1))


def test_the_manifest_tells_which(force):
    force("torch")
    told = provenance.machine()
    assert told["kernels"] == "torch"
    assert told["register_bytes"] in (32, 64)


def test_what_no_compiled_kernel_takes_is_left_to_torch_or_refused(force):
    half = torch.zeros(1, dtype=torch.float16)
    assert not compiled(half)
    force("compiled")
    with pytest.raises(ValueError, match="no compiled kernel"):
        compiled(half)
