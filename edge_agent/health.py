"""What the agent says of itself: counters that travel in envelopes, faults with what to do, one file for people."""

import json
import logging
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

log = logging.getLogger(__name__)

HEALTH_FILE = "health.json"


class Fault(StrEnum):
    """What is wrong now; also a key of an envelope's health, with 1."""

    DISK_FULL = "disk_full"
    BROKER_UNREACHABLE = "broker_unreachable"
    BROKER_REFUSED = "broker_refused"
    PUBLISH_REFUSED = "publish_refused"
    SUBSCRIBE_REFUSED = "subscribe_refused"
    NO_RECEIPT = "no_receipt"
    RECEIPT_REFUSED = "receipt_refused"
    NUMBER_AHEAD = "number_ahead"
    FORK = "fork"
    BUSES_EXCHANGED = "buses_exchanged"
    OTHER_MASTER = "other_master"
    LINE_TOO_SLOW = "line_too_slow"


class Health:
    """Counters and faults of one run.

    Attributes:
        counters: by name, since the start.
        faults: what is wrong now, each with a line that says what to do.
        version: grows with each change of the faults.
    """

    def __init__(self, agent: str) -> None:
        self.counters: Counter[str] = Counter()
        self.faults: dict[Fault, str] = {}
        self.version = 0
        self._agent = agent

    def raise_fault(self, fault: Fault, message: str) -> None:
        """Say once that something is wrong."""
        if self.faults.get(fault) != message:
            self.faults[fault] = message
            self.version += 1
            log.warning("%s: %s", self._agent, message)

    def clear(self, *faults: Fault) -> None:
        """Say once that it is right again."""
        for fault in faults:
            if self.faults.pop(fault, None) is not None:
                self.version += 1
                log.info("%s: %s: over", self._agent, fault.value)

    def numbers(self) -> dict[str, int]:
        """What travels in an envelope."""
        return {**{k: v for k, v in self.counters.items() if v}, **{fault.value: 1 for fault in self.faults}}


def write(folder: Path, document: Mapping[str, object]) -> None:
    """Replace the health file; a reader sees the old or the new one, never half of one."""
    part = folder / f"{HEALTH_FILE}.part"
    try:
        part.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        part.replace(folder / HEALTH_FILE)
    except OSError as error:
        log.debug("health file: %s", error)  # a full disk is told by the outbox, in log, status and envelope


def read(folder: Path) -> dict[str, object]:
    """The newest health file's content; empty if there is none."""
    try:
        document = json.loads((folder / HEALTH_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
