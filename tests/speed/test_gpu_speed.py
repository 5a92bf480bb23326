"""Nets trained at once on a GPU are those that the suite trains one after another; where there is one."""

import pytest
import torch


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_a_net_of_many_is_the_net_alone():
    import on_gpu

    for units, size in on_gpu.SHAPES:
        assert on_gpu.agree(units, size) < 1e-5
