"""Envelopes that must be refused, each named for the attack. bad/expected.yaml says how each one is refused.

Most are signed with the registered key: the worst case is a compromised agent, or a reader that differs from ours.
"""

from typing import NamedTuple

from wire.envelope import Kind, sign, take_apart
from wire.keys import Signer, b64url

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Victim(NamedTuple):
    """A registered key, and a body that it signs."""

    kid: str
    body: bytes
    signer: Signer


_BODY_EDITS: dict[str, tuple[bytes, bytes]] = {
    "comment": (b'"seq":1,', b'"seq":1,/**/'),
    "control_character": (b'"sw":"0.1.0"', b'"sw":"0.1\n0"'),
    "control_character_escaped": (b'"sw":"0.1.0"', b'"sw":"0.1\\u00000"'),
    "deep_nesting": (b'"v":1,', b'"v":1,"x":[[[[[[[[1]]]]]]]],'),
    "duplicate_key": (b'"seq":1,', b'"seq":1,"seq":2,'),
    "duplicate_key_escaped": (b'"seq":1,', b'"seq":1,"s\\u0065q":2,'),
    "duplicate_key_nested": (b'"st":"S"', b'"st":"S","st":"U"'),
    "exponent_number": (b'"seq":1,', b'"seq":1e0,'),
    "float": (b'"seq":1,', b'"seq":1.0,'),
    "infinity": (b'"mono":5000', b'"mono":-Infinity'),
    "integer_beyond_2_53": (b'"mono":5000', b'"mono":9007199254740992'),
    "integer_below_minus_2_53": (b'"mono":5000', b'"mono":-9007199254740992'),
    "integer_of_many_digits": (b'"mono":5000', b'"mono":' + b"9" * 5000),
    "invalid_utf8": (b'"sw":"0.1.0"', b'"sw":"\xff"'),
    "lone_surrogate": (b'"sw":"0.1.0"', b'"sw":"\\ud800"'),
    "missing_member": (b'"seq":1,', b""),
    "nan": (b'"mono":5000', b'"mono":NaN'),
    "nesting_of_thousands": (b'"v":1,', b'"v":1,"x":' + b"[" * 8000 + b"]" * 8000 + b","),
    "number_in_quotes": (b'"seq":1,', b'"seq":"1",'),
    "true_for_number": (b'"seq":1,', b'"seq":true,'),
    "unknown_version": (b'"v":1,', b'"v":2,'),
}
"""Attack to what is replaced in the body before the registered key signs it."""

_HEADERS = {
    "alg_eddsa": b'{"alg":"EdDSA","kid":"mf-7#1","typ":"coldseal-batch+json"}',
    "alg_hs256": b'{"alg":"HS256","kid":"mf-7#1","typ":"coldseal-batch+json"}',
    "alg_lower_case": b'{"alg":"ed25519","kid":"mf-7#1","typ":"coldseal-batch+json"}',
    "alg_none": b'{"alg":"none","kid":"mf-7#1","typ":"coldseal-batch+json"}',
    "alg_swapped_to_es256": b'{"alg":"ES256","kid":"mf-7#1","typ":"coldseal-batch+json"}',
    "header_crit": b'{"alg":"Ed25519","kid":"mf-7#1","typ":"coldseal-batch+json","crit":["b64"],"b64":false}',
    "header_duplicate_alg": b'{"alg":"none","alg":"Ed25519","kid":"mf-7#1","typ":"coldseal-batch+json"}',
    "header_extra_member": b'{"alg":"Ed25519","kid":"mf-7#1","typ":"coldseal-batch+json","x":1}',
    "header_jku": b'{"alg":"Ed25519","kid":"mf-7#1","typ":"coldseal-batch+json","jku":"https://evil.example"}',
    "header_jwk": b'{"alg":"Ed25519","kid":"mf-7#1","typ":"coldseal-batch+json","jwk":{"kty":"OKP"}}',
    "header_not_json": b"alg=Ed25519",
    "header_typ_missing": b'{"alg":"Ed25519","kid":"mf-7#1"}',
    "header_utf16": '{"alg":"Ed25519","kid":"mf-7#1","typ":"coldseal-batch+json"}'.encode("utf-16-le"),
    "header_x5u": b'{"alg":"Ed25519","kid":"mf-7#1","typ":"coldseal-batch+json","x5u":"https://evil.example"}',
    "typ_jwt": b'{"alg":"Ed25519","kid":"mf-7#1","typ":"JWT"}',
}
"""Attack to the header that the registered key signs."""


