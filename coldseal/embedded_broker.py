"""The MQTT broker that pip alone installs: rumqttd from the wheel iotcore, for demo, laptops and CI.

Sessions, queues and retained messages live in memory: whatever the broker acknowledged is gone when it ends.
It has no access list, so it listens on loopback only. This is the only file that knows the wheel.

One process serves one port with one protocol version. Two listeners in one rumqttd 0.20 race for connection numbers:
a client that leaves one of them can close a client that joins the other (measured in one of five such pairs).
"""

import argparse
import logging
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from iotcore import IotCoreBroker

HOST = "127.0.0.1"
PAYLOAD_BYTES_MAX = 256 * 1024
HEADER_BYTES_MAX = 2 * 1024  # topic and properties: rumqttd compares its limit with the whole packet
SEGMENT_BYTES = 4 * 1024 * 1024
SEGMENTS_PER_FILTER = (
    16  # 64 MiB a subscription filter: 20,000 queued messages of 3.3 kB; the oldest segment goes first
)
CONNECTIONS_MAX = 10_000
READY_POLL_S = 0.01
READY_POLLS_MAX = 1_000
WATCH_PERIOD_S = 2.0
WATCH_ATTEMPTS = 5
ANSWER_TIMEOUT_S = 5.0
EXIT_DONE = 0
EXIT_ENVIRONMENT = 3

CONFIG = """
id = 0
[router]
id = 0
max_connections = {connections_max}
max_outgoing_packet_count = 200
max_segment_size = {segment_bytes}
max_segment_count = {segments_per_filter}
[{listener}.1]
name = "mqtt"
listen = "{host}:{port}"
next_connection_delay_ms = 0
[{listener}.1.connections]
connection_timeout_ms = 10000
max_payload_size = {packet_bytes_max}
max_inflight_count = 200
dynamic_filters = true
"""
LISTENER = {"5": "v5", "3.1.1": "v4"}
# CONNECT with a clean session, 10 s keep-alive and the client id "probe", as each version writes it.
CONNECT = {"5": b"\x10\x12\0\4MQTT\5\2\0\x0a\0\0\5probe", "3.1.1": b"\x10\x11\0\4MQTT\4\2\0\x0a\0\5probe"}
CONNACK = b"\x20"


class BrokerError(Exception):
    """The environment does not let the broker serve; the message says what to do."""


class EmbeddedBroker:
    """One rumqttd in this process. It cannot be stopped: it ends with the process, so give it one of its own.

    Args:
        port: where it serves on loopback.
        mqtt: the protocol version, "5" or "3.1.1".

    Raises:
        BrokerError: the port is taken or not allowed.
    """

    def __init__(self, port: int, mqtt: str = "5") -> None:
        self._port = port
        self._mqtt = mqtt
        _check_free(port)
        # rumqttd logs an error for each client that hangs up, and one for each packet of some kinds.
        logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
        with tempfile.TemporaryDirectory(prefix="coldseal-broker-") as folder:
            config = Path(folder) / "rumqttd.toml"
            config.write_text(_config(port, mqtt), encoding="utf-8")
            self._native = IotCoreBroker(config_path=str(config))  # reads the file here and never again

    def start(self) -> None:
        """Serve in threads of this process; returns when a CONNECT has been answered.

        Raises:
            BrokerError: the port was taken since it was checked, or does not answer.
        """
        try:
            self._native.start()
        except OSError as error:
            raise BrokerError(f"rumqttd: {error}. End the program that holds the port, or choose another.") from error
        if not self._answers(READY_POLLS_MAX):
            raise BrokerError(f"rumqttd gave no answer on {HOST}:{self._port}; start it again.")

    def watch(self) -> NoReturn:
        """Block as long as the broker answers: after a panic its threads are gone but the process would live on.

        Raises:
            BrokerError: it no longer answers.
        """
        while self._answers(WATCH_ATTEMPTS):
            time.sleep(WATCH_PERIOD_S)
        raise BrokerError("rumqttd hangs up on every client since the panic logged above. Start it again.")

    def _answers(self, attempts: int) -> bool:
        for _ in range(attempts):
            if _takes_clients(self._port, CONNECT[self._mqtt]):
                return True
            time.sleep(READY_POLL_S)
        return False


def broker_command(port: int, mqtt: str = "5") -> list[str]:
    """The command that serves MQTT 5 (or "3.1.1") on this loopback port in a process of its own."""
    return [sys.executable, "-m", "coldseal.embedded_broker", "--port", str(port), "--mqtt", mqtt]


def _config(port: int, mqtt: str) -> str:
    return CONFIG.format(
        connections_max=CONNECTIONS_MAX,
        segment_bytes=SEGMENT_BYTES,
        segments_per_filter=SEGMENTS_PER_FILTER,
        listener=LISTENER[mqtt],
        host=HOST,
        port=port,
        packet_bytes_max=PAYLOAD_BYTES_MAX + HEADER_BYTES_MAX,
    )


def _check_free(port: int) -> None:
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        raise BrokerError(
            f"cannot serve MQTT on {HOST}:{port}: expected a free port, got '{os.strerror(error.errno or 0)}'. "
            f"End the program that holds it (`ss -ltnp 'sport = :{port}'` names it), or choose another with --port."
        ) from error


def _takes_clients(port: int, connect: bytes) -> bool:
    try:
        # No DISCONNECT at the end: rumqttd would note the departure twice, the second time for whoever came after.
        with socket.create_connection((HOST, port), timeout=ANSWER_TIMEOUT_S) as line:
            line.sendall(connect)
            return line.recv(1) == CONNACK
    except TimeoutError:
        return True  # busy is not dead
    except OSError:
        return False


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else 0
    if not 1 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, got {text}")
    return port


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m coldseal.embedded_broker",
        description="Serve MQTT on loopback from memory, for demo, laptops and CI. Prints one line when it accepts.",
        epilog="example: python -m coldseal.embedded_broker --port 1883. "
        "Exit codes: 0 ended by SIGTERM or Ctrl-C, 2 wrong use, 3 the port cannot be served or the broker died.",
    )
    parser.add_argument("--port", type=_port, required=True, help="port on 127.0.0.1")
    parser.add_argument("--mqtt", choices=sorted(LISTENER), default="5", help="protocol version (default: 5)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    options = _parser().parse_args(argv)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, signal.default_int_handler)
    try:
        broker = EmbeddedBroker(options.port, options.mqtt)
        broker.start()
        sys.stdout.write(f"ready {HOST}:{options.port}\n")
        sys.stdout.flush()
        broker.watch()
    except BrokerError as error:
        sys.stderr.write(f"embedded broker: {error}\n")
        return EXIT_ENVIRONMENT
    except KeyboardInterrupt:
        return EXIT_DONE


if __name__ == "__main__":
    sys.exit(main())
