import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import BadSignature, Malformed
from wire.keys import ALGORITHMS, PrivateKey, PublicKey, b64url, b64url_decode

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_POINT = PrivateKey.generate("ES256").public.raw


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_signature_pair(alg: str) -> None:
    """What a key signs, its public half verifies; in 64 bytes, whatever the algorithm."""
    key = PrivateKey.generate(alg)
    assert key.alg == key.public.alg == alg
    for message in (b"", b"coldseal", bytes(10_000)):
        assert len(key.sign(message)) == 64
        key.public.verify(key.sign(message), message)


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("signature", [b"", b"\x00" * 64, b"\xff" * 64, b"\x01" * 63])
def test_a_foreign_signature(alg: str, signature: bytes) -> None:
    """Bytes that are no signature of this key are BadSignature, never another error."""
    with pytest.raises(BadSignature, match=r"^signature: "):
        PrivateKey.generate(alg).public.verify(signature, b"coldseal")


def test_es256_signs_with_the_lower_s() -> None:
    """Of the two signatures that the mathematics allows, ours is the lower and the other is refused."""
    key = PrivateKey.generate("ES256")
    for i in range(20):
        signature = key.sign(bytes([i]))
        s = int.from_bytes(signature[32:], "big")
        assert s <= _ORDER // 2
        with pytest.raises(BadSignature, match="expected the lower of the two s"):
            key.public.verify(signature[:32] + (_ORDER - s).to_bytes(32, "big"), bytes([i]))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_pem_pair(alg: str) -> None:
    """A key is the same after a file."""
    key = PrivateKey.generate(alg)
    assert PrivateKey.from_pem(key.to_pem()).public == key.public


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_text_pair(alg: str) -> None:
    """A public key is the same after a settings file, blanks around it included."""
    public = PrivateKey.generate(alg).public
    assert PublicKey.parse(f" {public}\n") == public


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected Ed25519 or ES256 before ':', got ''"),
        ("RS256:AAAA", "expected Ed25519 or ES256 before ':', got 'RS256'"),
        ("Ed25519:AAAA", "not a valid Ed25519 key"),
        ("Ed25519:" + "A" * 42 + "B", "expected the canonical ending 'AAAA', got 'AAAB'"),
        ("Ed25519:!", "base64url: "),
        ("ES256:" + b64url(_POINT[:-1]), "not a valid ES256 key"),
        ("ES256:" + b64url(_POINT[:-1] + bytes([_POINT[-1] ^ 1])), "not a valid ES256 key"),
    ],
    ids=[
        "empty",
        "other_algorithm",
        "short",
        "not_canonical",
        "other_alphabet",
        "half_a_point",
        "no_point_of_the_curve",
    ],
)
def test_a_text_that_is_no_key(text: str, words: str) -> None:
    """A wrong algorithm, length, alphabet or point is named."""
    with pytest.raises(Malformed, match=re.escape(words)):
        PublicKey.parse(text)


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("pem", "words"),
    [
        (b"", "not an unencrypted PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "not an unencrypted PEM"),
        (_pem(rsa.generate_private_key(65537, 2048)), "expected Ed25519 or P-256, got RSAPrivateKey"),
        (_pem(ec.generate_private_key(ec.SECP384R1())), "expected Ed25519 or P-256, got secp384r1"),
    ],
    ids=["empty", "not_a_key", "rsa", "p384"],
)
def test_a_pem_that_is_no_key(pem: bytes, words: str) -> None:
    """A file without a key of the two kinds is named."""
    with pytest.raises(Malformed, match=re.escape(words)):
        PrivateKey.from_pem(pem)


@given(st.binary(max_size=100))
def test_base64url_pair(data: bytes) -> None:
    """Bytes come back, from text without padding and in one alphabet."""
    assert b64url_decode(b64url(data)) == data
    assert re.fullmatch(r"[A-Za-z0-9_-]*", b64url(data))


@pytest.mark.parametrize("text", ["AA==", "AB", "A+A_", "A/A_", "A", "A A", "AA\n", "é"])
def test_base64url_has_one_spelling(text: str) -> None:
    """Padding, spare bits, the other alphabet, blanks and cut-off texts are refused."""
    with pytest.raises(Malformed, match=r"^base64url: "):
        b64url_decode(text)
