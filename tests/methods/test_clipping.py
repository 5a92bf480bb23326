"""Clipping against its definition, and that an explosion is never hidden."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from longlag.methods.parts.clipping import ClipByNorm, ClipByValue


def parameters_with(*gradients):
    parameters = []
    for gradient in gradients:
        parameter = nn.Parameter(torch.zeros(len(gradient)))
        parameter.grad = torch.tensor(gradient, dtype=torch.float32)
        parameters.append(parameter)
    return parameters


def joined(parameters):
    return np.concatenate([p.grad.double().numpy() for p in parameters])


vectors = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=5)
thresholds = st.floats(0.05, 100.0)


@settings(deadline=None)
@given(vectors, vectors, thresholds)
def test_norm_keeps_the_direction_and_bounds_the_length(first, second, threshold):
    parameters = parameters_with(first, second)
    before = joined(parameters)
    ClipByNorm(threshold)(parameters)
    length = np.linalg.norm(before)
    expected = before * min(1.0, threshold / length) if length > 0 else before
    np.testing.assert_allclose(joined(parameters), expected, rtol=1e-6, atol=1e-30)


@settings(deadline=None)
@given(vectors, thresholds)
def test_value_clips_every_component(gradient, threshold):
    parameters = parameters_with(gradient)
    before = joined(parameters)
    ClipByValue(threshold)(parameters)
    np.testing.assert_allclose(joined(parameters), np.clip(before, -threshold, threshold), rtol=1e-6)


def test_norm_of_a_gradient_whose_squares_overflow():
    parameters = parameters_with([3e30, 0.0], [4e30])
    ClipByNorm(1.0)(parameters)
    np.testing.assert_allclose(joined(parameters), [0.6, 0.0, 0.8], rtol=1e-6)


@pytest.mark.parametrize("rule", [ClipByNorm(1.0), ClipByValue(1.0)])
@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_an_explosion_shows(rule, bad):
    parameters = parameters_with([0.1, bad], [2.0])
    rule(parameters)
    assert not np.isfinite(joined(parameters)).all()


@pytest.mark.parametrize("rule", [ClipByNorm(1.0), ClipByValue(1.0)])
def test_parameters_without_a_gradient_are_left_alone(rule):
    untouched = nn.Parameter(torch.zeros(2))
    rule([untouched])
    assert untouched.grad is None
