"""Asks a silent line in DL/T 645-2007 who is there. Only for a line on which nothing answered Modbus."""

import asyncio

import msgspec

from edge_agent import dlt645
from edge_agent.line import Line, RtuTcpLine, SerialLine
from edge_agent.link import open_link

SETTINGS = ((9600, "E", 1), (2400, "E", 1))
"""How such meters leave the factory (meters.md: DTSU666 9600, DDSU666 and utility meters 2400); 8E1 is the standard's."""
REPLY_S = 1.0
"""The standard gives a meter 500 ms; a wake-up and a slow line take the rest."""
CONNECT_S = 2.0
_QUIET_S = 0.1

ADVICE_EN = (
    "it answers DL/T 645-2007 only, not Modbus: ColdSeal does not read it yet. On the meter's display or keys choose "
    "protocol Modbus-RTU (Chint DTSU666: hold the key until the menu comes, Prot/协议 from 645 to n.2 or n.1), note unit "
    "and speed that it shows, and scan again. If it has no such menu (DDSU666), the supplier or grid company must set it; "
    "do not send it a frame that sets the protocol. Until then take another meter, or seal by contact input"
)
ADVICE_ZH = (
    "该表只应答 DL/T 645-2007, 不应答 Modbus, ColdSeal 暂不能完整读取。请在表的按键菜单中把通信协议由 645 改为 Modbus-RTU"
    " (正泰 DTSU666: 长按按键进入菜单, 协议项选 n.2 或 n.1), 记下显示的地址和波特率后重新扫描。没有该菜单的表 (DDSU666)"
    " 请供货方或供电公司设置, 不要向表发送改协议的报文。在此之前请换用其他表, 或用触点输入监测封条"
)


class Found(msgspec.Struct, frozen=True):
    """A meter that speaks DL/T 645-2007.

    Attributes:
        address: twelve digits, as on its label.
        line: how it was reached.
        import_energy_wh: its total import; None where it did not tell.
    """

    address: str
    line: Line
    import_energy_wh: int | None


def lines_to_try(line: Line, *, given: bool) -> tuple[Line, ...]:
    """The lines on which a meter may speak DL/T 645: none over Modbus TCP.

    Args:
        line: where Modbus had no answer.
        given: its speed was chosen by the user and stays the first.
    """
    if isinstance(line, RtuTcpLine):
        return (line,)
    if not isinstance(line, SerialLine):
        return ()
    usual = [SerialLine(line.device, baud, parity, stop, line.echo) for baud, parity, stop in SETTINGS]
    own = [SerialLine(line.device, line.baud, "E", 1, line.echo)] if given else []
    return tuple(dict.fromkeys([*own, *usual]))


async def find(line: Line, reply_s: float = REPLY_S) -> Found | None:
    """Ask for the address of whoever is alone on the line, then for its import.

    Args:
        line: at one speed.
        reply_s: how long to wait for each reply.
    """
    heard = _Heard()
    link = await open_link(line, CONNECT_S, heard.take, heard.lost)
    if link is None:
        return None
    try:
        link.send(dlt645.ask_address())
        reply = await heard.reply(reply_s)
        if reply is None or reply.is_refusal:
            return None
        link.send(dlt645.ask_data(reply.address, dlt645.IMPORT_ENERGY))
        told = await heard.reply(reply_s)
        energy = None if told is None else dlt645.import_energy_wh(told, reply.address)
        return Found(reply.address, line, energy)
    finally:
        link.close()


class _Heard:
    """What came on the line since the last request."""

    def __init__(self) -> None:
        self._received = b""
        self._news = asyncio.Event()

    def take(self, data: bytes) -> None:
        self._received += data
        self._news.set()

    def lost(self) -> None:
        self._news.set()

    async def reply(self, reply_s: float) -> dlt645.Frame | None:
        """The next frame of a meter, or None; the line is then silent for a moment."""
        try:
            async with asyncio.timeout(reply_s):
                while (frame := dlt645.first_reply(self._received)) is None:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None
        await asyncio.sleep(_QUIET_S)
        self._received = b""
        return frame
