import hashlib

import pytest

from wire.chain import Duplicate, Fork, Gap, Link, Linked, Verdict, check, genesis
from wire.keys import PublicKey, b64url

A, B, C = (hashlib.sha256(name).digest() for name in (b"a", b"b", b"c"))
LAST = Link(4, A)
KEY = PublicKey("Ed25519", bytes(32))


@pytest.mark.parametrize(
    ("seq", "prev", "sha", "stored", "verdict"),
    [
        (5, A, B, None, Linked()),
        (5, C, B, None, Fork("number 5 follows another envelope than the stored number 4")),
        (5, A, B, B, Duplicate()),
        (5, A, B, C, Fork("number 5 is taken by other bytes")),
        (4, C, A, A, Duplicate()),
        (4, C, B, A, Fork("number 4 is taken by other bytes")),
        (3, C, B, None, Fork("number 3 was passed: the chain stands at 4")),
        (0, C, B, None, Fork("number 0 was passed: the chain stands at 4")),
        (6, B, C, None, Gap(5, 5)),
        (9, B, C, None, Gap(5, 8)),
        (9, B, C, C, Duplicate()),
    ],
)
def test_verdict(seq: int, prev: bytes, sha: bytes, stored: bytes | None, verdict: Verdict) -> None:
    """How an envelope relates to a chain that stands at number 4: the table of FORMAT.md §5."""
    assert check(LAST, seq, b64url(prev), sha, stored) == verdict


def test_first_envelope_follows_the_registration() -> None:
    """Before the first envelope the chain stands at number 0 with the genesis hash."""
    start = Link(0, genesis("test", "mf-7", "mf-7#1", KEY))
    assert check(start, 1, b64url(start.sha), B, None) == Linked()
    assert isinstance(check(start, 1, b64url(C), B, None), Fork)


def test_genesis_is_a_hash_of_five_lines() -> None:
    """FORMAT.md §5 lets anyone compute it with sha256sum."""
    text = "coldseal-genesis/1\ntest\nmf-7\nmf-7#1\nEd25519:" + "A" * 43 + "\n"
    assert genesis("test", "mf-7", "mf-7#1", KEY) == hashlib.sha256(text.encode()).digest()


@pytest.mark.parametrize(
    "other",
    [
        ("live", "mf-7", "mf-7#1", KEY),
        ("test", "mf-8", "mf-7#1", KEY),
        ("test", "mf-7", "mf-7#2", KEY),
        ("test", "mf-7", "mf-7#1", PublicKey("Ed25519", bytes([1] * 32))),
    ],
)
def test_genesis_depends_on_every_part(other: tuple[str, str, str, PublicKey]) -> None:
    """Another deployment, agent, key id or key begins another chain."""
    assert genesis(*other) != genesis("test", "mf-7", "mf-7#1", KEY)
