"""Golden envelopes, good and hostile, with fixed test keys and fixed times.

Write the files anew: python -m tests.vectors.generate
"""

from pathlib import Path

import msgspec
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tests.vectors import hostile
from wire import batch, chain, envelope, receipt
from wire.fingerprint import Fingerprint
from wire.keys import PrivateKey, PublicKey, Signer, b64url
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State, Unreadable, Value

FOLDER = Path(__file__).parent
DEPLOYMENT = "coldseal.example/2026"
T0_MS = 1_772_294_400_000
"""2026-03-01T00:00:00+08:00."""

_BOOT = "0f3c1c7e-6a53-4a52-9d0b-5d6f8f1f2a10"
_MAP = b64url(b"a register map's SHA-256 (test) ")
_SETTINGS = b64url(b"the settings' SHA-256 (for test)")


class FixedEs256:
    """A P-256 key that signs the same bytes the same way each time (RFC 6979): golden files need it."""

    alg = "ES256"

    def __init__(self, secret: int) -> None:
        self._key = ec.derive_private_key(secret, ec.SECP256R1())
        self.public = PrivateKey(self._key).public

    def sign(self, data: bytes) -> bytes:
        """A signature with the lower s."""
        der = self._key.sign(data, ec.ECDSA(SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(der)
        return r.to_bytes(32, "big") + min(s, hostile.P256_ORDER - s).to_bytes(32, "big")


ED25519 = PrivateKey(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
ES256 = FixedEs256(0x0123456789ABCDEF)
SERVER = PrivateKey(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64))))
STRANGER = PrivateKey(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(64, 96))))

KEYS: dict[str, PublicKey] = {
    "mf-7#1": ED25519.public,
    "mf-8#1": ES256.public,
    "server#1": SERVER.public,
}
"""What a registry would hold: kid to public key."""

_NO_REPLY = Unreadable(Reason.TIMEOUT)


def _reading(second: int, values: dict[Quantity, Value], state: State = State.OK, raw: str = "") -> Reading:
    wall_ms = T0_MS + 1000 * second + (0, 3, -2, 11)[second]
    return Reading("m1", wall_ms, 5000 + 1000 * second, state, values, {"4:34": raw} if raw else {})


def _sealed_minute() -> list[Reading]:
    """Four rows of a dead furnace under a live grid."""
    rows = zip((230.12, 230.15, 230.11, 230.2), (50.001, 50.002, 49.999, 50.0), strict=True)
    return [
        _reading(
            i,
            {
                Quantity.VOLTAGE_L1_V: voltage,
                Quantity.ACTIVE_POWER_W: 0.0,
                Quantity.FREQUENCY_HZ: hertz,
                Quantity.IMPORT_ENERGY_WH: 21_987_360_000.0,
                Quantity.CT_RATIO: 200.0 if i == 0 else Unreadable(Reason.NOT_ASKED),
            },
        )
        for i, (voltage, hertz) in enumerate(rows)
    ]


def _resumption() -> list[Reading]:
    """The meter is silent for one poll, then the furnace draws 247.2 kW."""
    silent = dict.fromkeys((Quantity.VOLTAGE_L1_V, Quantity.ACTIVE_POWER_W, Quantity.FREQUENCY_HZ), _NO_REPLY)
    melting: dict[Quantity, Value] = {
        Quantity.VOLTAGE_L1_V: 228.4,
        Quantity.ACTIVE_POWER_W: 247_200.0,
        Quantity.FREQUENCY_HZ: Unreadable(Reason.NOT_A_NUMBER),
    }
    return [_reading(0, dict(silent), State.TIMEOUT), _reading(1, melting, raw="48716800")]


def _exchange() -> list[Reading]:
    """A meter of another serial number answers, with another CT ratio; it tells what it counts of itself."""
    told = Fingerprint(
        serial="21055012",
        model="DIRIS A",
        firmware="1.20",
        hardware="B",
        wiring="3P4W",
        ct=40_000,
        counts={"change_count": 12, "restart_count": 3},
    )
    return [msgspec.structs.replace(_reading(0, {Quantity.ACTIVE_POWER_W: 0.0}), fingerprint=told)]


