"""People: who has an account, what each may do, and who one is oneself."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from server.access import accounts, counties
from server.access.links import FIRST, LINK_MS, Purpose
from server.access.rights import Right, Role
from server.access.tables import Account
from server.api.context import ERRORS, WITH_TOKEN, Asker, Here, Input, needs, signed_in
from server.api.errors import ApiError
from wire.clock import iso

router = APIRouter(tags=["access"], dependencies=WITH_TOKEN, responses=ERRORS)

COUNTIES_MAX = 200


class Me(BaseModel):
    """Who one is here, and what one may do.

    Attributes:
        kind: account (a person signed in) or key (a program).
        counties: the codes that one sees; none is every county.
        session: the number of this browser's session; null for a key.
    """

    name: str
    shown_as: str
    kind: Literal["account", "key"]
    rights: list[Right]
    counties: list[str]
    session: int | None


class AccountRow(BaseModel):
    """One account.

    Attributes:
        counties: the codes that the person sees; none is every county.
        has_password: whether one was chosen.
        disabled: since when nothing is opened in its name; null where it is good.
    """

    name: str
    shown_as: str
    role: Role
    counties: list[str]
    has_password: bool
    added: str
    disabled: str | None


class NewAccount(Input):
    """Someone who shall sign in.

    Attributes:
        name: what is typed to sign in: a-z, 0-9, '.', '-'.
        shown_as: how pages call the person.
        counties: six-digit codes; none is every county.
    """

    name: str
    shown_as: str
    role: Annotated[Role, Field(strict=False)]
    counties: Annotated[tuple[str, ...], Field(strict=False, max_length=COUNTIES_MAX)] = ()


class AccountChange(Input):
    """What shall be different; what is left out stays."""

    shown_as: str | None = None
    role: Annotated[Role | None, Field(strict=False)] = None
    counties: Annotated[list[str] | None, Field(max_length=COUNTIES_MAX)] = None
    disabled: bool | None = None


class WantedLink(Input):
    """What a link shall be for: password (choose one) or sign_in."""

    purpose: Literal["password", "sign_in"] = "password"


class NewLink(BaseModel):
    """A link that works once.

    Attributes:
        path: to be put after the server's address; it is shown this once.
    """

    path: str
    expires: str


class Person(BaseModel):
    """Somebody to whom a violation may be dispatched."""

    name: str
    shown_as: str


@router.get("/me", summary="Who one is", dependencies=[signed_in()])
def me(who: Asker) -> Me:
    """Name, rights and counties of who asks."""
    assert who.kind in ("account", "key")  # noqa: S101 - nobody else passes the guard
    return Me(
        name=who.name,
        shown_as=who.shown_as,
        kind=who.kind,
        rights=sorted(who.rights),
        counties=sorted(who.counties),
        session=who.session_id,
    )


@router.get(
    "/people", summary="To whom a county's violation may be dispatched", dependencies=[needs(Right.ACKNOWLEDGE)]
)
def people(
    county: Annotated[str, Query(pattern="^[1-9][0-9]{5}$", description="its code, six digits")], here: Here, who: Asker
) -> list[Person]:
    """Accounts that see the county and may acknowledge."""
    if not who.sees(county):
        raise ApiError(
            HTTPStatus.NOT_FOUND, "not_found", f"county {county!r}: not one of yours; see /api/v1/me", "county"
        )
    with here.store.transaction() as session:
        return [Person(name=one.name, shown_as=one.shown_as) for one in accounts.people(session, county)]


@router.get("/accounts", summary="Accounts", dependencies=[needs(Right.ACCOUNTS)])
def every_account(here: Here) -> list[AccountRow]:
    """All of them, disabled ones included."""
    with here.store.transaction() as session:
        return [account_row(account) for account in accounts.everyone(session)]


@router.get("/accounts/{name}", summary="One account", dependencies=[needs(Right.ACCOUNTS)])
def one_account(name: str, here: Here) -> AccountRow:
    """What the person is here."""
    with here.store.transaction() as session:
        return account_row(accounts.named(session, name))


@router.post(
    "/accounts",
    summary="Make an account",
    status_code=HTTPStatus.CREATED,
    dependencies=[needs(Right.ACCOUNTS)],
)
def add_account(new: NewAccount, here: Here, who: Asker) -> AccountRow:
    """It has no password yet: give the person a link to choose one."""
    with here.store.transaction() as session:
        account = accounts.add(
            session,
            who,
            name=new.name,
            shown_as=new.shown_as,
            role=new.role,
            counties=new.counties,
            now_ms=here.clock.wall_ms(),
        )
    return account_row(account)


@router.patch("/accounts/{name}", summary="Change an account", dependencies=[needs(Right.ACCOUNTS)])
def change_account(name: str, change: AccountChange, here: Here, who: Asker) -> AccountRow:
    """A person whose role or counties change, or who is disabled, is signed out everywhere at once."""
    with here.store.transaction() as session:
        account = accounts.change(
            session,
            who,
            name,
            now_ms=here.clock.wall_ms(),
            shown_as=change.shown_as,
            role=change.role,
            counties=change.counties,
            disabled=change.disabled,
        )
    return account_row(account)


@router.post(
    "/accounts/{name}/links",
    summary="A link that works once",
    status_code=HTTPStatus.CREATED,
    dependencies=[needs(Right.ACCOUNTS)],
)
def add_link(name: str, wanted: WantedLink, here: Here, who: Asker) -> NewLink:
    """To choose a password, or to sign in; good for 24 hours."""
    now_ms = here.clock.wall_ms()
    with here.store.transaction() as session:
        account = accounts.named(session, name)
        secret = accounts.link(session, who, account, Purpose(wanted.purpose), now_ms)
    return NewLink(path=FIRST + secret, expires=iso(now_ms + LINK_MS))


def account_row(account: Account) -> AccountRow:
    """An account as it is shown."""
    return AccountRow(
        name=account.name,
        shown_as=account.shown_as,
        role=Role(account.role),
        counties=sorted(counties.parted(account.counties)),
        has_password=account.password_hash is not None,
        added=iso(account.created_ms),
        disabled=None if account.disabled_ms is None else iso(account.disabled_ms),
    )
