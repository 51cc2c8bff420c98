"""The parts of `coldseal bench poll`; imports nothing, so that help is quick."""

from enum import StrEnum


class Part(StrEnum):
    """What can be measured alone, in the order in which it is."""

    REQUESTS = "requests"
    PACE = "pace"
    CPU = "cpu"
    FLEET = "fleet"
    BUS = "bus"
    MEMORY = "memory"
