import pytest

from wire.envelope import parse
from wire.errors import Malformed
from wire.receipt import Receipt, encode


def test_pair() -> None:
    """A receipt that was written is read as the same, ranges included."""
    receipt = Receipt(dep="test", agt="mf-7", ack=7, sha="c2hh", now=1, have=[(9, 12)], miss=[(8, 8), (13, 20)])
    assert parse(encode(receipt), Receipt) == receipt


def test_bytes() -> None:
    """The BODY's bytes are fixed: agents in the field parse them."""
    assert encode(Receipt(dep="test", agt="mf-7", ack=0, sha="", now=5)) == (
        b'{"dep":"test","agt":"mf-7","ack":0,"sha":"","now":5,"v":1,"have":[],"miss":[]}'
    )


@pytest.mark.parametrize("body", [b"{}", b'{"dep":"test","agt":"mf-7","ack":"7","sha":"","now":5}'])
def test_a_body_that_is_no_receipt(body: bytes) -> None:
    """Without its members, or with a number in quotes, it is no receipt and nothing may be deleted."""
    with pytest.raises(Malformed, match=r"^body: (Object missing required field|Expected `int`, got `str`)"):
        parse(body, Receipt)
