"""Signing in, and choosing a password: the steps that hash, outside the database's turn."""

import msgspec
from sqlmodel import Session, select

from server.access import accounts, audit, links, lockout, passwords, sessions
from server.access.links import Purpose
from server.access.rights import Role
from server.access.tables import Account
from server.access.who import Who
from server.store import Store

UNKNOWN = "?"


class Place(msgspec.Struct, frozen=True):
    """Where somebody signs in.

    Attributes:
        now_ms: server time.
        address: of the browser.
        browser: what it calls itself.
        secret: of the session that it has already, which ends; "" where it has none.
    """

    now_ms: int
    address: str
    browser: str
    secret: str = ""


class SignedIn(msgspec.Struct, frozen=True):
    """The new session's secret."""

    secret: str


class Refused(msgspec.Struct, frozen=True):
    """Nobody was signed in.

    Attributes:
        wait_ms: how long no password is taken; 0 where another may be tried at once.
    """

    wait_ms: int


class LinkOver(Exception):
    """A link opens nothing (any more)."""


class WrongPassword(Exception):
    """The password that must be given again is not the account's.

    Attributes:
        wait_ms: how long no password is taken.
    """

    def __init__(self, wait_ms: int) -> None:
        super().__init__("password: expected the account's own, got another one")
        self.wait_ms = wait_ms


def sign_in(store: Store, name: str, password: str, place: Place) -> SignedIn | Refused:
    """Sign in by name and password. An unknown name, a wrong password and a disabled account are answered alike."""
    name = _as_name(name)
    account, wait_ms = _checked(store, name, password, place)
    if account is None or account.password_hash is None:
        return Refused(wait_ms)
    fresh = passwords.hashed(password) if passwords.is_outdated(account.password_hash) else None
    with store.transaction() as session:
        now = session.exec(select(Account).where(Account.name == name)).one()
        if now.disabled_ms is not None or now.password_hash != account.password_hash:
            return Refused(0)  # changed while we hashed
        if fresh is not None:
            accounts.set_password(session, now, fresh)
        return SignedIn(_open(session, now, place, "password"))


def use_link(store: Store, secret: str, place: Place) -> SignedIn:
    """Sign in by a link that is for it.

    Raises:
        LinkOver: it opens nothing.
    """
    with store.transaction() as session:
        account = _whose(session, secret, Purpose.SIGN_IN, place)
        return SignedIn(_open(session, account, place, "link"))


def choose_password(store: Store, secret: str, password: str, place: Place) -> SignedIn:
    """Choose a password by a link that is for it, and be signed in; every other session ends.

    Raises:
        LinkOver: it opens nothing.
        WeakPassword: the password breaks a rule; the link is not used up.
    """
    with store.transaction() as session:
        link = links.find(session, secret, place.now_ms)
        account = session.get(Account, link.account_id) if link is not None and link.account_id else None
    if account is None:
        raise LinkOver
    passwords.check(password, account.name)
    hashed = passwords.hashed(password)
    with store.transaction() as session:
        now = _whose(session, secret, Purpose.PASSWORD, place)
        return SignedIn(_take_password(session, now, hashed, place))


def make_first(store: Store, secret: str, name: str, shown_as: str, password: str, place: Place) -> SignedIn:
    """Make the first administrator's account by the link of the first start, and be signed in.

    Raises:
        LinkOver: it opens nothing.
        WeakPassword: the password breaks a rule; the link is not used up.
        AccountError: name or shown name cannot be meant; the link is not used up.
    """
    with store.transaction() as session:
        accounts.check_name(session, name)
    passwords.check(password, name)
    hashed = passwords.hashed(password)
    with store.transaction() as session:
        if links.use(session, secret, Purpose.FIRST_ADMIN, place.now_ms) is None:
            raise LinkOver
        by = msgspec.structs.replace(audit.COMMAND_LINE, name=name, kind="account", address=place.address)
        now_ms, role = place.now_ms, Role.ADMINISTRATOR
        account = accounts.add(session, by, name=name, shown_as=shown_as, role=role, now_ms=now_ms)
        return SignedIn(_take_password(session, account, hashed, place))


def change_password(store: Store, who: Who, old: str, new: str, place: Place) -> SignedIn:
    """Change one's own password: every session and link of the account ends, and this browser gets a new one.

    Raises:
        WrongPassword: the old one is not the account's, or too many wrong ones were tried.
        WeakPassword: the new one breaks a rule.
    """
    passwords.check(new, who.name)
    account, wait_ms = _checked(store, who.name, old, place)
    if account is None:
        raise WrongPassword(wait_ms)
    hashed = passwords.hashed(new)
    with store.transaction() as session:
        now = accounts.named(session, who.name)
        if now.disabled_ms is not None or now.password_hash != account.password_hash:
            raise WrongPassword(0)
        return SignedIn(_take_password(session, now, hashed, place))


def sign_out(session: Session, who: Who, now_ms: int) -> None:
    """End this browser's session."""
    if who.session_id is not None:
        sessions.end(session, who.session_id, now_ms)
        audit.write(session, who, "session.sign_out", str(who.session_id), now_ms)


def _as_name(typed: str) -> str:
    """What was typed as a name, or UNKNOWN where it can be nobody's: the database need not be asked about it."""
    name = typed.strip().lower()
    return name if accounts.is_name(name) else UNKNOWN


def _checked(store: Store, name: str, password: str, place: Place) -> tuple[Account | None, int]:
    """The account whose password this is, or None with the time to wait."""
    counted = lockout.keys(name, place.address)
    with store.transaction() as session:
        attempt = lockout.count(session, counted, place.now_ms)
        account = session.exec(select(Account).where(Account.name == name)).first()
    if attempt.wait_ms:
        return None, attempt.wait_ms
    right = passwords.matches(None if account is None else account.password_hash, password)
    with store.transaction() as session:
        if account is not None and right and account.disabled_ms is None:
            lockout.take_back(session, counted, place.now_ms)
            return account, 0
        known = UNKNOWN if account is None else account.name  # a password may be typed as a name
        for key in lockout.keys(known, place.address):
            if lockout.kind(key) in attempt.locks:
                audit.write(session, audit.stranger(place.address), "sign_in.lock", key, place.now_ms)
        return None, lockout.wait_ms(session, counted, place.now_ms)


def _whose(session: Session, secret: str, purpose: Purpose, place: Place) -> Account:
    link = links.use(session, secret, purpose, place.now_ms)
    account = None if link is None or link.account_id is None else session.get(Account, link.account_id)
    if account is None:
        raise LinkOver
    return account


def _take_password(session: Session, account: Account, hashed: str, place: Place) -> str:
    accounts.set_password(session, account, hashed)
    accounts.end(session, account, place.now_ms)
    audit.write(session, sessions.of(account, None, place.address), "password.set", account.name, place.now_ms)
    return _open(session, account, place, "password")


def _open(session: Session, account: Account, place: Place, how: str) -> str:
    """A new session in the place of the one that the browser had."""
    before = sessions.found(session, place.secret)
    if before is not None and before.id is not None:
        sessions.end(session, before.id, place.now_ms)
    secret = sessions.open(session, account, place.now_ms, place.address, place.browser)
    who = sessions.of(account, None, place.address)
    audit.write(session, who, "session.sign_in", account.name, place.now_ms, by=how, browser=place.browser[:200])
    return secret
