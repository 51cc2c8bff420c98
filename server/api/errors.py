"""One shape for every error of the interface: {"error": {"code", "message", "field"?}}."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from server.access.accounts import AccountError, NameTaken, UnknownAccount
from server.access.keys import UnknownKey
from server.access.sessions import UnknownSession
from server.access.who import Forbidden
from server.agents import AgentError, AgentTaken, UnknownAgent
from server.life import UnknownViolation, ViolationError, WrongInput
from server.mutes import MuteError, UnknownMuted

INPUT_CHARS_MAX = 60
CODES = {400: "wrong_input", 404: "not_found", 405: "wrong_method", 413: "too_long", 415: "wrong_input"}
"""Codes of the errors that the web framework finds by itself."""


class ErrorDetail(BaseModel):
    """What is wrong, and what to do.

    Attributes:
        code: a word for programs; it does not change with the wording.
        message: a sentence for people.
        field: the input that is wrong, where there is one.
    """

    code: str
    message: str
    field: str | None = None


class ErrorAnswer(BaseModel):
    """The body of every answer from 400 up."""

    error: ErrorDetail


class ApiError(Exception):
    """An answer other than what was asked for."""

    def __init__(self, status: HTTPStatus, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.field = status, code, field


def not_found(what: str, name: str, see: str) -> ApiError:
    """Nothing has this name."""
    return ApiError(HTTPStatus.NOT_FOUND, "not_found", f"{what} {name!r}: no such {what}; list them with {see}")


def answer(status: int, code: str, message: str, field: str | None = None, **headers: str) -> JSONResponse:
    """An error as it is sent."""
    detail = ErrorDetail(code=code, message=message, field=field).model_dump(exclude_none=True)
    return JSONResponse({"error": detail}, status, headers)


def install(app: FastAPI) -> None:
    """Give every error of an application the one shape."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _wrong_input)
    app.add_exception_handler(ViolationError, _life_error)
    app.add_exception_handler(MuteError, _life_error)
    app.add_exception_handler(AgentError, _agent_error)
    app.add_exception_handler(AccountError, _account_error)
    app.add_exception_handler(UnknownSession, _unknown_session)
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(Exception, _our_mistake)


def _api_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)  # noqa: S101 - what the handler is registered for
    return answer(error.status, error.code, str(error), error.field)


def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - what the handler is registered for
    code = CODES.get(error.status_code, "refused")
    message = f"{request.method} {request.url.path}: {error.detail}; see /api/v1/openapi.json for what there is"
    return answer(error.status_code, code, message, None, **(error.headers or {}))


def _wrong_input(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what the handler is registered for
    mistakes = error.errors()
    message = "; ".join(f"{_field(one['loc'])}: {_said(one)}" for one in mistakes)
    return answer(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_input", message, _field(mistakes[0]["loc"]))


def _life_error(_request: Request, error: Exception) -> JSONResponse:
    """A step in a violation's life, or a mute, that is refused."""
    if isinstance(error, UnknownViolation | UnknownMuted):
        return answer(HTTPStatus.NOT_FOUND, "not_found", str(error))
    if isinstance(error, WrongInput):
        return answer(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_input", str(error), error.field)
    return answer(HTTPStatus.CONFLICT, "wrong_state", str(error))


def _agent_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AgentError)  # noqa: S101 - what the handler is registered for
    if isinstance(error, UnknownAgent):
        return answer(HTTPStatus.NOT_FOUND, "not_found", str(error), error.field)
    if isinstance(error, AgentTaken):
        return answer(HTTPStatus.CONFLICT, "taken", str(error), error.field)
    return answer(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_input", str(error), error.field)


def _account_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AccountError)  # noqa: S101 - what the handler is registered for
    if isinstance(error, UnknownAccount | UnknownKey):
        return answer(HTTPStatus.NOT_FOUND, "not_found", str(error), error.field)
    if isinstance(error, NameTaken):
        return answer(HTTPStatus.CONFLICT, "taken", str(error), error.field)
    return answer(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_input", str(error), error.field)


def _unknown_session(_request: Request, error: Exception) -> JSONResponse:
    return answer(HTTPStatus.NOT_FOUND, "not_found", str(error))


def _forbidden(_request: Request, error: Exception) -> JSONResponse:
    return answer(HTTPStatus.FORBIDDEN, "forbidden", str(error))


def _our_mistake(_request: Request, _error: Exception) -> JSONResponse:
    """Starlette raises the error again after this answer, so that the log has it."""
    message = "the server made a mistake; its log has the details, what was stored before is kept"
    return answer(HTTPStatus.INTERNAL_SERVER_ERROR, "our_mistake", message)


def _field(place: tuple[int | str, ...]) -> str:
    """The input's name without the part of the request that holds it."""
    return ".".join(str(part) for part in place[1:]) or str(place[0])


def _said(mistake: dict[str, Any]) -> str:
    """What is wrong, and what was got; our own readers have said both."""
    if mistake["type"] == "value_error":
        return str(mistake["ctx"]["error"])
    return f"{mistake['msg']}, got {_shown(mistake.get('input'))}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= INPUT_CHARS_MAX else f"{text[: INPUT_CHARS_MAX - 1]}…"
