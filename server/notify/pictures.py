"""The curve that a mail shows: the time around a violation, read in a short transaction and drawn outside it."""

from server.notify.curve_png import png
from server.store import Store
from server.tables import Violation
from server.views import curves

BEFORE_MS = 1_800_000
AFTER_MS = 600_000
LONGEST_MS = 6 * 3_600_000
"""A mail is drawn while it is sent: of a long violation the beginning."""

POINTS_MAX = 1_200


def picture(store: Store, violation_id: str) -> bytes | None:
    """The curve as a PNG; None where there is none to draw.

    Raises:
        StoreUnavailable: the database takes no transaction now.
    """
    try:
        with store.transaction() as session:
            violation = session.get(Violation, violation_id)
            if violation is None:
                return None
            from_ms = violation.first_ms - BEFORE_MS
            to_ms = min(violation.last_ms + AFTER_MS, from_ms + LONGEST_MS)
            found = curves.material(session, violation.seal_id, from_ms, to_ms)
    except curves.CurveTooLong:
        return None  # the mail goes without it
    return None if found is None else png(curves.draw(found, POINTS_MAX))
