"""Envelopes: signed, taken apart, checked, parsed. tests/vectors/ has the hostile ones by name."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.envelope import Kind, check_signature, digest, parse, sign, take_apart
from wire.errors import BadSignature, Malformed, WireError
from wire.keys import ALGORITHMS, PrivateKey
from wire.limits import ENVELOPE_BYTES_MAX, INTEGER_MAX
from wire.receipt import Receipt, encode

KEYS = {alg: PrivateKey.generate(alg) for alg in ALGORITHMS}
OTHER_KEYS = {alg: PrivateKey.generate(alg) for alg in ALGORITHMS}
BODY = encode(Receipt(dep="test", agt="mf-7", ack=3, sha="", now=1, miss=[(4, 5)]))

_INTEGERS = st.integers(-INTEGER_MAX, INTEGER_MAX)
_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
_RECEIPTS = st.builds(
    Receipt,
    dep=_TEXT,
    agt=_TEXT,
    ack=_INTEGERS,
    sha=_TEXT,
    now=_INTEGERS,
    have=st.lists(st.tuples(_INTEGERS, _INTEGERS), max_size=3),
)


@pytest.mark.parametrize("alg", ALGORITHMS)
@given(receipt=_RECEIPTS)
def test_pair(alg: str, receipt: Receipt) -> None:
    """What is signed is taken apart, verified and parsed to the same, with header and body as they were."""
    sealed = take_apart(sign(encode(receipt), Kind.RECEIPT, "server#1", KEYS[alg]))
    check_signature(sealed, KEYS[alg].public)
    assert (sealed.header.alg, sealed.header.kid, sealed.header.typ) == (alg, "server#1", Kind.RECEIPT.value)
    assert sealed.body == encode(receipt)
    assert parse(sealed.body, Receipt) == receipt


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_every_flipped_bit_is_noticed(alg: str) -> None:
    """No bit of an envelope can be turned without its being refused: its hash is one only."""
    envelope = sign(BODY, Kind.RECEIPT, "server#1", KEYS[alg])
    for index in range(len(envelope)):
        for bit in range(8):
            flipped = bytearray(envelope)
            flipped[index] ^= 1 << bit
            with pytest.raises(WireError, match=r"expected|header|base64url|does not fit"):
                check_signature(take_apart(bytes(flipped)), KEYS[alg].public)


@settings(max_examples=300)
@given(cut=st.integers(0, 400), insert=st.binary(max_size=3), drop=st.integers(0, 3))
def test_no_edit_is_accepted(cut: int, insert: bytes, drop: int) -> None:
    """Bytes left out, put in or replaced anywhere are refused."""
    envelope = sign(BODY, Kind.RECEIPT, "server#1", KEYS["Ed25519"])
    edited = envelope[:cut] + insert + envelope[cut + drop :]
    if edited == envelope:
        return
    with pytest.raises(WireError, match=r"expected|header|base64url|does not fit"):
        check_signature(take_apart(edited), KEYS["Ed25519"].public)


@given(st.binary(max_size=200))
def test_noise_is_malformed(noise: bytes) -> None:
    """Bytes from anywhere are refused with the world's error, never a crash."""
    with pytest.raises(Malformed, match="envelope: expected"):
        take_apart(noise)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: b.decode("latin-1")))
def test_noise_in_the_body_is_malformed(noise: str) -> None:
    """A BODY from anywhere is refused with the world's error, never a crash."""
    with pytest.raises(Malformed, match=r"^body: "):
        parse(b"{" + noise.encode("utf-8", "surrogatepass"), Receipt)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_another_key(alg: str) -> None:
    """Another key of the same kind does not verify."""
    sealed = take_apart(sign(BODY, Kind.RECEIPT, "server#1", KEYS[alg]))
    with pytest.raises(BadSignature, match=f"does not fit the bytes under this {alg} key"):
        check_signature(sealed, OTHER_KEYS[alg].public)


def test_the_header_does_not_choose_the_algorithm() -> None:
    """A header that names another algorithm than the registered key's is refused before any arithmetic."""
    sealed = take_apart(sign(BODY, Kind.RECEIPT, "server#1", KEYS["ES256"]))
    with pytest.raises(Malformed, match="alg 'ES256', but key 'server#1' is Ed25519"):
        check_signature(sealed, KEYS["Ed25519"].public)


def test_longest_envelope() -> None:
    """An envelope of exactly the limit passes; one byte more is refused before it is signed away."""
    spare = ENVELOPE_BYTES_MAX - len(sign(b'{"x":""}', Kind.BATCH, "mf-7#1", KEYS["Ed25519"]))
    longest = sign(b'{"x":"' + b"A" * spare + b'"}', Kind.BATCH, "mf-7#1", KEYS["Ed25519"])
    assert len(longest) == ENVELOPE_BYTES_MAX
    assert take_apart(longest).header.kid == "mf-7#1"
    with pytest.raises(Malformed, match="at most 32768 bytes, got 32769; send fewer rows"):
        sign(b'{"x":"' + b"A" * (spare + 1) + b'"}', Kind.BATCH, "mf-7#1", KEYS["Ed25519"])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[]", "body: Expected `object`, got `array`"),
        (b'{"x":1.5}', "body: expected no fraction"),
        (b'{"x":9007199254740992}', "expected at most 2^53-1"),
        (b'{"x":"a\\nb"}', "expected no control characters"),
        (b'{"x":1}{"x":1}', "body: Extra data"),
    ],
)
def test_a_body_that_nobody_could_read_is_not_signed(body: bytes, words: str) -> None:
    """Signing refuses what reading refuses: a chained envelope that cannot be delivered would stop its agent."""
    with pytest.raises(Malformed, match=re.escape(words)):
        sign(body, Kind.BATCH, "mf-7#1", KEYS["Ed25519"])


def test_a_body_may_contain_what_looks_like_the_end() -> None:
    """The last `,"jws":"` is the envelope's; one inside a text of the BODY changes nothing."""
    body = b'{"x":",\\"jws\\":\\"AA..BB\\"}"}'
    assert take_apart(sign(body, Kind.BATCH, "mf-7#1", KEYS["Ed25519"])).body == body


def test_unknown_members_are_ignored() -> None:
    """A member that a newer release added does not stop an older reader."""
    assert parse(BODY[:-1] + b',"newer":{"a":[1]}}', Receipt).ack == 3


def test_digest_is_of_the_whole_envelope() -> None:
    """The chain's hash covers signature and outer bytes (SHA-256, FIPS 180-2 test vector)."""
    assert digest(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
