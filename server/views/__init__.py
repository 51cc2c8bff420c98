"""What pages and interface show, computed from stored rows: every figure traces to one; null where there is none."""

from server.views.counties import CountyRow, county_shares
from server.views.coverage import CoverageCalendar, coverage_calendar
from server.views.curves import Curve, curve
from server.views.log import LogLine, log
from server.views.mutes import MuteRow, mute_row, mute_rows
from server.views.register import RegisterCurve, register_curve
from server.views.seals import SealRow, seal_row, seal_rows
from server.views.steps import Life, Step
from server.views.violations import (
    Group,
    ViolationDetail,
    ViolationRow,
    Wanted,
    violation,
    violation_page,
    violation_rows,
)

__all__ = [
    "CountyRow",
    "CoverageCalendar",
    "Curve",
    "Group",
    "Life",
    "LogLine",
    "MuteRow",
    "RegisterCurve",
    "SealRow",
    "Step",
    "ViolationDetail",
    "ViolationRow",
    "Wanted",
    "county_shares",
    "coverage_calendar",
    "curve",
    "log",
    "mute_row",
    "mute_rows",
    "register_curve",
    "seal_row",
    "seal_rows",
    "violation",
    "violation_page",
    "violation_rows",
]
