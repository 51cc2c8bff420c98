"""A Modbus TCP client that asks and does nothing else: what the poll bench measures the agent against.

The only file of this package that knows pymodbus.
"""

from collections.abc import Sequence
from typing import Self

from pymodbus.client import AsyncModbusTcpClient

from edge_agent.plan import Block


class BareClient:
    """One connection, for use in an `async with` statement."""

    def __init__(self, host: str, port: int) -> None:
        self._client = AsyncModbusTcpClient(host, port=port)

    async def __aenter__(self) -> Self:
        if not await self._client.connect():
            raise ConnectionError(f"{self._client}: expected a connection, got none")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.close()

    async def read(self, unit: int, blocks: Sequence[Block]) -> None:
        """Ask each request in turn, as pymodbus documents it.

        Raises:
            ValueError: the meter refuses one, or answers another length.
        """
        for block in blocks:
            ask = self._client.read_holding_registers if block.function == 3 else self._client.read_input_registers
            reply = await ask(block.address, count=block.count, device_id=unit)
            if reply.isError() or len(reply.registers) != block.count:
                raise ValueError(f"unit {unit}, {block}: expected {block.count} registers, got {reply}")
