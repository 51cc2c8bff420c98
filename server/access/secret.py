"""Secrets that are shown once: of links, of browsers' sessions, of keys. What is stored is a hash."""

import hashlib
import secrets

BYTES = 32


def new_secret() -> str:
    """256 random bits, as 43 characters that an address may hold."""
    return secrets.token_urlsafe(BYTES)


def sha(secret: str) -> str:
    """What is stored of a secret; it carries so many random bits that a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).hexdigest()
