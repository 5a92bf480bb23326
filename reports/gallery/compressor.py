"""Lossless compression by an LSTM that learns a file as it reads it, and an arithmetic coder.

The net says how probable each byte is to come next, the coder spends -log2 of that on the byte that comes,
and then the net learns from it. Whoever decompresses has the same net learn from the same bytes in the same
order, and so needs no weights: but it needs the same arithmetic, bit for bit. A file therefore carries a
fingerprint of the arithmetic that made it, beside the length and checksum of what it holds. The net runs on
one thread, whatever the machine has: the same machine and versions give the same bits.

A file is cut into a few streams, which the net reads side by side as the sequences of a batch. The coder is
constriction's range coder (Bamler 2022); what does not get shorter is stored as it is.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import metadata

import constriction
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from longlag.bench.contract.errors import BadInput

MAGIC, VERSION = b"LLag", 1
STORED, LEARNED = 0, 1
_HEADER = struct.Struct("<4sBBQ32s8s")
"""What it is, its version, how it was made, the length, the checksum, the fingerprint of the arithmetic."""

SYMBOLS, STREAMS, SHORTEST = 256, 8, 512
"""Bytes there are; streams at most, and bytes in each at least where there are several."""
EMBEDDED, UNITS, SEGMENT = 64, 128, 16
"""Numbers a byte becomes, memory cells, steps between two updates of the weights."""
RATE, HALVING, CLIP, REPLAYS = 5e-3, 4000.0, 1.0, 2
"""Adam's rate, the updates that halve it, the longest gradient, earlier segments learned again each time."""

Told = Callable[[int], None]
Bytes = NDArray[np.uint8]


class Reader(nn.Module):
    """Bytes in, logits of the next out: an embedding, memory cells, and a readout of both."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, EMBEDDED)
        self.cells = nn.LSTM(EMBEDDED, UNITS)
        self.readout = nn.Linear(UNITS + EMBEDDED, SYMBOLS)
        with torch.no_grad():
            # keep gates start open, and all bytes are as probable
            self.cells.get_parameter("bias_hh_l0")[UNITS : 2 * UNITS] = 1.0
            self.readout.weight.mul_(0.1)

    def forward(self, read: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Logits [T, B, 256] and the state after, from bytes [T, B] and the state before."""
        given = self.embedding(read)
        out, state = self.cells(given, state)
        return self.readout(torch.cat([out, given], -1)), state


class Learner:
    """What both ways have in common: says what may come next in each stream, and is told what came."""

    def __init__(self, streams: int) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.reader = Reader()
        self.optimiser = torch.optim.Adam(self.reader.parameters(), lr=RATE, fused=True)
        self.draws = torch.Generator().manual_seed(0)
        nothing = torch.zeros(1, streams, UNITS)
        self.state = self.begun = (nothing, nothing)
        self.last = torch.zeros(streams, dtype=torch.long)
        self.read: list[Tensor] = [self.last]
        self.past: list[tuple[Tensor, tuple[Tensor, Tensor]]] = []
        self.updates = 0

    @torch.no_grad()
    def probabilities(self) -> NDArray[np.float32]:
        """Of each byte to come next, [streams, 256]."""
        logits, self.state = self.reader(self.last.unsqueeze(0), self.state)
        probable: NDArray[np.float32] = logits[0].softmax(-1).numpy()
        return probable

    def came(self, symbols: Bytes) -> None:
        """The bytes that came, [streams]; at the end of a segment, learn from it."""
        self.last = torch.from_numpy(symbols.astype(np.int64))
        self.read.append(self.last)
        if len(self.read) <= SEGMENT:
            return
        self.past.append((torch.stack(self.read), self.begun))
        self._learn(*self.past[-1])
        for _ in range(REPLAYS):
            self._learn(*self.past[int(torch.randint(len(self.past), (), generator=self.draws))])
        self.updates += 1
        self.begun, self.read = self.state, [self.last]

    def _learn(self, read: Tensor, state: tuple[Tensor, Tensor]) -> None:
        logits, _ = self.reader(read[:-1], state)
        loss = functional.cross_entropy(logits.flatten(0, 1), read[1:].flatten())
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.reader.parameters(), CLIP)
        for group in self.optimiser.param_groups:
            group["lr"] = RATE / (1 + self.updates / HALVING)
        self.optimiser.step()


