"""The wiring's drawing: order and words follow the registered break, nothing else."""

import re
from xml.etree import ElementTree as ET

import pytest

from server.console import wiring
from server.console.words import Words
from server.views.dossier import Dossier
from tests.browser.dossiers import DOSSIER, METER

ZH, EN = Words("zh"), Words("en")


def _with(break_position: str, *, aux_powered: bool = False) -> Dossier:
    meter = METER.model_copy(update={"aux_powered": aux_powered})
    return DOSSIER.model_copy(update={"break_position": break_position, "meters": [meter]})


def _places(drawing: str) -> dict[str, float]:
    """Where each text stands, from the left."""
    root = ET.fromstring(drawing)  # noqa: S314 - our own drawing
    return {text.text or "": float(text.get("x", "0")) for text in root.iter("text")}


def test_the_order_is_the_registered_one() -> None:
    """A break downstream stands behind the meter, one upstream before it; the furnace is always last."""
    behind, before = (_places(wiring.drawing(_with(position), ZH)) for position in ("downstream", "upstream"))
    assert behind["电源"] < behind["互感器"] < behind["断开处"] < behind["2 号炉"]
    assert before["电源"] < before["断开处"] < before["互感器"] < before["2 号炉"]


def test_what_is_dead_is_dashed() -> None:
    """Behind an upstream break a meter without auxiliary supply is drawn dead, one with it alive."""
    alive, dead, aux = (
        wiring.drawing(found, ZH)
        for found in (_with("downstream"), _with("upstream"), _with("upstream", aux_powered=True))
    )
    assert 'class="instrument dead"' in dead
    assert 'class="instrument dead"' not in alive
    assert 'class="instrument dead"' not in aux


@pytest.mark.parametrize(
    ("found", "zh", "en"),
    [
        (_with("downstream"), "0 kW 由活表读出，本身就是断电的证据", "is itself the proof"),
        (_with("upstream"), "它的沉默什么也不证明", "its silence proves nothing"),
        (_with("upstream", aux_powered=True), "它读到馈线无电，就证实断电", "reads as dead is proved off"),
    ],
    ids=["downstream", "upstream", "auxiliary"],
)
def test_what_it_means_for_the_proof(found: Dossier, zh: str, en: str) -> None:
    """Each wiring says what a silent meter proves; a screen reader is told the same."""
    assert zh in wiring.meaning(found, ZH)
    assert en in wiring.meaning(found, EN)
    assert zh in wiring.drawing(found, ZH)


def test_numbers_of_the_seals_and_the_ratio() -> None:
    """They are the registry's; without paper seals nothing is written under the break."""
    assert "封条 A-20481 等 3 个" in wiring.drawing(DOSSIER, ZH)
    assert "变比 120" in wiring.drawing(DOSSIER, ZH)
    assert "A-20481" in wiring.drawing(DOSSIER.model_copy(update={"paper_seals": ["A-20481"]}), ZH)
    assert "A-2" not in wiring.drawing(DOSSIER.model_copy(update={"paper_seals": []}), ZH)


def test_without_a_meter_none_is_drawn() -> None:
    """No instrument is invented, and the furnace's name cannot smuggle markup in."""
    row = DOSSIER.row.model_copy(update={"furnace": "<script>"})
    drawn = wiring.drawing(DOSSIER.model_copy(update={"meters": [], "row": row}), EN)
    assert "instrument" not in drawn
    assert "<script>" not in drawn
    assert re.search("&lt;script&gt;", drawn)
