"""What the demo's visitor reads: what was true, what changed, why we say so, how fast, what to do next.

It learns everything from the server's own interface, as any other client would.
"""

import json
import urllib.request
from typing import Any, TextIO

import msgspec

from coldseal.demo_seals import SITES
from wire.clock import Clock, beijing, iso

REQUEST_S = 10.0
PROVED_OFF = ("off", "off_by_register")


class Resumed(msgspec.Struct, frozen=True):
    """The object that --json prints (design.md §7)."""

    violation_id: str
    seal: str
    code: str
    severity: str
    reason_zh: str
    reason_en: str
    event_time: str
    detected_at: str
    agent: str
    first_seq: int
    last_seq: int


class Story:
    """Tells each thing once.

    Attributes:
        resumed: the first resumed_power, once it came.
    """

    def __init__(self, out: TextIO, base: str, token: str, link: str | None, clock: Clock) -> None:
        self._out, self._base, self._token, self._link, self._clock = out, base, token, link, clock
        self._told: set[str] = set()
        self._all_off = False
        self.resumed: Resumed | None = None

    def begin(self) -> None:
        """Where to look, and what is there."""
        self._say("ColdSeal demo: 3 sealed furnaces, real Modbus, real MQTT; nothing leaves this machine")
        if self._link is not None:
            self._say(f"  page     {self._base}{self._link}   (one-time sign-in; opens when the sites are up)")
        for i, site in enumerate(SITES):
            self._say(f"  {'sites   ' if i == 0 else '        '} {site}")

    def look(self) -> None:
        """Ask the server, and tell what is new."""
        seals: list[dict[str, Any]] = self._get("/api/v1/seals")
        if not self._all_off and all(seal["state"] in PROVED_OFF for seal in seals):
            self._all_off = True
            powers = " / ".join(_kilowatts(seal["last_power_w"]) for seal in seals)
            self._say(f"{self._now()}  ●  all three proved off: meters alive, {powers} at last reading")
        for row in sorted(self._get("/api/v1/violations"), key=lambda row: str(row["detected_ms"])):
            if row["id"] not in self._told:
                self._told.add(row["id"])
                self._tell(self._get(f"/api/v1/violations/{row['id']}"))
        if len(self._told) == 3 and "next" not in self._told:
            self._told.add("next")
            self._say("next: open the page · look into the interface at /api/v1 · Ctrl-C ends and removes everything")

    def _tell(self, detail: dict[str, Any]) -> None:
        numbers = detail["findings"][0]
        at, code = f"{beijing(detail['raised_ms']):%H:%M:%S}", detail["code"]
        mark = {"resumed_power": "■", "silent": "▨"}.get(code, "■")
        self._say(f"{at}  {mark}  {detail['reason_zh']}")
        self._say(f"             {detail['reason_en']}")
        if code == "resumed_power":
            self._tell_resumed(detail, numbers)
        elif code == "silent":
            self._say("             silence never counts as off: the time is unproved until the register says more")

    def _tell_resumed(self, detail: dict[str, Any], numbers: dict[str, Any]) -> None:
        seconds = (detail["detected_ms"] - detail["first_ms"]) / 1000
        above, limit = numbers["statistic"] / 1000, numbers["threshold"] / 1000
        self._say(
            f"             why      2 samples above the test line: {above:.0f} kW over the pledge, line {limit:.1f} kW"
        )
        self._say(
            f"             speed    {seconds:.1f} s from the meter's first reply above the line to the stored violation"
        )
        self._say(
            f"             evidence {numbers['agent_id']}, envelopes {numbers['first_seq']}–{numbers['last_seq']}, "
            "each signature and the chain checked before it was stored"
        )
        self.resumed = self.resumed or Resumed(
            violation_id=detail["id"],
            seal=detail["seal_id"],
            code=detail["code"],
            severity=detail["severity"],
            reason_zh=detail["reason_zh"],
            reason_en=detail["reason_en"],
            event_time=iso(detail["first_ms"]),
            detected_at=iso(detail["detected_ms"]),
            agent=numbers["agent_id"],
            first_seq=numbers["first_seq"],
            last_seq=numbers["last_seq"],
        )

    def _get(self, path: str) -> Any:  # noqa: ANN401 - JSON is whatever it is
        request = urllib.request.Request(self._base + path, headers={"Authorization": f"Bearer {self._token}"})  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=REQUEST_S) as answer:  # noqa: S310 - our own server
            return json.load(answer)

    def _now(self) -> str:
        return f"{beijing(self._clock.wall_ms()):%H:%M:%S}"

    def _say(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()


def _kilowatts(watts: float | None) -> str:
    return "no reading" if watts is None else f"{watts / 1000:.3f} kW"
