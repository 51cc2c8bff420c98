"""The tables of access. Secrets are kept as hashes only; the record of changes is never changed and never deleted."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class Account(SQLModel, table=True):
    """A person who signs in, or once did: an author in the record stays."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    """What is typed to sign in: a-z, 0-9, '.', '-'."""
    shown_as: str
    """How pages and messages call the person."""
    role: str
    counties: str = ""
    """Six-digit codes, comma-separated; empty is every county."""
    password_hash: str | None = None
    """Argon2id; null until the person has chosen a password."""
    created_ms: int = Field(sa_type=BigInteger)
    disabled_ms: int | None = Field(default=None, sa_type=BigInteger)


class OneTimeLink(SQLModel, table=True):
    """A secret that opens one door once: /first/<secret>."""

    id: int | None = Field(default=None, primary_key=True)
    sha: str = Field(unique=True)
    """SHA-256 of the secret, hex."""
    account_id: int | None = Field(default=None, foreign_key="account.id")
    """Whose; null where the first administrator's account is to be made."""
    purpose: str
    """first_admin, password (choose one) or sign_in."""
    created_ms: int = Field(sa_type=BigInteger)
    expires_ms: int = Field(sa_type=BigInteger)
    used_ms: int | None = Field(default=None, sa_type=BigInteger)


class BrowserSession(SQLModel, table=True):
    """A browser that is signed in."""

    __tablename__ = "browser_session"
    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id", index=True)
    sha: str = Field(unique=True)
    created_ms: int = Field(sa_type=BigInteger)
    seen_ms: int = Field(sa_type=BigInteger)
    expires_ms: int = Field(sa_type=BigInteger)
    """Whatever it did meanwhile."""
    revoked_ms: int | None = Field(default=None, sa_type=BigInteger)
    address: str = ""
    browser: str = ""


class SignInFailure(SQLModel, table=True):
    """Wrong passwords in a row, of one account, from one address, or of one account from one address."""

    __tablename__ = "sign_in_failure"
    key: str = Field(primary_key=True)
    """account:NAME, address:IP or here:NAME@IP."""
    failures: int
    last_ms: int = Field(sa_type=BigInteger)
    locked_until_ms: int = Field(default=0, sa_type=BigInteger)


class ApiKey(SQLModel, table=True):
    """A program that asks."""

    __tablename__ = "api_key"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    sha: str = Field(unique=True)
    scopes: str
    """Rights, comma-separated."""
    counties: str = ""
    created_ms: int = Field(sa_type=BigInteger)
    created_by: str
    expires_ms: int | None = Field(default=None, sa_type=BigInteger)
    revoked_ms: int | None = Field(default=None, sa_type=BigInteger)


class AuditEntry(SQLModel, table=True):
    """One thing that somebody changed. The database itself refuses to change or delete a row."""

    __tablename__ = "audit"
    id: int | None = Field(default=None, primary_key=True)
    at_ms: int = Field(index=True, sa_type=BigInteger)
    actor: str = Field(index=True)
    actor_kind: str
    """account, key, command, or stranger: somebody who is not signed in."""
    action: str = Field(index=True)
    """What, e.g. violation.acknowledge."""
    subject: str
    """Of what, e.g. the violation's id."""
    detail: str = "{}"
    """What it was and what it became, as JSON; never a secret."""
    address: str = ""
