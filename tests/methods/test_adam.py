"""Adam on the plain net: the same weights as torch's own leaves, with a rate that halves."""

from __future__ import annotations

import torch

from longlag.bench.plugins.registry import discover
from longlag.tasks.adding import Adding

REGISTRY = discover()


def test_it_trains_the_plain_net_as_torchs_adam_does() -> None:
    task, halving = Adding(10, "a16"), 7.0
    setting = {"init_scale": 1.0, "units": 6, "batch_size": 5, "learning_rate": 0.01, "halving": halving}
    ours, theirs = (built(task, setting) for _ in range(2))
    optimiser = ours.configure_optimizers()
    reference = torch.optim.Adam(theirs.network.parameters(), lr=0.01)
    falling = torch.optim.lr_scheduler.LambdaLR(reference, lambda k: 1 / (1 + k / halving))
    draws = torch.Generator().manual_seed(1)
    for _ in range(20):
        batch = task.sample(5, draws)
        optimiser.step(closure=lambda batch=batch: ours.gradient(batch))
        reference.zero_grad()
        task.loss(theirs(batch.inputs, batch.mask), batch.targets).backward()
        reference.step()
        falling.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)


def built(task, setting):
    torch.manual_seed(0)
    return REGISTRY.method("adam").build(task, **setting)