def _body(agent: str, seq: int, prev: bytes, readings: list[Reading], **more: object) -> bytes:
    block = batch.block(
        readings,
        t0_ms=T0_MS,
        period_ms=1000,
        profile="eastron_sdm630",
        profile_digest=_MAP,
        unit=1,
        serial=None if readings[0].fingerprint else "21030455",
        keep_raw="ev" in more,
    )
    return batch.encode(
        batch.Batch(
            v=batch.VERSION,
            dep=DEPLOYMENT,
            agt=agent,
            boot=_BOOT,
            bn=3,
            seq=seq,
            prev=b64url(prev),
            t0=T0_MS,
            mono=5000,
            clk=batch.ClockQuality(st="S", src="ntp", off=4, err=12),
            per=1000,
            mtr=[block],
            sw="0.1.0",
            cfg=_SETTINGS,
            hlt={"polls": 4},
            **more,  # type: ignore[arg-type] # the few members that one vector sets
        )
    )


def _first_body(agent: str, signer: PrivateKey | FixedEs256) -> bytes:
    return _body(agent, 1, chain.genesis(DEPLOYMENT, agent, f"{agent}#1", signer.public), _sealed_minute())


def _sign(body: bytes, agent: str, signer: Signer) -> bytes:
    return envelope.sign(body, envelope.Kind.BATCH, f"{agent}#1", signer)


def good() -> dict[str, bytes]:
    """Name to envelope: three linked batches, one signed with ES256, and a receipt."""
    first = _sign(_first_body("mf-7", ED25519), "mf-7", ED25519)
    second = _body(
        "mf-7",
        2,
        envelope.digest(first),
        _resumption(),
        ev=[(1003, "door_open", [1])],
        loss=[(None, None, 3, "outbox_full")],
        after=(4711, b64url(bytes(32))),
        fin=True,
    )
    second = _sign(second, "mf-7", ED25519)
    changed = _body(
        "mf-7",
        3,
        envelope.digest(second),
        _exchange(),
        ev=[
            (0, "fingerprint_changed", ["m1", "serial", "21030455", "21055012"]),
            (0, "fingerprint_changed", ["m1", "ct", 200_000, 40_000]),
            (0, "local_alarm", ["m1", "serial", 0]),
            (0, "local_alarm", ["m1", "ct", 0]),
        ],
    )
    answer = receipt.Receipt(
        dep=DEPLOYMENT, agt="mf-7", ack=1, sha=b64url(envelope.digest(first)), now=T0_MS + 60_000, miss=[(2, 2)]
    )
    return {
        "first_batch": first,
        "second_batch": second,
        "changed_meter": _sign(changed, "mf-7", ED25519),
        "es256_batch": _sign(_first_body("mf-8", ES256), "mf-8", ES256),
        "receipt": envelope.sign(receipt.encode(answer), envelope.Kind.RECEIPT, "server#1", SERVER),
    }


def bad() -> dict[str, bytes]:
    """Attack to envelope."""
    ed = hostile.Victim("mf-7#1", _first_body("mf-7", ED25519), ED25519)
    es = hostile.Victim("mf-8#1", _first_body("mf-8", ES256), ES256)
    return hostile.attacks(ed, es, STRANGER, good()["receipt"])


def files() -> dict[Path, bytes]:
    """Every generated file with its content."""
    keys = yaml.safe_dump({kid: str(key) for kid, key in KEYS.items()}, width=200)
    content = {FOLDER / "keys.yaml": f"# Public keys of the test vectors. Written by generate.py.\n{keys}".encode()}
    for folder, vectors in (("good", good()), ("bad", bad())):
        content |= {FOLDER / folder / f"{name}.json": data for name, data in vectors.items()}
    return content


def main() -> None:
    """Write every file."""
    for path, data in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    main()
