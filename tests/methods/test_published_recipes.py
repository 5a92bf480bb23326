"""Every method's search space contains the recipe it was published with.

One thing is left out: updates after every single sequence, which the papers of the 1990s made. They
would spend the same FLOPs in twenty times the seconds that batches of twenty take.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import Any

import optuna
import pytest

from longlag import Task
from longlag.bench.plugins.registry import discover
from longlag.tasks.adding import Adding
from longlag.tasks.copy_memory import CopyMemory
from longlag.tasks.temporal_order import TemporalOrder

REGISTRY = discover()
PLAIN = {"learning_rate": 0.01, "init_scale": 1.0, "units": 50, "batch_size": 20}


@dataclass(frozen=True)
class Published:
    """A recipe, by the names the space gives its settings, and where it stands."""

    method: str
    source: str
    task: Task
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method}-{self.source.replace(' ', '')}"


# Hochreiter & Schmidhuber draw from U[-.1, .1], whatever the size
HS97 = {
    "optimiser": "descent",
    "momentum": 0.0,
    "halving": 1e5,  # the rate stays: a percent off after a thousand updates
    "units": 8,  # two to four blocks of two cells
    "batch_size": 10,
    "init_scale": 0.1 * math.sqrt(8),
    "keep_gate": "none",
}
S13 = {
    "units": 100,
    "batch_size": 100,
    "recurrent_weights": "sparse",
    "spectral_radius": 1.1,
    "readout_scale": 0.1,
    "centred": True,
    "hold_biases": True,  # the paper says where they begin, at 0, and no more
    "early_updates": 1000,
    "gradual": False,
}
RECIPES = [
    Published("vanilla", "Pascanu et al. 2013, the SGD baseline", TemporalOrder(50, "ms11"), PLAIN),
    Published(
        "lstm",
        "Hochreiter & Schmidhuber 1997, adding",
        Adding(100, "hs97"),
        {**HS97, "descent_rate": 0.5, "write_bias": -6.0},
    ),
    Published(
        "lstm",
        "Hochreiter & Schmidhuber 1997, temporal order",
        TemporalOrder(100, "hs97"),
        {**HS97, "descent_rate": 0.1, "write_bias": -4.0},
    ),
    Published(
        "lstm",
        "Tallec & Ollivier 2018, chrono initialisation",
        Adding(750, "a16"),
        {
            "optimiser": "adam",
            "adam_rate": 1e-3,
            "halving": 1e5,
            "units": 64,
            "batch_size": 50,
            "init_scale": 1.0,
            "keep_gate": "chrono",
            "time_scale": 750.0,
        },
    ),
    *(
        Published(
            "lstm_1997",
            f"Hochreiter & Schmidhuber 1997, {task.name}",
            task,
            {name: value for name, value in HS97.items() if name != "keep_gate"}
            | {"descent_rate": rate, "write_bias": bias},
        )
        for task, rate, bias in (
            (Adding(100, "hs97"), 0.5, -6.0),
            (TemporalOrder(100, "hs97"), 0.1, -4.0),
        )
    ),
    Published(
        "muon",
        "Jordan et al. 2024, their rate and momentum",
        TemporalOrder(20, "ms11"),
        {
            "learning_rate": 0.02,
            "momentum": 0.95,
            "adam_rate": 3e-4,
            "halving": 1e5,
            "init_scale": 1.0,
            "units": 50,
            "batch_size": 20,
        },
    ),
    Published(
        "soap",
        "Vyas et al. 2024, their rate, decay and period",
        TemporalOrder(20, "ms11"),
        {
            "learning_rate": 3e-3,
            "decay": 0.95,
            "every": 10,
            "halving": 1e5,
            "init_scale": 1.0,
            "units": 50,
            "batch_size": 20,
        },
    ),
    Published(
        "adam",
        "Kingma & Ba 2015, their rate",
        Adding(100, "a16"),
        {"learning_rate": 1e-3, "halving": 1e5, "init_scale": 1.0, "units": 50, "batch_size": 20},
    ),
    Published(
        "cornn",
        "Rusch & Mishra 2021, adding, its published program",
        Adding(100, "a16"),
        {
            "dt": 0.06,
            "gamma": 66.0,
            "epsilon": 15.0,
            "init_scale": 1.0,
            "input_scale": 1.0,
            "balance": 0.0,
            "optimiser": "adam",
            "adam_rate": 0.02,
            "halving": 1e5,
            "units": 128,
            "batch_size": 50,
        },
    ),
    Published(
        "chrono_lstm",
        "Tallec & Ollivier 2018, adding",
        Adding(750, "a16"),
        {
            "optimiser": "adam",
            "adam_rate": 1e-3,
            "halving": 1e5,
            "units": 64,
            "batch_size": 50,
            "init_scale": 1.0,
            "time_scale": 750.0,
        },
    ),
    *(
        Published(
            "careful_init",
            f"Sutskever et al. 2013, rate {rate} momentum {momentum}",
            Adding(80, "ms11"),
            {**S13, "input_scale": input_scale, "learning_rate": rate, "friction": 1 - momentum},
        )
        for rate in (1e-3, 1e-4, 1e-5, 1e-6)
        for momentum, input_scale in ((0.0, 1e-3), (0.9, 1e-3), (0.98, 0.1), (0.995, 0.1))
    ),
    Published(
        "careful_init",
        "Le et al. 2015, identity",
        Adding(150, "a16"),
        {
            **S13,
            "recurrent_weights": "identity",
            "spectral_radius": 1.0,
            "hold_biases": False,
            "input_scale": 1e-3,
            "learning_rate": 1e-2,
            "friction": 1.0,
        },
    ),
    Published(
        "identity_rnn",
        "Le et al. 2015, adding",
        Adding(300, "a16"),
        {
            "identity": 1.0,
            "input_scale": 1e-3,
            "readout_scale": 1e-3,
            "centred": False,
            "optimiser": "descent",
            "descent_rate": 0.01,
            "momentum": 0.0,
            "halving": 1e5,
            "threshold": 100.0,
            "units": 100,
            "batch_size": 16,
        },
    ),
    Published(
        "lem",
        "Rusch et al. 2022, adding, at a span of 1",
        Adding(10_000, "a16"),
        {
            "rates": "free",
            "span": 1.0,
            "init_scale": 1.0,
            "optimiser": "adam",
            "adam_rate": 2.6e-3,
            "halving": 1e5,
            "units": 128,
            "batch_size": 50,
        },
    ),
    Published(
        "orthogonal_rnn",
        "Lezcano-Casado & Martinez-Rubio 2019, copying",
        CopyMemory(1000, "a16"),
        {
            "start": "rotations",
            "input_scale": 0.3,
            "readout_scale": 0.1,
            "rate": 2e-4,
            "turning": 2e-5,
            "halving": 1e5,
            "units": 190,
            "batch_size": 128,
        },
    ),
    Published(
        "gru",
        "Cho et al. 2014, begun without biases",
        Adding(100, "a16"),
        {
            "keep_gate": "constant",
            "keep_bias": 0.0,
            "init_scale": 1.0,
            "optimiser": "adam",
            "adam_rate": 1e-3,
            "halving": 1e5,
            "units": 100,
            "batch_size": 50,
        },
    ),
    Published(
        "min_gru",
        "Feng et al. 2024, selective copying, three layers",
        CopyMemory(4096, "selective"),
        {
            "layers": 3,
            "gates": "gru",
            "candidate": "positive",
            "keep_gate": "constant",
            "keep_bias": 0.0,
            "init_scale": 1.0,
            "optimiser": "adam",
            "adam_rate": 3e-4,
            "halving": 1e5,
            "units": 64,
            "batch_size": 64,
        },
    ),
    Published(
        "lmu",
        "Voelker et al. 2019, Mackey-Glass",
        Adding(16, "a16"),
        {
            "layers": 4,
            "memories": 1,
            "order": 4,
            "window": 4.0,
            "init_scale": 1.0,
            "optimiser": "adam",
            "adam_rate": 1e-3,
            "halving": 1e5,
            "units": 49,
            "batch_size": 50,
        },
    ),
    Published(
        "lru",
        "Orvieto et al. 2023, the narrow ring of Path-X",
        Adding(1000, "a16"),
        {
            "layers": 6,
            "slowest": -1 / math.log(0.9999),
            "ring": 0.999,
            "phase": math.pi / 10,
            "init_scale": 1.0,
            "optimiser": "adam",
            "adam_rate": 1e-3,
            "halving": 1e5,
            "units": 128,
            "batch_size": 50,
        },
    ),
    Published(
        "selective_ssm",
        "Gu & Dao 2023, selective copying",
        CopyMemory(4096, "selective"),
        {
            "layers": 2,
            "states": 16,
            "slowest": 1000.0,
            "fastest": 10.0,
            "init_scale": 1.0,
            "optimiser": "adam",
            "adam_rate": 1e-4,
            "halving": 1e5,
            "units": 64,
            "batch_size": 64,
        },
    ),
    Published(
        "attention",
        "Raffel & Ellis 2015",
        Adding(10_000, "a16"),
        {
            "score": "tanh",
            "units": 100,
            "batch_size": 100,
            "learning_rate": 3e-3,
            "halving": 1e5,
        },
    ),
    Published(
        "gradient_clipping",
        "Pascanu et al. 2013",
        TemporalOrder(50, "ms11"),
        {
            "units": 50,
            "batch_size": 20,
            "learning_rate": 0.01,
            "friction": 1.0,
            "early_updates": 1,
            "gradual": False,
            "clip_by": "norm",
            "threshold": 1.0,
            "with_omega": True,
            "omega_form": "code",
            "omega": 2.0,
            "recurrent_weights": "sparse",
            "spectral_radius": 0.95,
            "input_scale": 0.1,
            "readout_scale": 0.1,
            "centred": False,
            "hold_biases": False,
        },
    ),
    Published(
        "hessian_free",
        "Martens & Sutskever 2011",
        Adding(100, "ms11"),
        {
            "units": 100,
            "batch_size": 1000,
            "gradient_batches": 10,
            "precondition": False,
            "curvature_batch": 1000,
            "cg_iterations": 300,
            "damping": 0.1,
            "structural": True,
            "structural_damping": 1 / 30,
            "recurrent_weights": "sparse",
            "spectral_radius": 1.1,
            "input_scale": 0.1,
            "readout_scale": 0.1,
            "centred": False,
            "hold_biases": False,
        },
    ),
]
# What is not taken from a paper, but must not fall out of a space either.
KNOWN_TO_WORK = [
    Published(
        "truncated_bptt",
        "errors that go back through all steps",
        Adding(100, "hs97"),
        {**PLAIN, "horizon": 110},
    ),
    Published("state_noise", "a tenth", TemporalOrder(20, "ms11"), {**PLAIN, "noise": 0.1}),
    Published(
        "echo_state",
        "leaky units at all time scales",
        Adding(200, "ms11"),
        {
            "memory": "spread",
            "leak_scale": 0.17,
            "leaky_topology": "sparse",
            "leaky_radius": 0.07,
            "leaky_input_scale": 0.44,
            "units": 30,
            "biased": True,
            "bias": 0.3,
            "features": "linear",
            "readout": "exact",
            "exact_ridge": 1e-13,
            "all_steps": True,
            "batch_size": 200,
        },
    ),
    Published(
        "slstm",
        "adding at 500 with time scales up to the lag",
        Adding(500, "ms11"),
        {
            "optimiser": "adam",
            "adam_rate": 0.01,
            "halving": 3000.0,
            "units": 8,
            "batch_size": 10,
            "init_scale": 1.0,
            "keep_gate": "chrono",
            "time_scale": 500.0,
        },
    ),
    Published(
        "lstm",
        "a keep-gate bias of 5",
        Adding(100, "hs97"),
        {
            "optimiser": "adam",
            "adam_rate": 0.005,
            "halving": 1e5,
            "units": 32,
            "batch_size": 20,
            "init_scale": 1.0,
            "keep_gate": "constant",
            "keep_bias": 5.0,
        },
    ),
]


@pytest.mark.parametrize("recipe", [*RECIPES, *KNOWN_TO_WORK], ids=str)
def test_the_space_contains_the_recipe(recipe):
    method = REGISTRY.method(recipe.method)
    trial = optuna.trial.FixedTrial(recipe.settings)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        method.suggest(trial, recipe.task)  # a value out of its range is an error
    assert trial.params == recipe.settings


def test_every_method_of_the_suite_has_a_recipe_but_the_controls():
    own = {
        name
        for name, plugin in REGISTRY.methods.items()
        if plugin.__module__.startswith("longlag.methods.") and not getattr(plugin, "control", False)
    }
    assert own <= {recipe.method for recipe in (*RECIPES, *KNOWN_TO_WORK)}


def test_a_setting_outside_a_space_would_be_noticed():
    outside = {**PLAIN, "learning_rate": 10.0}
    with pytest.warns(UserWarning, match="out of the range"):
        REGISTRY.method("vanilla").suggest(optuna.trial.FixedTrial(outside), Adding(100, "hs97"))
