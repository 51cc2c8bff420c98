"""What links one envelope to the next: a sequence number that never resets, and the previous envelope's hash."""

import hashlib

import msgspec

from wire.keys import PublicKey, b64url


class Link(msgspec.Struct, frozen=True):
    """An envelope's place: its number and its own SHA-256."""

    seq: int
    sha: bytes


class Linked(msgspec.Struct, frozen=True):
    """The envelope follows the last one."""


class Duplicate(msgspec.Struct, frozen=True):
    """The same bytes were stored before."""


class Gap(msgspec.Struct, frozen=True):
    """Envelopes between are missing."""

    first: int
    last: int


class Fork(msgspec.Struct, frozen=True):
    """Another history: the number is taken by other bytes, or `prev` is not the last envelope's hash."""

    detail: str


Verdict = Linked | Duplicate | Gap | Fork


def genesis(deployment: str, agent: str, kid: str, key: PublicKey) -> bytes:
    """The `prev` of an agent's first envelope: SHA-256 of its key's registration."""
    return hashlib.sha256(f"coldseal-genesis/1\n{deployment}\n{agent}\n{kid}\n{key}\n".encode()).digest()


def check(last: Link, seq: int, prev: str, sha: bytes, stored_sha: bytes | None) -> Verdict:
    """How an envelope relates to what is known.

    Args:
        last: the newest envelope of the unbroken chain (seq 0 and the genesis hash before the first).
        seq: the envelope's number.
        prev: its `prev`, b64url.
        sha: its own SHA-256.
        stored_sha: SHA-256 of the envelope stored under the same number, if there is one.
    """
    if stored_sha is not None:
        return Duplicate() if stored_sha == sha else Fork(f"number {seq} is taken by other bytes")
    if seq <= last.seq:
        return Fork(f"number {seq} was passed: the chain stands at {last.seq}")
    if seq > last.seq + 1:
        return Gap(last.seq + 1, seq - 1)
    if prev != b64url(last.sha):
        return Fork(f"number {seq} follows another envelope than the stored number {last.seq}")
    return Linked()
