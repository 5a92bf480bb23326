"""Weights as one parameter: the same updates, whoever clears the gradients and however they come."""

import copy

import pytest
import torch
from torch import nn

from longlag.bench.contract.flat import FlatParameter

CLEARINGS = {
    "by the optimiser": lambda _, optimizer: optimizer.zero_grad(),
    "by the optimiser, in place": lambda _, optimizer: optimizer.zero_grad(set_to_none=False),
    "by the module": lambda net, _: net.zero_grad(),
}
OPTIMISERS = {
    "descent": lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9),
    "fused descent": lambda weights: torch.optim.SGD(weights, lr=0.1, fused=True),
    "Adam": lambda weights: torch.optim.Adam(weights, lr=0.1, fused=True),
}


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def train(net, optimizer, clear, steps=5):
    torch.manual_seed(1)
    for _ in range(steps):
        clear(net, optimizer)
        net(torch.randn(6, 3)).square().sum().backward()
        optimizer.step()
    return [weight.detach().clone() for weight in net.parameters()]


@pytest.mark.parametrize("clear", CLEARINGS.values(), ids=CLEARINGS)
@pytest.mark.parametrize("make", OPTIMISERS.values(), ids=OPTIMISERS)
def test_it_is_trained_as_its_weights_would_be(make, clear):
    one, other = network(), network()
    apart = train(one, make(one.parameters()), clear)
    together = train(other, make([FlatParameter(other.parameters())]), clear)
    for expected, found in zip(apart, together, strict=True):
        # Not the same bits: vector instructions end where the memory does.
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)
    assert not torch.equal(apart[0], network()[0].weight)


def test_its_memory_is_the_weights():
    net = network()
    before = torch.cat([weight.detach().flatten() for weight in net.parameters()])
    flat = FlatParameter(net.parameters())
    assert torch.equal(flat.detach(), before)
    with torch.no_grad():
        flat.mul_(2.0)
    assert torch.equal(torch.cat([weight.detach().flatten() for weight in net.parameters()]), 2 * before)
    assert len(list(net.parameters())) == 4


def test_a_weight_without_a_gradient_counts_as_zero():
    net = network()
    flat = FlatParameter(net.parameters())
    net[0](torch.ones(1, 3)).sum().backward()
    assert torch.equal(flat.grad[-10:], torch.zeros(10))
    assert flat.grad[:16].abs().sum() > 0
    flat.clear()
    assert flat.grad.abs().sum() == 0


def test_it_takes_no_gradient_of_its_own_and_no_copies():
    flat = FlatParameter(network().parameters())
    with pytest.raises(ValueError, match="that of its weights"):
        flat.grad = torch.zeros(26)
    with pytest.raises(TypeError, match="belongs to its network"):
        copy.deepcopy(flat)
