"""What pages and interface show, computed from stored rows: every figure traces to one; null where there is none."""

from server.views.curves import Curve, curve
from server.views.seals import SealRow, seal_row, seal_rows
from server.views.violations import ViolationDetail, ViolationRow, violation, violation_rows

__all__ = [
    "Curve",
    "SealRow",
    "ViolationDetail",
    "ViolationRow",
    "curve",
    "seal_row",
    "seal_rows",
    "violation",
    "violation_rows",
]
