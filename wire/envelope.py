r"""Signed bytes as sent: a detached JWS (RFC 7515 appendix F) around a BODY that is never re-serialised.

    {"p":<BODY>,"jws":"<b64url header>..<b64url signature>"}

Signed are the bytes  b64url(header) "." b64url(BODY bytes exactly as sent). Sign the bytes, verify the bytes, then
parse. FORMAT.md tells how to check one with openssl alone.
"""

import hashlib
import json
import re
from collections.abc import Callable
from enum import StrEnum
from typing import NoReturn, TypeVar

import msgspec

from wire.errors import Malformed
from wire.keys import PublicKey, Signer, b64url, b64url_decode
from wire.limits import BODY_DEPTH_MAX, ENVELOPE_BYTES_MAX, INTEGER_MAX

T = TypeVar("T")

_OPEN, _MIDDLE, _CLOSE = b'{"p":', b',"jws":"', b'"}'
_TAIL = re.compile(rb',"jws":"([A-Za-z0-9_-]{1,400})\.\.([A-Za-z0-9_-]{86})"\}')
_UNSAFE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""No database or terminal takes these as they are; no field needs them."""
_TAIL_BYTES_MAX = len(_MIDDLE) + 400 + 2 + 86 + len(_CLOSE)


class Kind(StrEnum):
    """The envelope's type; a batch can never pass for a receipt."""

    BATCH = "coldseal-batch+json"
    RECEIPT = "coldseal-receipt+json"
    START_RECORD = "coldseal-start-record+json"


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JWS header: exactly these three members."""

    alg: str
    kid: str
    typ: str


class Sealed(msgspec.Struct, frozen=True):
    """An envelope taken apart but not yet believed."""

    header: Header
    header_b64: bytes
    body: bytes
    signature: bytes

    @property
    def signed_bytes(self) -> bytes:
        """What the signature covers."""
        return self.header_b64 + b"." + b64url(self.body).encode()


def digest(envelope: bytes) -> bytes:
    """SHA-256 of a whole envelope: the next one's `prev`."""
    return hashlib.sha256(envelope).digest()


def sign(body: bytes, kind: Kind, kid: str, signer: Signer) -> bytes:
    """The envelope around a BODY.

    Args:
        body: one JSON object as UTF-8, sent and signed as it is.
        kind: what the BODY is.
        kid: the key's id, <agent>#<epoch>.
        signer: the key.

    Raises:
        Malformed: a body that the reader would refuse, or an envelope longer than ENVELOPE_BYTES_MAX. Once signed
            and chained it could never be delivered, so this is found before.
    """
    parse(body, dict)
    header = b64url(msgspec.json.encode(Header(signer.alg, kid, kind.value))).encode()
    signature = b64url(signer.sign(header + b"." + b64url(body).encode())).encode()
    envelope = _OPEN + body + _MIDDLE + header + b".." + signature + _CLOSE
    if len(envelope) > ENVELOPE_BYTES_MAX:
        raise Malformed(f"envelope: expected at most {ENVELOPE_BYTES_MAX} bytes, got {len(envelope)}; send fewer rows")
    return envelope


def take_apart(envelope: bytes) -> Sealed:
    """The parts of an envelope, by its fixed outer bytes alone.

    Raises:
        Malformed: too long, other outer bytes, or a header that is not exactly alg, kid and typ.
    """
    if len(envelope) > ENVELOPE_BYTES_MAX:
        raise Malformed(f"envelope: expected at most {ENVELOPE_BYTES_MAX} bytes, got {len(envelope)}")
    start = max(0, len(envelope) - _TAIL_BYTES_MAX)
    at = envelope.rfind(_MIDDLE, start)
    tail = _TAIL.fullmatch(envelope, at) if at >= 0 else None
    if not envelope.startswith(_OPEN + b"{") or tail is None:
        raise Malformed('envelope: expected {"p":{…},"jws":"…..…"} with nothing before or after')
    header = _strict(b64url_decode(tail[1].decode()), Header, "header")
    if header.typ not in tuple(Kind):
        raise Malformed(f"header: expected typ {' or '.join(Kind)}, got {header.typ[:40]!r}")
    return Sealed(header, tail[1], envelope[len(_OPEN) : at], b64url_decode(tail[2].decode()))


def check_signature(sealed: Sealed, key: PublicKey) -> None:
    """Check that the registered key signed exactly these bytes.

    Raises:
        Malformed: the header names another algorithm than the registered one.
        BadSignature: other bytes, or another key.
    """
    if sealed.header.alg != key.alg:
        raise Malformed(f"header: alg {sealed.header.alg[:20]!r}, but key {sealed.header.kid!r} is {key.alg}")
    key.verify(sealed.signature, sealed.signed_bytes)


def parse(body: bytes, into: type[T]) -> T:
    """A BODY, read strictly; call it only after check_signature.

    Duplicate keys, floats, NaN, integers beyond 2^53-1, control characters and deep nesting are refused; members that a newer release
    added are ignored (the verbatim bytes keep them).

    Raises:
        Malformed: not such JSON, or a member of another type than the format says.
    """
    return _strict(body, into, "body")


def _strict(data: bytes, into: type[T], what: str) -> T:
    try:
        document = json.loads(
            data.decode("utf-8"),  # json would guess UTF-16 too, and then readers could differ
            object_pairs_hook=_no_duplicates,
            parse_float=_refuse("fraction (numbers are scaled integers)"),
            parse_constant=_refuse("NaN or Infinity"),
            parse_int=_bounded,
        )
        _check_nodes(document, 1)
        return msgspec.convert(document, into, strict=True)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise Malformed(f"{what}: {error}") from error


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is given twice")
    return members


def _refuse(what: str) -> Callable[[str], NoReturn]:
    def refuse(text: str) -> NoReturn:
        raise ValueError(f"expected no {what}, got {text[:20]}")

    return refuse


def _bounded(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > INTEGER_MAX:
        raise ValueError(f"integer {text[:20]}: expected at most 2^53-1 in magnitude")
    return int(text)


def _check_nodes(node: object, depth: int) -> None:
    if isinstance(node, str) and _UNSAFE.search(node):
        raise ValueError(f"text {node[:20]!r}: expected no control characters or lone surrogates")
    if not isinstance(node, dict | list):
        return
    if depth > BODY_DEPTH_MAX:
        raise ValueError(f"expected nesting of at most {BODY_DEPTH_MAX}")
    for child in (*node, *node.values()) if isinstance(node, dict) else node:
        if isinstance(child, dict | list | str):
            _check_nodes(child, depth + 1)