def attacks(ed: Victim, es: Victim, stranger: Signer, receipt: bytes) -> dict[str, bytes]:
    """Attack to envelope.

    Args:
        ed: a victim with an Ed25519 key.
        es: a victim with an ES256 key.
        stranger: a key that nobody registered.
        receipt: a good receipt.
    """
    whole = sign(ed.body, Kind.BATCH, ed.kid, ed.signer)
    found = {name: _seal(ed, body=_edit(ed.body, *edit)) for name, edit in _BODY_EDITS.items()}
    found |= {name: _seal(ed, header=header) for name, header in _HEADERS.items()}
    found |= _outer(ed, whole) | _signatures(ed, es, whole, stranger)
    return found | {"receipt_as_batch": receipt}


def _outer(ed: Victim, whole: bytes) -> dict[str, bytes]:
    """Attacks on the fixed outer bytes."""
    at = whole.rindex(b',"jws":')
    body, tail = whole[5:at], whole[at:]
    return {
        "array_for_body": b'{"p":[]' + tail,
        "attached_payload": whole.replace(b"..", b"." + b64url(body).encode() + b"."),
        "byte_order_mark": b"\xef\xbb\xbf" + whole,
        "empty": b"",
        "leading_space": b" " + whole,
        "members_swapped": b"{" + tail[1:-1] + b',"p":' + body + b"}",
        "oversize": b'{"p":{"x":"' + b"A" * 32_768 + b'"}' + tail,
        "second_jws": whole[:-1] + tail,
        "second_p": b'{"p":{"v":1},' + whole[1:],
        "second_p_signed": _seal(ed, body=b'{"v":1},"p":' + body),
        "spaced": whole.replace(b'{"p":', b'{"p": ', 1),
        "trailing_byte": whole + b"}",
        "trailing_newline": whole + b"\n",
        "truncated": whole[:-20],
        "utf16_body": _seal(ed, body=body.decode().encode("utf-16-le")),
    }


def _signatures(ed: Victim, es: Victim, whole: bytes, stranger: Signer) -> dict[str, bytes]:
    """Attacks on the signature."""
    swapped = b'{"alg":"Ed25519","kid":"mf-8#1","typ":"coldseal-batch+json"}'
    return {
        "alg_swapped_to_ed25519": _seal(es, header=swapped),
        "changed_digit": _edit(whole, b'"seq":1,', b'"seq":2,'),
        "no_signature": whole[: whole.rindex(b"..") + 2] + b'"}',
        "other_key": _seal(ed._replace(signer=stranger)),
        "padded_signature": whole[:-2] + b'=="}',
        "signature_higher_s": _with_higher_s(sign(es.body, Kind.BATCH, es.kid, es.signer)),
        "signature_spare_bits": whole[:-3] + _next_digit(whole[-3:-2]) + b'"}',
        "zero_signature": whole[:-88] + b"A" * 86 + b'"}',
    }


def _seal(victim: Victim, *, body: bytes | None = None, header: bytes | None = None) -> bytes:
    """An envelope without the checks of wire.envelope.sign."""
    body = victim.body if body is None else body
    usual = f'{{"alg":"{victim.signer.alg}","kid":"{victim.kid}","typ":"{Kind.BATCH}"}}'.encode()
    head = b64url(usual if header is None else header).encode()
    signature = b64url(victim.signer.sign(head + b"." + b64url(body).encode())).encode()
    return b'{"p":' + body + b',"jws":"' + head + b".." + signature + b'"}'


def _edit(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) == 1, (old, data)
    return data.replace(old, new)


def _next_digit(digit: bytes) -> bytes:
    """The base64 digit that decodes to the same bytes at the end of 64: it differs in a spare bit."""
    return _ALPHABET[_ALPHABET.index(digit) + 1 :][:1]


def _with_higher_s(envelope: bytes) -> bytes:
    """The other signature that the same ES256 key would accept; anyone can compute it."""
    sealed = take_apart(envelope)
    s = P256_ORDER - int.from_bytes(sealed.signature[32:], "big")
    return envelope[:-88] + b64url(sealed.signature[:32] + s.to_bytes(32, "big")).encode() + b'"}'
