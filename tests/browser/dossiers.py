"""Dossiers, calendars and violations that a test alters, for the pure parts of the pages."""

from server.detect.finding import Coverage
from server.views.coverage import CoverageCalendar
from server.views.dossier import Dossier, SealStep
from server.views.instruments import AgentHere, MeterHere
from server.views.lead import Lead
from server.views.seals import AgentHeard, OpenViolation, SealRow
from server.views.state import SealState
from server.views.steps import Step
from server.views.today import CoveragePart, CoverageToday
from server.views.violations import Evidence, FindingNumbers, ViolationDetail
from server.views.witness import ClockThen, MeterThen, Witness
from tests.server.ingest.plant import START_MS

SEAL = "FZ-MH-2026-0043"
NOW_MS = START_MS + 10_300_000
"""02:51:40 on the first of March."""

DAY_MS = 86_400_000

NOTHING_TODAY = CoverageToday(off_ms=0, off_by_register_ms=0, on_ms=0, unproved_ms=0)

ROW = SealRow(  # noqa: S604 - a furnace has a shell
    id=SEAL, enterprise="示例铸造一厂", site="一号厂区", county_code="350121", furnace="2 号炉", kind="mf_coreless",
    shell="aluminium", tonnes=0.5, rated_kw=350.0, allowed_kw=0.0, from_ms=START_MS - 359 * DAY_MS, until_ms=None,
    dismantle_by_ms=START_MS + 104 * DAY_MS, state=SealState.OFF, state_reason="metered", last_power_w=0.0,
    last_power_ms=NOW_MS - 3_000, agents=[AgentHeard(id="a43", heard_ms=NOW_MS, last_row_ms=NOW_MS)],
    today=NOTHING_TODAY, violations=[],
)  # fmt: skip

ONGOING = OpenViolation(id="V-ONE", code="resumed_power", severity="red", state="open", ended_ms=None)

METER = MeterHere(
    agent_id="a43", name="m1", role="furnace", profile="eastron_sdm630", vendor="Eastron", model="SDM630-Modbus V2",
    ct_ratio=120.0, aux_powered=False, serial="21084417", firmware="1.8", quantities=12, period_ms=1_000,
    volts=[231.2, 230.8, 231.5], hertz=50.012, row_ms=NOW_MS - 3_000,
)  # fmt: skip

DOSSIER = Dossier(
    row=ROW, credit_code="91350100M000100Y43", catalogue="2024 年本", break_position="downstream",
    paper_seals=["A-20481", "A-20482", "A-20483"],
    steps=[SealStep(what="sealed", at_ms=START_MS - 359 * DAY_MS)], meters=[METER],
    agents=[
        AgentHere(id="a43", kid="a43#1", algorithm="Ed25519", release="0.1.0", heard_ms=NOW_MS, revoked_ms=None)
    ],
    past=[], past_in_all=0, windows=[],
)  # fmt: skip

CALENDAR = CoverageCalendar(
    seal_id=SEAL, from_ms=ROW.from_ms, to_ms=NOW_MS, days=[],
    total=CoverageToday(off_ms=9_364, off_by_register_ms=500, on_ms=3, unproved_ms=133), longest_unproved=None,
)  # fmt: skip

FINDING = FindingNumbers(
    code="resumed_power", severity="red", meter="m1", first_ms=START_MS + 7_807_000, raised_ms=START_MS + 7_808_000,
    last_ms=NOW_MS - 3_000, ended_ms=None, statistic=326_100.0, threshold=10_500.0, unit="W", peak=341_000.0,
    energy_wh=213_000.0, false_alarms_per_year=2e-5, agent_id="a43", first_seq=41, last_seq=1_204,
)  # fmt: skip

OPENED = Step(
    at_ms=START_MS + 7_808_100, kind="step", from_state=None, to_state="open", author="ColdSeal",
    author_shown="ColdSeal", assignee=None, assignee_shown=None, reason="resumed_power",
)  # fmt: skip

DETAIL = ViolationDetail(
    id="V-ONE", seal_id=SEAL, enterprise="示例铸造一厂", site="一号厂区", county_code="350121", furnace="2 号炉",
    code="resumed_power", severity="red", state="open", first_ms=FINDING.first_ms, raised_ms=FINDING.raised_ms,
    last_ms=FINDING.last_ms, ended_ms=None, detected_ms=START_MS + 7_808_100,
    reason_zh="示例铸造一厂 2 号炉 02:10:07 恢复用电：最高 341\u2009kW（承诺上限 0\u2009kW）。",
    reason_en="示例铸造一厂 2 号炉 02:10:07 resumed power: up to 341\u2009kW (pledge allows 0\u2009kW).",
    assignee=None, assignee_shown=None, verdict=None, steps=["acknowledge"], unseen_since_ms=START_MS + 7_808_100,
    sounded_ms=START_MS + 7_808_100, last_step=None, muted_until_ms=None, shelved=None, findings=[FINDING],
    transitions=[OPENED], evidence=[Evidence(agent_id="a43", first_seq=41, last_seq=1_204)],
)  # fmt: skip

WITNESS = Witness(
    agent_id="a43", algorithm="Ed25519", first_seq=41, last_seq=1_204, numbers=1_164, stored=1_164, lost=0, boots=1,
    opened=24, heard_ms=START_MS + 7_808_300, delay_ms=300, waiting=0, release="0.1.0",
    clock=ClockThen(states=["S"], source="kernel", offset_ms=200, error_ms=12, steps_ms=[]),
    meters=[MeterThen(name="m1", profiles=["eastron_sdm630"], serials=["21084417"], firmwares=["1.8"])],
)  # fmt: skip

LEAD = Lead(
    before=CoveragePart(
        from_ms=START_MS - 3 * DAY_MS, to_ms=FINDING.first_ms, state=Coverage.OFF, reason="metered"
    ),
    earlier=[],
)  # fmt: skip


def here(path: str) -> str:
    """A link as a Chinese page has it."""
    return path
