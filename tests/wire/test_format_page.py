"""FORMAT.md says what the code does: its tables and examples are read from the page and compared."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from tests.docs.pages import tables
from wire import batch, chain, columns, envelope, limits, receipt, topics
from wire.keys import PublicKey, b64url
from wire.quantities import Quantity, exponent, unit
from wire.reading import Reason, State

FILE = Path(batch.__file__).with_name("FORMAT.md")
PAGE = FILE.read_text(encoding="utf-8")
EXAMPLE = Path(__file__).parents[1] / "vectors" / "good" / "first_batch.json"


TABLES = tables(FILE)


def _first_column(header: str) -> list[str]:
    return [row[0].strip("`") for row in TABLES[header]]


def test_every_field_is_explained() -> None:
    """Each member of batch, clock, block and receipt is in a table, and nothing else is."""
    structs = (batch.Batch, batch.ClockQuality, batch.Block, receipt.Receipt)
    sent = [name for struct in structs for name in struct.__struct_fields__]
    assert sorted(_first_column("| field | type | meaning |")) == sorted(sent)


def test_every_default_is_told() -> None:
    """A member that may be left out says so, and no other does."""
    fields = [f for s in (batch.Batch, batch.ClockQuality, batch.Block) for f in msgspec.structs.fields(s)]
    optional = {f.name for f in fields if not f.required}
    told = {row[0].strip("`") for row in TABLES["| field | type | meaning |"] if "Default:" in row[2]}
    assert told == optional


def test_every_state_letter_is_explained() -> None:
    """The letters of the page are the letters of the code."""
    assert _first_column("| letter | the meter |") == [state.value for state in State]


def test_every_reason_is_explained() -> None:
    """The reasons of the page are the reasons of the code."""
    assert _first_column("| reason | the value |") == [reason.value for reason in Reason]


def test_every_quantity_has_its_exponent() -> None:
    """The page's table of units and exponents is the code's, in the same order."""
    told = [
        (name, text_unit, int(power))
        for names, text_unit, power in TABLES["| quantities | unit | exponent |"]
        for name in re.findall(r"`(\w+)`", names)
    ]
    assert told == [(q.value, unit(q) or "–", exponent(q)) for q in Quantity]


def test_limits_are_the_codes() -> None:
    """Each limit on the page has the code's value."""
    for name, value, _ in TABLES["| limit | value | of |"]:
        assert getattr(limits, name.strip("`")) == int(value)
    assert f"at most {limits.MISSING_RANGES_MAX} ranges" in PAGE


def test_header_and_types() -> None:
    """The header's members and the types of envelope are the code's."""
    assert _first_column("| member | value |") == list(envelope.Header.__struct_fields__)
    assert set(re.findall(r"coldseal-[\w-]+\+json", PAGE)) == {kind.value for kind in envelope.Kind}


@pytest.mark.parametrize("row", TABLES["| column | cells |"], ids=lambda row: row[0])
def test_column_example(row: list[str]) -> None:
    """Each column on the page unpacks to the cells beside it, and those cells are packed to it."""
    column = msgspec.json.decode(row[0].strip("`"), type=columns.Column)
    cells = json.loads(row[1].strip("`"))
    assert columns.unpack(column, len(cells)) == cells
    assert columns.pack(cells) == column


def test_worked_example() -> None:
    """The column that is worked through step by step is the example's, and each step is right."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert f"`{alphabet}`" in PAGE
    steps = TABLES["| characters | digits | number | difference | cell | value |"]
    text = "".join(row[0].strip("`") for row in steps)
    assert f'["voltage_l1_v",-2,{{"d":"{text}"}}]'.encode() in EXAMPLE.read_bytes()
    assert columns.unpack(columns.Differences(text), len(steps)) == [int(row[4]) for row in steps]
    last = 0
    for characters, digits, number, difference, cell, value in steps:
        indexes = [alphabet.index(c) for c in characters.strip("`")]
        assert [int(d) for d in digits.split(", ")] == [i % 32 for i in indexes]
        assert int(number) == sum(i % 32 * 32**n for n, i in enumerate(indexes))
        assert int(number) == (2 * int(difference) if int(difference) >= 0 else -2 * int(difference) - 1)
        assert (last + int(difference), int(cell) / 100) == (int(cell), float(value.removesuffix(" V")))
        last = int(cell)


def test_example_envelope() -> None:
    """The envelope on the page is the golden one, and the key beside it verifies it."""
    (shown,) = re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL)
    assert shown.encode() == EXAMPLE.read_bytes()
    (key,) = re.findall(r"signed by the test key `([^`]+)`", PAGE)
    envelope.check_signature(envelope.take_apart(shown.encode()), PublicKey.parse(key))


def test_genesis_of_the_example() -> None:
    """The hash that the page gives for the example's registration is right, and the example carries it."""
    (key,) = re.findall(r"signed by the test key `([^`]+)`", PAGE)
    start = b64url(chain.genesis("coldseal.example/2026", "mf-7", "mf-7#1", PublicKey.parse(key)))
    assert f"give `{start}`" in PAGE
    assert f'"prev":"{start}"'.encode() in EXAMPLE.read_bytes()


def test_topics_of_the_example() -> None:
    """The topic that the page gives for the example's agent is the code's, and every channel is explained."""
    assert f"`{topics.build('mf-7', topics.Channel.UP)}`" in PAGE
    assert f"`{topics.every(topics.Channel.UP)}`" in PAGE
    assert _first_column("| channel | direction | content |") == [channel.value for channel in topics.Channel]
