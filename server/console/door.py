"""The pages that let a person in and out: signing in, one-time links, choosing and changing a password.

They are plain forms: nothing here needs a script.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from server.access import links, sessions, signing_in
from server.access.accounts import AccountError
from server.access.links import FIRST, Purpose
from server.access.passwords import WeakPassword
from server.access.signing_in import LinkOver, Place, SignedIn, WrongPassword
from server.access.tables import Account
from server.access.who import Who
from server.api import auth
from server.api.auth import SIGN_IN
from server.console.door_pages import Form as Shown
from server.console.door_pages import Lang, form, hop, inside, told_wait
from server.console.words import HOMES, Words
from server.store import Store
from wire.clock import Clock

HOME = HOMES["zh"]
PASSWORD = "/password"  # noqa: S105 - an address
SIGN_OUT = "/sign-out"

Text = Annotated[str, Form(max_length=1_000)]


def router(store: Store, clock: Clock) -> APIRouter:
    """The routes that let a person in and out."""
    routes = APIRouter(include_in_schema=False)
    _sign_in(routes, store, clock)
    _links(routes, store, clock)
    _password(routes, store, clock)
    return routes


def _sign_in(routes: APIRouter, store: Store, clock: Clock) -> None:
    @routes.get(SIGN_IN)
    def sign_in(request: Request, lang: Lang | None = None, next: str = HOME, *, here: bool = False) -> Response:  # noqa: A002 - its name in the address
        """The form, in the language of the page that was asked for; whoever is signed in goes on at once."""
        following = inside(next)
        words = Words(lang or ("en" if following.startswith(HOMES["en"]) else "zh"))
        secret = auth.secret(request)
        if not secret and not here:
            return hop(request, words)
        with store.transaction() as session:
            who = sessions.who(session, secret, clock.wall_ms(), auth.address(request)) if secret else None
        if who is not None:
            return RedirectResponse(following, HTTPStatus.SEE_OTHER)
        return form(Shown("sign_in", words, following, note=words("session_over") if secret else ""))

    @routes.post(SIGN_IN)
    def signed(
        request: Request,
        name: Text = "",
        password: Text = "",
        next: Text = HOME,  # noqa: A002 - its name in the form
        lang: Lang = "zh",
    ) -> Response:
        """A name and a password were typed."""
        following, words = inside(next), Words(lang)
        gained = signing_in.sign_in(store, name, password, _place(request, clock))
        if isinstance(gained, SignedIn):
            return _let_in(request, gained, following)
        return form(_refused(Shown("sign_in", words, following, typed={"name": name}), gained.wait_ms, "not_signed_in"))

    @routes.post(SIGN_OUT)
    def sign_out(request: Request, lang: Lang = "zh") -> Response:
        """End this browser's session."""
        who: Who = request.state.who
        with store.transaction() as session:
            signing_in.sign_out(session, who, clock.wall_ms())
        response = RedirectResponse(f"{SIGN_IN}?lang={lang}&here=1", HTTPStatus.SEE_OTHER)
        auth.forget_cookie(request, response)
        return response


def _links(routes: APIRouter, store: Store, clock: Clock) -> None:
    @routes.get(FIRST + "{secret}")
    def first(secret: str, lang: Lang = "zh") -> Response:
        """What a link opens. Looking uses nothing up: chat programs look at every link that is sent."""
        shown = _of_link(store, secret, clock.wall_ms(), Words(lang))
        return form(shown)

    @routes.post(FIRST + "{secret}")
    def use(
        request: Request,
        secret: str,
        lang: Lang = "zh",
        name: Text = "",
        shown_as: Text = "",
        password: Text = "",
        again: Text = "",
    ) -> Response:
        """The form of a link was sent; only that uses it up, and only where all is well."""
        words, place = Words(lang), _place(request, clock)
        shown = _of_link(store, secret, clock.wall_ms(), words)
        doors: dict[str, Callable[[], SignedIn]] = {
            "enter": lambda: signing_in.use_link(store, secret, place),
            "choose_password": lambda: signing_in.choose_password(store, secret, password, place),
            "first_admin": lambda: signing_in.make_first(store, secret, name.strip(), shown_as, password, place),
        }
        if shown.page not in doors:
            return form(shown)
        shown = shown.with_typed(name=name, shown_as=shown_as) if shown.page == "first_admin" else shown
        if password != again:
            return form(shown.wrong("again", words("password_differs")))
        try:
            return _let_in(request, doors[shown.page](), HOMES[lang])
        except LinkOver:
            return form(_of_link(store, "", clock.wall_ms(), words))
        except (WeakPassword, AccountError) as error:
            return form(_mistaken(shown, error))


def _password(routes: APIRouter, store: Store, clock: Clock) -> None:
    @routes.get(PASSWORD)
    def change(request: Request, lang: Lang = "zh") -> Response:
        """The form to change one's own password."""
        who: Who = request.state.who
        return form(Shown("change_password", Words(lang), PASSWORD, name=who.name))

    @routes.post(PASSWORD)
    def changed(request: Request, old: Text = "", password: Text = "", again: Text = "", lang: Lang = "zh") -> Response:
        """The old and the new password were typed."""
        who: Who = request.state.who
        words = Words(lang)
        shown = Shown("change_password", words, PASSWORD, name=who.name)
        if password != again:
            return form(shown.wrong("again", words("password_differs")))
        try:
            gained = signing_in.change_password(store, who, old, password, _place(request, clock))
        except WeakPassword as error:
            return form(_mistaken(shown, error))
        except WrongPassword as error:
            return form(_refused(shown, error.wait_ms, "old_wrong", field="old"))
        return _let_in(request, gained, HOMES[lang])


def _of_link(store: Store, secret: str, now_ms: int, words: Words) -> Shown:
    """The form that a link opens, or that it opens nothing."""
    with store.transaction() as session:
        link = links.find(session, secret, now_ms)
        account = None if link is None or link.account_id is None else session.get(Account, link.account_id)
    action = FIRST + secret
    if link is None:
        return Shown("sign_in", words, HOMES[words.language], problem=words("link_over"), status=HTTPStatus.GONE)
    if account is None:
        return Shown("first_admin", words, action)
    page = "enter" if link.purpose == Purpose.SIGN_IN else "choose_password"
    return Shown(page, words, action, name=account.name, shown_as=account.shown_as)


def _mistaken(shown: Shown, error: WeakPassword | AccountError) -> Shown:
    if isinstance(error, WeakPassword):
        return shown.wrong("password", shown.words(f"weak.{error.rule}"))
    return shown.wrong(error.field, shown.words("name_wrong" if error.field == "name" else "shown_as_wrong"))


def _refused(shown: Shown, wait_ms: int, otherwise: str, field: str = "password") -> Shown:
    if not wait_ms:
        return shown.wrong(field, shown.words(otherwise), HTTPStatus.UNAUTHORIZED)
    wait = told_wait(shown.words, wait_ms)
    return shown.wrong(field, shown.words("locked", wait=wait), HTTPStatus.TOO_MANY_REQUESTS, wait_ms)


def _let_in(request: Request, gained: SignedIn, following: str) -> Response:
    response = RedirectResponse(following, HTTPStatus.SEE_OTHER)
    auth.set_cookie(request, response, gained.secret)
    return response


def _place(request: Request, clock: Clock) -> Place:
    browser = request.headers.get("user-agent", "")
    return Place(clock.wall_ms(), auth.address(request), browser, auth.secret(request))
