"""The demo's three seals, as an office would write them into a seal file. The enterprises are invented."""

from wire.clock import iso

AGENTS = ("agent-1", "agent-2", "agent-3")
DAY_MS = 86_400_000

SITES = (
    "示例铸造一厂 1 号炉   中频 0.5 t 铝壳   SDM630 / TCP    pledge 0 kW",
    "示例铸造二厂 3 号炉   工频 1 t          DTSU666 / RTU   pledge 2 kW",
    "示例铸造三厂 1 号炉   中频 0.25 t 铝壳  ADL400 / TCP    pledge 0 kW",
)


def seals(now_ms: int) -> list[dict[str, object]]:
    """The three seals, sealed just now, to be dismantled in half a year."""
    common = {"county_code": "350121", "from": iso(now_ms), "dismantle_by": iso(now_ms + 180 * DAY_MS)}
    return [
        {
            **common,
            "seal": "FZ-DEMO-0001",
            "enterprise": "示例铸造一厂",
            "site": "熔炼车间",
            "furnace": _furnace("1 号炉", "mf_coreless", "aluminium", 0.5, 350),
            "break": "downstream",
            "paper_seals": "A-20481,A-20482",
            "pledge": _pledge(0, now_ms),
            "meters": [_meter(AGENTS[0], "m1", "furnace", "eastron_sdm630", 1)],
        },
        {
            **common,
            "seal": "FZ-DEMO-0002",
            "enterprise": "示例铸造二厂",
            "site": "熔炼车间",
            "furnace": _furnace("3 号炉", "mains_coreless", "steel", 1, 330),
            "break": "downstream",
            "paper_seals": "A-20483",
            "pledge": _pledge(2, now_ms),
            "meters": [
                _meter(AGENTS[1], "m1", "furnace", "chint_dtsu666", 200),
                _meter(AGENTS[1], "seal", "seal_contact", "waveshare_di8", 1),
            ],
        },
        {
            **common,
            "seal": "FZ-DEMO-0003",
            "enterprise": "示例铸造三厂",
            "site": "熔炼车间",
            "furnace": _furnace("1 号炉", "mf_coreless", "aluminium", 0.25, 160),
            "break": "downstream",
            "paper_seals": "A-20484",
            "pledge": _pledge(0, now_ms),
            "meters": [_meter(AGENTS[2], "m1", "furnace", "acrel_adl400", 200)],
        },
    ]


def _furnace(name: str, kind: str, shell: str, tonnes: float, rated_kw: float) -> dict[str, object]:
    return {
        "name": name,
        "kind": kind,
        "shell": shell,
        "yoke": shell == "steel",
        "tonnes": tonnes,
        "rated_kw": rated_kw,
        "melts_scrap": True,
    }


def _pledge(allowed_kw: float, now_ms: int) -> dict[str, object]:
    return {"allowed_kw": allowed_kw, "signatory": "示例负责人", "signed": iso(now_ms)}


def _meter(agent: str, name: str, role: str, profile: str, ct_ratio: float) -> dict[str, object]:
    return {"agent": agent, "name": name, "role": role, "profile": profile, "ct_ratio": ct_ratio}
