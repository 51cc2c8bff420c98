"""From seal files to rows: all of a file or nothing, and nothing that contradicts what is registered."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import SQLModel, select

from server import agents, registry
from server.registry import Added
from server.seal_file import SealFileError, parse
from server.seal_records import seal_record, seal_records
from server.store import Store
from server.tables import Enterprise, Furnace, MaintenanceWindow, Meter, Pledge, Seal, Site
from tests.server.stores import a_store
from wire.keys import PrivateKey

HERE = Path(__file__).parent
GOOD = HERE / "good" / "two_seals.yaml"
CONTRADICTING = sorted(p for p in (HERE / "contradicting").iterdir() if p.suffix != ".expected")
TABLES: tuple[type[SQLModel], ...] = (Enterprise, Site, Furnace, Seal, Pledge, MaintenanceWindow, Meter)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty database file."""
    store = a_store(tmp_path)
    yield store
    store.close()


def add(store: Store, file: Path) -> list[Added]:
    """One file in one transaction."""
    with store.transaction() as session:
        return registry.add(session, parse(file))


def counts(store: Store) -> dict[str, int]:
    """Rows in each table of the registry."""
    with store.transaction() as session:
        return {table.__name__: len(session.exec(select(table)).all()) for table in TABLES}


def changed(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """The good file with other words in it."""
    text = GOOD.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "changed.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_makes_all_rows(store: Store) -> None:
    """Two seals of one enterprise on one site share its rows; each has furnace, pledge, window and meter."""
    add(store, GOOD)

    assert counts(store) == {
        "Enterprise": 1, "Site": 1, "Furnace": 2, "Seal": 2, "Pledge": 2, "MaintenanceWindow": 2, "Meter": 2,
    }  # fmt: skip


def test_what_was_written_is_what_is_read(store: Store) -> None:
    """Every key of the file comes back from the database, times in Beijing time."""
    add(store, GOOD)
    with store.transaction() as session:
        record = seal_record(session, "FZ-MH-2026-0043")

    assert record is not None
    assert record.model_dump() == {
        "seal": "FZ-MH-2026-0043",
        "enterprise": "示例铸造一厂",
        "credit_code": "91350100M000100Y43",
        "site": "一号车间",
        "county_code": "350121",
        "address": None,
        "furnace": {
            "name": "1 号炉", "kind": "mf_coreless", "shell": "aluminium", "yoke": False, "tonnes": 0.5,
            "rated_kw": 350.0, "melts_scrap": False, "catalogue_edition": "产业结构调整指导目录（2019年本）",
            "catalogue_item": "无磁轭（≥0.25 吨）铝壳中频感应电炉",
        },
        "break_position": "downstream",
        "start": "2026-03-01T00:00:00.000+08:00",
        "until": "2027-03-01T00:00:00.000+08:00",
        "dismantle_by": "2026-12-31T00:00:00.000+08:00",
        "paper_seals": ["榕-001", "榕-002"],
        "published_url": None,
        "pledge": {"allowed_kw": 0.0, "signatory": "王某", "signed": "2026-02-28T00:00:00.000+08:00"},
        "maintenance": [
            {
                "start": "2026-04-01T08:00:00.000+08:00", "end": "2026-04-01T10:00:00.000+08:00", "max_kwh": 5.0,
                "reason": "照明检修",
            },
        ],
        "meters": [
            {
                "meter": "fz-mh-0043/m1", "seal": "FZ-MH-2026-0043", "agent": "fz-mh-0043", "name": "m1",
                "role": "furnace", "profile": "eastron_sdm630", "ct_ratio": 200.0, "aux_powered": False,
            },
        ],
    }  # fmt: skip


@pytest.mark.parametrize("file", CONTRADICTING, ids=lambda p: p.name)
def test_contradiction_inside_a_file(store: Store, file: Path) -> None:
    """A file that contradicts itself is refused with the place of each contradiction, and nothing is stored."""
    with pytest.raises(SealFileError, match=file.name) as error:
        add(store, file)

    told = [line.replace(str(file), file.name) for line in error.value.lines]
    assert told == file.with_name(f"{file.name}.expected").read_text(encoding="utf-8").splitlines()
    assert set(counts(store).values()) == {0}


def test_the_same_file_again(store: Store) -> None:
    """Adding registered seals again names each of them and changes nothing."""
    add(store, GOOD)
    before = counts(store)

    with pytest.raises(SealFileError, match="0043' is registered already") as error:
        add(store, GOOD)
    again = "is registered already; expected a new number, see: coldseal seal show"
    assert [line.partition("two_seals.yaml: ")[2] for line in error.value.lines] == [
        f"seals[{i}].seal: 'FZ-MH-2026-004{3 + i}' {again} FZ-MH-2026-004{3 + i}" for i in (0, 1)
    ]
    assert counts(store) == before


def test_a_furnace_is_sealed_again_after_the_first_seal(store: Store, tmp_path: Path) -> None:
    """A second seal of one furnace is taken when the first has ended, and shares its row."""
    add(store, GOOD)
    later = changed(
        tmp_path, ("2026-0043", "2027-0043"), ("2026-0044", "2027-0044"), ("fz-mh-", "fz-mh-2-"),
        ("2027-03-01", "2028-03-01"), ("2026-03-01", "2027-03-01"), ("2026-12-31", "2027-12-31"),
        ("2026-04-01", "2027-04-01"),
    )  # fmt: skip
    add(store, later)

    assert (counts(store)["Furnace"], counts(store)["Seal"]) == (2, 4)


def test_a_credit_code_that_was_missing_is_filled_in(store: Store, tmp_path: Path) -> None:
    """An enterprise registered without its code gets it from a later file."""
    first = changed(tmp_path, ("    credit_code: 91350100M000100Y43\n", ""))
    add(store, first)
    add(store, changed(tmp_path, ("2026-00", "2026-10"), ("fz-mh-", "fz-mh-2-"), ("号炉", "号炉甲")))

    with store.transaction() as session:
        assert {record.credit_code for record in seal_records(session)} == {"91350100M000100Y43"}


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        (
            [("tonnes: 0.5", "tonnes: 0.24")],
            (
                "no item of the catalogue lists this furnace (induction_furnace_for_scrap: melts_scrap: expected yes, "
                "got no; aluminium_shell_without_yoke: tonnes: expected at least 0.25, got 0.24)"
            ),
        ),
        (
            [],
            "产业结构调整指导目录（2019年本） was replaced on 2024-02-01: compare the item with the edition in force",
        ),
        ([("role: furnace", "role: incomer")], "no meter with role furnace: whether it is off cannot be proved"),
        (
            [],
            "agent 'fz-mh-0043' is not registered yet; do it with: coldseal server agents add fz-mh-0043",
        ),
        (
            [("eastron_sdm630", "eastron_sdm360")],
            (
                "profile 'eastron_sdm360' does not come with ColdSeal, did you mean eastron_sdm630?: "
                "its steps are unknown, coarse ones are assumed"
            ),
        ),
    ],
)
def test_notes(store: Store, tmp_path: Path, changes: list[tuple[str, str]], note: str) -> None:
    """What a person should look at is told, and the seal is stored all the same."""
    assert note in add(store, changed(tmp_path, *changes))[0].notes
    assert counts(store)["Seal"] == 2


def test_nothing_to_note(store: Store, tmp_path: Path) -> None:
    """A listed furnace sealed while the edition was in force, with a registered agent, needs no note."""
    early = changed(tmp_path, ("2026-", "2022-"), ("2027-", "2023-"))
    with store.transaction() as session:
        for agent in ("fz-mh-0043", "fz-mh-0044"):
            agents.add(session, agent, str(PrivateKey.generate().public), None, deployment="d", now_ms=0)

    assert [one.notes for one in add(store, early)] == [(), ()]


def test_a_furnace_that_is_not_listed_is_kept_without_an_item(store: Store, tmp_path: Path) -> None:
    """A county can seal any furnace; the list then has no item to quote."""
    add(store, changed(tmp_path, ("yoke: no", "yoke: yes")))

    with store.transaction() as session:
        furnaces = [record.furnace for record in seal_records(session)]
    assert {(f.catalogue_edition, f.catalogue_item) for f in furnaces} == {(None, None)}
