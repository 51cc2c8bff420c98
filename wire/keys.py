"""Keys that sign: Ed25519, or ES256 where a secure element holds the key. No key lives in this package."""

import base64
import binascii
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from wire.errors import BadSignature, Malformed

ALGORITHMS = ("Ed25519", "ES256")

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""FIPS 186-4 D.1.2.3. If (r, s) verifies, so does (r, order - s): only the lower s is allowed, else anyone could give
an envelope a second hash and make its agent look like a forger of history."""


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_decode(text: str) -> bytes:
    """The bytes of base64url without padding.

    Raises:
        Malformed: not base64url, or not the one way to write these bytes (set spare bits, foreign alphabet): two
            spellings of one signature would give an envelope two hashes.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"base64url: {error}") from error
    if b64url(data) != text:
        raise Malformed(f"base64url: expected the canonical ending {b64url(data)[-4:]!r}, got {text[-4:]!r}")
    return data


class Signer(Protocol):
    """What signs: a key in software or in a secure element."""

    @property
    def alg(self) -> str:
        """The JOSE name of the algorithm."""
        ...

    def sign(self, data: bytes) -> bytes:
        """A signature of 64 bytes; of ES256 the one with the lower s."""
        ...


class PublicKey(msgspec.Struct, frozen=True):
    """A key that verifies.

    Attributes:
        alg: Ed25519 or ES256.
        raw: 32 bytes of Ed25519, or the 65 bytes of an uncompressed P-256 point.
    """

    alg: str
    raw: bytes

    def __str__(self) -> str:
        """As settings and commands write it: ALG:BASE64URL."""
        return f"{self.alg}:{b64url(self.raw)}"

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """The key in a text ALG:BASE64URL.

        Raises:
            Malformed: another algorithm, not base64url, or not a point on the curve.
        """
        alg, _, encoded = text.strip().partition(":")
        if alg not in ALGORITHMS:
            raise Malformed(f"public key: expected {' or '.join(ALGORITHMS)} before ':', got {alg[:20]!r}")
        key = cls(alg, b64url_decode(encoded))
        key._load()
        return key

    def verify(self, signature: bytes, data: bytes) -> None:
        """Check a signature over bytes.

        Raises:
            BadSignature: these bytes were not signed by this key.
        """
        try:
            key = self._load()
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, data)
            else:
                r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
                if s > _P256_ORDER // 2:
                    raise BadSignature("signature: expected the lower of the two s that ES256 allows, got the higher")
                key.verify(encode_dss_signature(r, s), data, ec.ECDSA(SHA256()))
        except InvalidSignature:
            raise BadSignature(f"signature: does not fit the bytes under this {self.alg} key") from None

    def _load(self) -> ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey:
        try:
            if self.alg == "Ed25519":
                return ed25519.Ed25519PublicKey.from_public_bytes(self.raw)
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.raw)
        except ValueError as error:
            raise Malformed(f"public key: not a valid {self.alg} key: {error}") from error


class PrivateKey:
    """A signing key in software."""

    def __init__(self, key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    @classmethod
    def generate(cls, alg: str = "Ed25519") -> "PrivateKey":
        """A new key from the system's randomness."""
        if alg == "Ed25519":
            return cls(ed25519.Ed25519PrivateKey.generate())
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_pem(cls, pem: bytes) -> "PrivateKey":
        """The key in an unencrypted PKCS #8 PEM.

        Raises:
            Malformed: not a PEM, or a key of another kind.
        """
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise Malformed(f"private key: not an unencrypted PEM: {error}") from error
        if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey):
            raise Malformed(f"private key: expected Ed25519 or P-256, got {type(key).__name__}")
        if isinstance(key, ec.EllipticCurvePrivateKey) and not isinstance(key.curve, ec.SECP256R1):
            raise Malformed(f"private key: expected Ed25519 or P-256, got {key.curve.name}")
        return cls(key)

    def to_pem(self) -> bytes:
        """Unencrypted PKCS #8 PEM; the file's rights guard it."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def alg(self) -> str:
        """The JOSE name of the algorithm."""
        return "Ed25519" if isinstance(self._key, ed25519.Ed25519PrivateKey) else "ES256"

    @property
    def public(self) -> PublicKey:
        """The half that verifies."""
        public = self._key.public_key()
        if isinstance(public, ed25519.Ed25519PublicKey):
            return PublicKey("Ed25519", public.public_bytes(Encoding.Raw, PublicFormat.Raw))
        return PublicKey("ES256", public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))

    def sign(self, data: bytes) -> bytes:
        """A signature of 64 bytes: Ed25519, or r and the lower s of ES256 (RFC 7518 §3.4)."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(data)
        r, s = decode_dss_signature(self._key.sign(data, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + min(s, _P256_ORDER - s).to_bytes(32, "big")
