"""What led to a violation: out of stored spans and violations, and nothing where there are none."""

from sqlmodel import select

from server import views
from server.detect.finding import Coverage
from server.tables import CoverageSpan, Violation
from server.views.lead import lead
from server.views.today import CoveragePart
from tests.server.ingest.plant import START_MS
from tests.server.views.conftest import Case, only


def test_what_led_to_it(case: Case) -> None:
    """The coverage that ended where it begins, and earlier violations of the same seal, the newest first."""
    with case.county.store.transaction() as session:
        detail = views.violation(session, only(session))
        assert detail is not None
        told = lead(session, detail)
        assert told.before is not None
        assert (told.before.state, told.before.from_ms) == (Coverage.OFF, START_MS + 60_000)
        assert told.earlier == []
        for number, first_ms in ((1, START_MS + 70_000), (2, START_MS + 80_000)):
            session.add(
                Violation(
                    id=f"V-{number}", seal_id=case.seal.seal_id, code="silent", severity="amber", state="closed",
                    first_ms=first_ms, raised_ms=first_ms, last_ms=first_ms, ended_ms=first_ms, detected_ms=first_ms,
                    reason_zh="", reason_en="",
                )
            )  # fmt: skip
        session.flush()
        assert [earlier.id for earlier in lead(session, detail).earlier] == ["V-2", "V-1"]


def test_proved_off_is_one_time_whatever_proves_it(case: Case) -> None:
    """A gap that the register closed parts nothing; unproved time before it does."""
    with case.county.store.transaction() as session:
        detail = views.violation(session, only(session))
        assert detail is not None
        begin = START_MS + 60_000
        for from_ms, to_ms, state, reason in (
            (begin - 50_000, begin, "proved_off", "register"),
            (begin - 90_000, begin - 50_000, "proved_off", "allowed"),
            (begin - 95_000, begin - 90_000, "unproved", "timeout"),
        ):
            session.add(
                CoverageSpan(seal_id=case.seal.seal_id, from_ms=from_ms, to_ms=to_ms, state=state, reason=reason)
            )
        session.flush()
        assert lead(session, detail).before == CoveragePart(
            from_ms=begin - 90_000, to_ms=detail.first_ms, state=Coverage.OFF, reason="metered"
        )


def test_time_that_nothing_covers_leads_to_it(case: Case) -> None:
    """Where coverage ended before the violation begins, what is said is that nothing was heard since."""
    with case.county.store.transaction() as session:
        detail = views.violation(session, only(session))
        assert detail is not None
        later = detail.model_copy(update={"first_ms": START_MS + 900_000})
        last = max(span.to_ms for span in session.exec(select(CoverageSpan)).all())
        assert lead(session, later).before == CoveragePart(
            from_ms=last, to_ms=later.first_ms, state=Coverage.UNPROVED, reason="no_data"
        )
