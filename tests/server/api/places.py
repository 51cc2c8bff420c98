"""Something of everything in two counties, so that every address of the interface leads somewhere."""

from pathlib import Path

from sqlmodel import select

from server import agents as agents_
from server import mutes, registry
from server.access.audit import COMMAND_LINE
from server.notify.tables import AlertEvent, AlertLog
from server.seal_file import parse
from server.tables import Violation
from tests.server.api.conftest import AGENT, ELSEWHERE, HERE, SEALS, Site
from tests.server.ingest.plant import DEPLOYMENT, SigningAgent, reading

SEAL, FAR_SEAL, FAR_AGENT = "FZ-MH-2026-0043", "FZ-FQ-2026-0143", "fz-fq-0143"
HERE_ONLY = (SEAL, "FZ-MH-2026-0044", AGENT, "示例铸造一厂", HERE)
"""What nobody sees who is of the other county alone."""


class Places:
    """A site on which a furnace melts in one county, and one in the other.

    Attributes:
        site: the server.
        violation: the melt's, in HERE.
        mute: in force, in HERE.
    """

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        far = SigningAgent(FAR_AGENT)
        with site.server.store.transaction() as session:
            agents_.add(session, FAR_AGENT, str(far.key.public), None, deployment=DEPLOYMENT, now_ms=0)
            registry.add(session, parse(_elsewhere(folder)))
        for agent in (site.agent, far):
            site.take(agent.envelope([reading(s, 0.0) for s in range(60)]))
            site.take(agent.envelope([reading(60 + s, 326_000.0, energy_wh=500_000 + 90 * s) for s in range(20)]))
        site.clock.now_ms += 120_000
        with site.server.store.transaction() as session:
            self.violation = session.exec(select(Violation.id).where(Violation.seal_id == SEAL)).one()
            until_ms = site.clock.now_ms + 3_600_000
            self.mute = mutes.mute(
                session, by=COMMAND_LINE, seal_id=SEAL, until_ms=until_ms, reason="检修", now_ms=site.clock.now_ms
            ).id
            event = session.exec(select(AlertEvent).where(AlertEvent.violation_id == self.violation)).first()
            assert event is not None, "a melt was noted for the alerts"
            assert event.id is not None
            now_ms = site.clock.now_ms
            session.add(AlertLog(event_id=event.id, channel="duty", outcome="grouped", why="值班", at_ms=now_ms))


def _elsewhere(folder: Path) -> Path:
    """The same seals, in another county and of other people."""
    text = SEALS.read_text(encoding="utf-8").partition("  - seal: FZ-MH-2026-0044")[0]
    for here, there in (
        (SEAL, FAR_SEAL), (AGENT, FAR_AGENT), (HERE, ELSEWHERE), ("示例铸造一厂", "示例机械六厂"),
        ("    credit_code: 91350100M000100Y43\n", ""),
    ):  # fmt: skip
        text = text.replace(here, there)
    file = folder / "elsewhere.yaml"
    file.write_text(text, encoding="utf-8")
    return file
