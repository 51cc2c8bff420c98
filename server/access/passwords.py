"""Passwords: what one must be, and Argon2id, which takes 50 ms and 64 MiB on purpose.

Parameters: RFC 9106 §4, second recommendation (3 passes, 64 MiB, 4 lanes), above OWASP's minimum.
"""

import threading
import unicodedata
from functools import cache
from importlib.resources import files

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

CHARS_MIN, CHARS_MAX = 12, 128
BESIDE_NAME_MIN = 8
AT_ONCE = 2
"""Hashes under way: more would let a few hundred strangers fill the memory."""

NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$3XnSQeAeQWCOfMVmnON53g$ufC/deyIiz7j+Mj1k1TEqwFqr0tIYJi7YpX4XTqAXjI"
"""The hash of a password that was thrown away: a name that nobody has is checked against it, for the same time."""

_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_TURNS = threading.BoundedSemaphore(AT_ONCE)


class WeakPassword(Exception):
    """A password breaks a rule.

    Attributes:
        rule: short, long, name or common: which one, for who says it in another language.
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(f"password: {message}")
        self.rule = rule


def check(password: str, name: str) -> None:
    """Refuse a password that others would guess.

    Args:
        password: as typed.
        name: the account's.

    Raises:
        WeakPassword: it breaks a rule; the message never repeats it.
    """
    plain = _normal(password)
    if len(plain) < CHARS_MIN:
        raise WeakPassword("short", f"expected at least {CHARS_MIN} characters, got {len(plain)}")
    if len(plain) > CHARS_MAX:
        raise WeakPassword("long", f"expected at most {CHARS_MAX} characters, got {len(plain)}")
    if len(plain.casefold().replace(name.casefold(), "")) < BESIDE_NAME_MIN:
        raise WeakPassword("name", "expected another one than the account's name, got the name and little else")
    if plain.casefold() in _commonest() or len(set(plain)) < 4:
        raise WeakPassword("common", "expected one that is not among the commonest, got one that programs try first")


def hashed(password: str) -> str:
    """What is stored. Not to be called inside a transaction: the database would wait for it."""
    with _TURNS:
        return _HASHER.hash(_normal(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether a password is the one that was hashed; takes the same time where there is none to compare with."""
    with _TURNS:
        try:
            _HASHER.verify(stored or NOBODYS, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


def _normal(password: str) -> str:
    """One form of what keyboards write differently: full width, composed accents."""
    return unicodedata.normalize("NFKC", password)


@cache
def _commonest() -> frozenset[str]:
    text = (files("server.access") / "commonest_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))
