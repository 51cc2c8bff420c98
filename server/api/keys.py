"""Keys of programs."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from server.access import counties, keys
from server.access.rights import Right
from server.access.tables import ApiKey
from server.api.context import ERRORS, WITH_TOKEN, Asker, Here, Input, TimeMs, needs
from wire.clock import iso

router = APIRouter(prefix="/keys", tags=["access"], dependencies=WITH_TOKEN, responses=ERRORS)

COUNTIES_MAX = 200


class KeyRow(BaseModel):
    """One key, without its secret.

    Attributes:
        scopes: the rights of who holds it.
        counties: the codes that it sees; none is every county.
        expires: from when it opens nothing; null is never.
    """

    name: str
    scopes: list[Right]
    counties: list[str]
    added: str
    added_by: str
    expires: str | None
    revoked: str | None


class NewKey(Input):
    """A program that shall ask.

    Attributes:
        name: the author of what it does: a-z, 0-9, '.', '-'.
        scopes: its rights, none of which its maker may lack.
        counties: six-digit codes; none is every county.
        expires: a time to come; never where left out.
    """

    name: str
    scopes: Annotated[
        tuple[Annotated[Right, Field(strict=False)], ...], Field(strict=False, max_length=len(Right))
    ] = ()
    counties: Annotated[tuple[str, ...], Field(strict=False, max_length=COUNTIES_MAX)] = ()
    expires: TimeMs | None = None


class IssuedKey(BaseModel):
    """A new key; `secret` is shown this once."""

    key: KeyRow
    secret: str


@router.get("", summary="Keys", dependencies=[needs(Right.ACCOUNTS)])
def every_key(here: Here) -> list[KeyRow]:
    """All of them, those that are over included."""
    with here.store.transaction() as session:
        return [_row(key) for key in keys.everything(session)]


@router.post("", summary="Make a key", status_code=HTTPStatus.CREATED, dependencies=[needs(Right.ACCOUNTS)])
def add_key(new: NewKey, here: Here, who: Asker) -> IssuedKey:
    """It goes into the header 'Authorization: Bearer KEY'."""
    with here.store.transaction() as session:
        issued = keys.add(
            session,
            who,
            name=new.name,
            scopes=new.scopes,
            counties=new.counties,
            expires_ms=new.expires,
            now_ms=here.clock.wall_ms(),
        )
    return IssuedKey(key=_row(issued.key), secret=issued.secret)


@router.post("/{name}/revoke", summary="End a key", dependencies=[needs(Right.ACCOUNTS)])
def revoke_key(name: str, here: Here, who: Asker) -> KeyRow:
    """For good, at once."""
    with here.store.transaction() as session:
        return _row(keys.revoke(session, who, name, here.clock.wall_ms()))


def _row(key: ApiKey) -> KeyRow:
    return KeyRow(
        name=key.name,
        scopes=sorted(keys.scopes(key)),
        counties=sorted(counties.parted(key.counties)),
        added=iso(key.created_ms),
        added_by=key.created_by,
        expires=None if key.expires_ms is None else iso(key.expires_ms),
        revoked=None if key.revoked_ms is None else iso(key.revoked_ms),
    )