def compress(data: bytes, told: Told = lambda _: None) -> bytes:
    """The compressed file; `told` hears how many bytes are done."""
    coder = constriction.stream.queue.RangeEncoder()
    for probable, table, there in _walk(data, told):
        coder.encode(table[there].astype(np.int32), _family(), probable[there])
    payload = coder.get_compressed().astype("<u4").tobytes()
    kind = LEARNED if len(payload) < len(data) else STORED
    return _header(kind, data) + (payload if kind == LEARNED else data)


def costs(data: bytes) -> NDArray[np.float64]:
    """Bits that each byte of `data` takes, in the order of the file."""
    spent = [
        -np.log2(np.take_along_axis(probable, table[:, None].astype(np.intp), 1)[:, 0].astype(np.float64))
        for probable, table, _ in _walk(data, lambda _: None)
    ]
    return np.stack(spent, 1).reshape(-1)[: len(data)] if spent else np.zeros(0)


def _walk(data: bytes, told: Told) -> Iterator[tuple[NDArray[np.float32], Bytes, NDArray[np.bool_]]]:
    """At every step: the probabilities, the bytes that come, and which streams have one."""
    streams, length = _shape(len(data))
    padded = np.zeros(streams * length, np.uint8)
    padded[: len(data)] = np.frombuffer(data, np.uint8)
    table = padded.reshape(streams, length)
    with _one_thread():
        learner = Learner(streams)
        for step in range(length):
            yield learner.probabilities(), table[:, step], _there(len(data), step)
            learner.came(table[:, step])
            told(min(len(data), (step + 1) * streams))


def decompress(packed: bytes, told: Told = lambda _: None) -> bytes:
    """What was compressed; raises BadInput for anything else than a whole file made by this arithmetic."""
    if len(packed) < _HEADER.size or not packed.startswith(MAGIC):
        raise BadInput("not a file that longlag compress made")
    _, version, kind, size, checksum, fingerprint = _HEADER.unpack_from(packed)
    if version != VERSION:
        raise BadInput(f"made by version {version} of the format; this is version {VERSION}")
    if kind == LEARNED and fingerprint != arithmetic():
        raise BadInput("made on arithmetic that does not agree with this machine's, or by other versions")
    payload = packed[_HEADER.size :]
    damaged = BadInput("damaged: what it holds is not what was compressed")
    if kind == STORED:
        data = payload
    elif kind == LEARNED and len(payload) % 4 == 0 and size <= 2**20 * max(1, len(payload)):
        data = _learned(np.frombuffer(payload, "<u4").astype(np.uint32), size, told, damaged)
    else:
        raise damaged
    if len(data) != size or hashlib.sha256(data).digest() != checksum:
        raise damaged
    return data


def _learned(payload: NDArray[np.uint32], size: int, told: Told, damaged: BadInput) -> bytes:
    coder = constriction.stream.queue.RangeDecoder(payload)
    streams, length = _shape(size)
    table = np.zeros((streams, length), np.uint8)
    with _one_thread():
        learner = Learner(streams)
        for step in range(length):
            there = _there(size, step)
            try:
                table[there, step] = coder.decode(_family(), learner.probabilities()[there])
            except (AssertionError, ValueError) as error:
                # what constriction raises for data that no encoder writes
                raise damaged from error
            learner.came(table[:, step])
            told(min(size, (step + 1) * streams))
    return table.reshape(-1)[:size].tobytes()


@cache
def arithmetic() -> bytes:
    """Eight bytes that differ where arithmetic does: of what the net says after it has learned a little."""
    sample = bytes(range(SYMBOLS)) * (STREAMS * 4 * SEGMENT // SYMBOLS)
    digest = hashlib.sha256(metadata.version("constriction").encode())
    for probable, *_ in _walk(sample, lambda _: None):
        digest.update(probable.tobytes())
    return digest.digest()[:8]


def _family() -> constriction.stream.model.Categorical:
    return constriction.stream.model.Categorical(perfect=False)


def _shape(size: int) -> tuple[int, int]:
    """How many streams, and of how many bytes, the last shorter."""
    streams = min(STREAMS, max(1, size // SHORTEST))
    return streams, -(-size // streams)


def _there(size: int, step: int) -> NDArray[np.bool_]:
    """Which streams have a byte at `step`."""
    streams, length = _shape(size)
    places: NDArray[np.bool_] = np.arange(streams) * length + step < size
    return places


def _header(kind: int, data: bytes) -> bytes:
    checksum = hashlib.sha256(data).digest()
    return _HEADER.pack(MAGIC, VERSION, kind, len(data), checksum, arithmetic())


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums are taken in another order by several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
