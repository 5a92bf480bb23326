"""Every random draw descends from the campaign seed, along a path of names and numbers.

Seeds of different paths are independent, and a path's seed does not depend on what else is run:
adding a method to a campaign changes no draw of the others.
"""

from __future__ import annotations

import hashlib

import torch


def derive(*path: str | int) -> int:
    """A seed in [0, 2**63) for `path`, the same on every machine and in every process."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in path)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(*path: str | int) -> torch.Generator:
    """A torch generator seeded with `derive(*path)`."""
    return torch.Generator().manual_seed(derive(*path))
