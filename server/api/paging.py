"""Lists page by page: the body stays a plain list, and the next page's address stands in the header Link (RFC 8288)."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Annotated, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response

from server.api.errors import ApiError

T = TypeVar("T")

ROWS_A_PAGE = 500
ROWS_A_PAGE_MAX = 1_000
CURSOR_CHARS_MAX = 200

Limit = Annotated[int, Query(ge=1, le=ROWS_A_PAGE_MAX, description="at most so many rows")]
Cursor = Annotated[
    str,
    Query(
        max_length=CURSOR_CHARS_MAX,
        description='where the page begins; the header Link, rel="next", of the page before has the whole address',
    ),
]


class Paging:
    """Which page of a list is asked for.

    Attributes:
        cursor: where it begins; the first page begins with "".
        rows_to_read: one more than fit, which tells that there is a next page.
    """

    def __init__(self, request: Request, response: Response, limit: Limit = ROWS_A_PAGE, cursor: Cursor = "") -> None:
        self.cursor, self.rows_to_read = cursor, limit + 1
        self._request, self._response = request, response

    def cut(self, rows: Sequence[T], cursor_of: Callable[[T], str]) -> list[T]:
        """The rows that fit; the header says where the next page is: the same address but for its cursor.

        Args:
            rows: `rows_to_read` of them, or fewer at the end of the list.
            cursor_of: where the page after a row begins.
        """
        fitting = list(rows[: self.rows_to_read - 1])
        if len(rows) == self.rows_to_read:
            asked = [(name, value) for name, value in self._request.query_params.multi_items() if name != "cursor"]
            query = urlencode([*asked, ("cursor", cursor_of(fitting[-1]))])
            self._response.headers["Link"] = f'<{self._request.url.path}?{query}>; rel="next"'
        return fitting

    def wrong(self) -> ApiError:
        """The cursor is none of ours."""
        message = f"cursor: expected what the header Link of the page before holds, got {self.cursor!r}"
        return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_input", message, "cursor")


Paged = Annotated[Paging, Depends(Paging)]

PAGED: dict[int | str, dict[str, object]] = {
    200: {
        "headers": {
            "Link": {
                "description": 'the next page: <address>; rel="next"; absent at the end',
                "schema": {"type": "string"},
            }
        }
    }
}
"""What OpenAPI is told of a list that comes in pages."""
