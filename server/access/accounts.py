"""Accounts of people: who there is, what each may do, and where."""

import re
from collections.abc import Iterable, Sequence

from sqlmodel import Session, col, select

from server.access import audit, counties, links, sessions
from server.access.rights import RIGHTS, WIDE, Right, Role
from server.access.tables import Account, ApiKey
from server.access.who import Who
from wire.errors import SettingsError

SHOWN_CHARS_MAX = 40
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,31}")
RESERVED = ("coldseal", audit.COMMAND_LINE.name)
"""Authors in the record that are no person."""


class AccountError(SettingsError):
    """An account or key cannot be made or changed as asked.

    Attributes:
        field: the input that is wrong.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class UnknownAccount(AccountError):
    """Nobody has this name."""


class NameTaken(AccountError):
    """An account or a key has this name: an author in the record must be one."""


def add(
    session: Session, by: Who, *, name: str, shown_as: str, role: Role, counties: Iterable[str] = (), now_ms: int
) -> Account:
    """Make an account, without a password yet.

    Args:
        session: the transaction.
        by: who makes it.
        name: what is typed to sign in: a-z, 0-9, '.', '-'.
        shown_as: how pages call the person.
        role: what the person is here.
        counties: six-digit codes; none is every county.
        now_ms: server time.

    Raises:
        Forbidden: `by` may not.
        NameTaken: the name has another bearer.
        AccountError: an input that cannot be meant.
    """
    by.need(Right.ACCOUNTS)
    check_name(session, name)
    account = Account(
        name=name, shown_as=_shown(shown_as), role=role.value, counties=_counties(role, counties), created_ms=now_ms
    )
    session.add(account)
    session.flush()
    audit.write(session, by, "account.add", name, now_ms, role=account.role, counties=account.counties)
    return account


def change(  # noqa: PLR0913 - what may be changed
    session: Session,
    by: Who,
    name: str,
    *,
    now_ms: int,
    shown_as: str | None = None,
    role: Role | None = None,
    counties: Iterable[str] | None = None,
    disabled: bool | None = None,
) -> Account:
    """Change what is given. A person whose rights change, or who is disabled, is signed out everywhere at once.

    Raises:
        Forbidden: `by` may not.
        UnknownAccount: nobody has the name.
        AccountError: an input that cannot be meant, or nobody would be left to administer.
    """
    by.need(Right.ACCOUNTS)
    account = named(session, name)
    administrated = _administrates(account)
    before, limits = _facts(account), (account.role, account.counties, account.disabled_ms)
    new_role = role or Role(account.role)
    codes = _parted(account.counties) if counties is None else counties
    account.shown_as = account.shown_as if shown_as is None else _shown(shown_as)
    account.role, account.counties = new_role.value, _counties(new_role, codes)
    if disabled is not None:
        account.disabled_ms = (account.disabled_ms or now_ms) if disabled else None
    session.add(account)
    session.flush()
    if administrated and not _administrates(account):
        _keep_an_administrator(session)
    if (account.role, account.counties, account.disabled_ms) != limits:
        end(session, account, now_ms)
    after = _facts(account)
    changed = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    audit.write(session, by, "account.disable" if disabled else "account.set", name, now_ms, **changed)
    return account


def end(session: Session, account: Account, now_ms: int) -> None:
    """End everything that was opened in an account's name."""
    assert account.id is not None  # noqa: S101 - it is stored
    sessions.end_all(session, account.id, now_ms)
    links.end_all(session, account.id, now_ms)


def link(session: Session, by: Who, account: Account, purpose: links.Purpose, now_ms: int) -> str:
    """Make a one-time link for somebody; returns its secret.

    Raises:
        Forbidden: `by` may not.
        AccountError: the account is disabled: the link would open nothing.
    """
    by.need(Right.ACCOUNTS)
    if account.disabled_ms is not None:
        raise AccountError("name", f"{account.name!r} is disabled; enable the account first")
    secret = links.issue(session, purpose, account.id, now_ms)
    audit.write(session, by, "link.add", account.name, now_ms, purpose=purpose.value)
    return secret


def set_password(session: Session, account: Account, password_hash: str) -> None:
    """Store a password's hash; who calls writes the audit entry and ends the sessions."""
    account.password_hash = password_hash
    session.add(account)
    session.flush()


def named(session: Session, name: str) -> Account:
    """The account of a name.

    Raises:
        UnknownAccount: nobody has it.
    """
    account = session.exec(select(Account).where(Account.name == name)).first()
    if account is None:
        raise UnknownAccount("name", f"{name!r}: no such account; see: coldseal server accounts list")
    return account


def everyone(session: Session) -> Sequence[Account]:
    """Every account, disabled ones included, by name."""
    return session.exec(select(Account).order_by(col(Account.name))).all()


def people(session: Session, county_code: str) -> list[Account]:
    """Who may be sent to a county's violation: by name."""
    return [
        account
        for account in everyone(session)
        if account.disabled_ms is None
        and Right.ACKNOWLEDGE in RIGHTS[Role(account.role)]
        and (not account.counties or county_code in _parted(account.counties))
    ]


def is_name(text: str) -> bool:
    """Whether a text can be an account's or a key's name."""
    return _NAME.fullmatch(text) is not None


def check_name(session: Session, name: str) -> None:
    """Refuse a name that cannot be an author in the record.

    Raises:
        NameTaken: it has another bearer.
        AccountError: not a name.
    """
    if not is_name(name):
        raise AccountError("name", f"expected a-z, 0-9, '.', '-' and at most 32 characters, got {name!r}; e.g. li.ming")
    for column in (Account.name, ApiKey.name):
        if name in RESERVED or session.exec(select(column).where(column == name)).first() is not None:
            raise NameTaken("name", f"{name!r} is taken; an author in the record is one person or one program")


def _counties(role: Role, codes: Iterable[str]) -> str:
    joined = _joined(codes)
    if joined and RIGHTS[role] & WIDE:
        raise AccountError("counties", f"expected none for {role.value}, who changes what every county has; leave out")
    return joined


def _joined(codes: Iterable[str]) -> str:
    try:
        return counties.joined(codes)
    except counties.WrongCounty as error:
        raise AccountError("counties", str(error).removeprefix("counties: ")) from error


def _parted(column: str) -> frozenset[str]:
    return counties.parted(column)


def _shown(text: str) -> str:
    plain = text.strip()
    if not plain or len(plain) > SHOWN_CHARS_MAX or not plain.isprintable():
        raise AccountError(
            "shown_as", f"expected 1 to {SHOWN_CHARS_MAX} characters on one line, got {text!r}; e.g. 李某"
        )
    return plain


def _facts(account: Account) -> dict[str, object]:
    return {
        "shown_as": account.shown_as,
        "role": account.role,
        "counties": account.counties,
        "disabled": account.disabled_ms is not None,
    }


def _administrates(account: Account) -> bool:
    return account.role == Role.ADMINISTRATOR.value and account.disabled_ms is None


def _keep_an_administrator(session: Session) -> None:
    if not any(map(_administrates, everyone(session))):
        raise AccountError("role", "expected an administrator to be left, got the last one; make another one first")
