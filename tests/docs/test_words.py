"""The pages know every word of the code that a reader can meet: codes, reasons, faults, keys, figures, items."""

import re
from collections.abc import Iterable
from enum import StrEnum

import msgspec
import pytest
import yaml

from coldseal import console_bench
from coldseal.end_to_end import Figures
from edge_agent import agent_file
from edge_agent.health import Fault
from server import catalogue
from server.detect import energised, resumed_power, seal_opened
from server.detect.finding import SEVERITY, Code
from server.settings import SettingsFile
from server.verify import Why
from simulators.commands import app as simulate_app
from tests.docs.pages import DOCS, ROOT, code_words, first_cells, tables, text_of
from wire import profile_files
from wire.reading import Reason, State

DETECTION, OPERATING, AGENT = (ROOT / "docs" / name for name in ("detection.md", "operating.md", "agent.md"))
CONFIGS = ROOT / "firmware_configs" / "README.md"
SOURCES = [p for room in ("server", "edge_agent") for p in sorted((ROOT / room).rglob("*.py"))]


def values(words: Iterable[StrEnum]) -> list[str]:
    """The words of a closed list."""
    return [word.value for word in words]


def sections() -> dict[str, str]:
    """Each section of the detection page by its heading."""
    parts = re.split(r"^## (.+)$", text_of(DETECTION), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_code_has_its_section() -> None:
    """Each finding has a section that names its severity, statistic, threshold and expected false alarms."""
    told = sections()
    assert [heading for heading in told if re.fullmatch(r"[a-z_]+", heading)] == ["resumed_power", "energised",
        "energy_in_gap", "seal_opened", "silent"]  # fmt: skip
    assert {code.value for code in Code} <= told.keys()
    for code in Code:
        text = told[code.value]
        assert f"· {SEVERITY[code].value} ·" in text
        for row in ("| statistic |", "| threshold |", "| where from |", "| ends |", "| expected false alarms |"):
            assert row in text, f"{code.value}: {row}"
        assert "\nOn site" in text, code.value


def test_thresholds_are_the_codes() -> None:
    """The numbers of the rules on the page are those of the code."""
    told = sections()
    assert f"| threshold | {energised.ALIVE_V:.0f} V: above what a floating input shows" in told["energised"]
    assert f"supply | {energised.H} |" in told["energised"]
    assert f"S + z − {energised.K}" in told["energised"]
    assert f"limited to ±{energised.CLIP:.0f}" in told["energised"]
    assert f"{resumed_power.CLEAR_MS // 1000} s without a sample above" in told["resumed_power"]
    assert f"| threshold | {seal_opened.ROWS} rows;" in told["seal_opened"]
    assert f"`silent_after_s`, {SettingsFile().silent_after_s:.0f} s" in told["silent"]
    assert f"`gap_wait_s` ({SettingsFile().gap_wait_s:.0f} s)" in text_of(DETECTION)


def test_every_state_and_reason_of_a_reading() -> None:
    """The letters and reasons of a reading are those of the wire, in its order."""
    assert first_cells(DETECTION, "| state | the meter |") == values(State)
    assert first_cells(DETECTION, "| reason | the value | look at |") == values(Reason)


def test_every_reason_of_coverage() -> None:
    """Each reason that coverage gives by itself is in the table, under its state."""
    told = {
        (row[0], word)
        for row in tables(DETECTION)["| state | reason | means |"]
        for word in re.findall(r"`(\w+)`", row[1])
    }
    code = text_of(ROOT / "server" / "detect" / "coverage.py")
    found = {("proved on", word) for word in ("resumed_power", "energised")}
    for state, name in (("proved off", "Coverage.OFF"), ("unproved", "Coverage.UNPROVED")):
        lines = [line for line in code.splitlines() if name in line]
        found |= {(state, word) for line in lines for word in re.findall(r'"(\w+)"', line)}
    found -= {("unproved", reason.value) for reason in Reason}  # below, in a table of their own
    assert told == found


def test_every_rejection_is_explained() -> None:
    """Each reason of a rejected message is in the table, and no other."""
    assert first_cells(OPERATING, "| reason | the message |") == values(Why)


def test_every_fault_is_explained() -> None:
    """Each fault of the agent is in the table, and no other."""
    assert first_cells(AGENT, "| code | means | do |") == values(Fault)


def test_every_counter_is_explained() -> None:
    """Each counter that the agent keeps is in the table, and no other."""
    kept = {
        name for source in SOURCES for name in re.findall(r'counters\["(\w+)"\]', source.read_text(encoding="utf-8"))
    }
    assert set(first_cells(AGENT, "| counter | counts |")) == kept


def test_health_file_keys_are_explained() -> None:
    """Each key of health.json is in the table, in its order."""
    document = text_of(ROOT / "edge_agent" / "agent.py").partition("document = {")[2].partition("\n        }\n")[0]
    assert first_cells(AGENT, "| key | what it is |") == re.findall(r'^            "(\w+)":', document, re.MULTILINE)


def test_every_setting_of_the_server_is_known() -> None:
    """Each key of server.yaml stands in a page of docs or in the server's own."""
    known = {word for page in [*DOCS, ROOT / "server" / "README.md"] for word in code_words(page)}
    assert [one.encode_name for one in msgspec.structs.fields(SettingsFile) if one.encode_name not in known] == []


STRUCTS: dict[str, type[msgspec.Struct]] = {
    "Keys of an agent:": agent_file.AgentFile,
    "Keys of `broker`:": agent_file.BrokerFile,
    "Keys of `broker.tls`:": agent_file.TlsFile,
    "Keys of `meters`:": agent_file.MeterFile,
    "Keys of `meters[].serial`:": agent_file.SerialFile,
    "Keys of `outbox`:": agent_file.OutboxFile,
}


@pytest.mark.parametrize("title", STRUCTS)
def test_every_key_of_an_agent_is_explained(title: str) -> None:
    """Each key of an agent's settings is in its table, with its default, and says whether it must be given."""
    after = text_of(CONFIGS).partition(f"{title}\n\n")[2].partition("\n\n")[0]
    told = {cells[1].strip("`"): cells[2] for cells in (re.split(r"\s*\|\s*", line) for line in after.splitlines()[2:])}
    fields = msgspec.structs.fields(STRUCTS[title])
    assert list(told) == [field.name for field in fields]
    assert {name for name, default in told.items() if default == "–"} == {f.name for f in fields if f.required}
    for field in fields:
        if isinstance(field.default, int | float):
            assert yaml.safe_load(told[field.name]) == field.default, field.name


def test_every_struct_of_the_agents_file_has_a_table() -> None:
    """No part of the settings is forgotten here."""
    structs = {
        value for value in vars(agent_file).values() if isinstance(value, type) and issubclass(value, msgspec.Struct)
    }
    assert structs == set(STRUCTS.values())


def test_every_figure_of_the_bench_is_explained() -> None:
    """Each figure that the bench prints is in the table, in its order."""
    told = first_cells(ROOT / "docs" / "bench.md", "| figure | what it is |")
    assert sorted(told) == sorted(Figures.__struct_fields__)
    told = first_cells(ROOT / "docs" / "bench.md", "| figure of the console | what it is |")
    assert sorted(told) == sorted(console_bench.Figures.__struct_fields__)


def test_every_item_of_the_catalogue_is_shown() -> None:
    """The table has each item with its edition and its wording."""
    rows = tables(ROOT / "docs" / "seals.md")["| key | edition | item | fits |"]
    assert [(row[0].strip("`"), row[1], row[2]) for row in rows] == [
        (i.key, i.edition, i.item) for i in catalogue.items()
    ]
    assert {str(item.until) for item in catalogue.items()} == {"2024-02-01"}
    assert "replaced on 2024-02-01" in text_of(ROOT / "docs" / "seals.md")


def test_simulators_are_what_is_told() -> None:
    """The page of simulators knows every command of them."""
    known = text_of(ROOT / "docs" / "simulators.md")
    for command in simulate_app.registered_commands:
        assert command.callback is not None
        assert f"coldseal simulate {command.callback.__name__}" in known


def test_limits_of_the_readme_are_true() -> None:
    """The README's lists of findings and register maps are the code's."""
    readme = text_of(ROOT / "README.md")
    assert f"{', '.join(f'`{code.value}`' for code in Code)}" in readme
    assert f"maps: {', '.join(f'`{name}`' for name in profile_files.names())}." in readme
