"""Golden envelopes: their bytes stay, strangers can check them, and hostile ones are refused."""

import re
import subprocess
from pathlib import Path

import joserfc.errors
import joserfc.jws
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from joserfc.jwk import ECKey, OKPKey

import wire.errors
from tests.vectors import generate
from wire import batch, chain, envelope, receipt
from wire.keys import PublicKey, b64url
from wire.quantities import Quantity
from wire.reading import Reason, Unreadable

FOLDER = Path(__file__).parent
FORMAT_PAGE = Path(batch.__file__).with_name("FORMAT.md")
KEYS = {kid: PublicKey.parse(text) for kid, text in yaml.safe_load((FOLDER / "keys.yaml").read_text()).items()}
EXPECTED: dict[str, list[str]] = yaml.safe_load((FOLDER / "bad" / "expected.yaml").read_text())
GOOD = sorted(path.stem for path in (FOLDER / "good").glob("*.json"))


def _good(name: str) -> bytes:
    return (FOLDER / "good" / f"{name}.json").read_bytes()


def _open(data: bytes) -> envelope.Sealed:
    sealed = envelope.take_apart(data)
    envelope.check_signature(sealed, KEYS[sealed.header.kid])
    return sealed


def _rows(data: bytes) -> list[batch.Row]:
    return batch.rows(envelope.parse(_open(data).body, batch.Batch))


def test_golden_bytes() -> None:
    """Today's code writes the golden files byte for byte."""
    stored = {p: p.read_bytes() for p in [*FOLDER.glob("*/*.json"), FOLDER / "keys.yaml"]}
    written = generate.files()
    differing = sorted(p.name for p in stored.keys() | written.keys() if stored.get(p) != written.get(p))
    assert not differing, (
        f"{differing} differ: if the format was meant to change, run: python -m tests.vectors.generate"
    )


def test_first_batch_values() -> None:
    """A golden envelope tells the values that it was made of."""
    row = _rows(_good("first_batch"))[3]
    assert (row.meter, row.index, row.wall_ms) == ("m1", 3, generate.T0_MS + 3011)
    assert row.values == {
        Quantity.VOLTAGE_L1_V: 230.2,
        Quantity.ACTIVE_POWER_W: 0.0,
        Quantity.FREQUENCY_HZ: 50.0,
        Quantity.IMPORT_ENERGY_WH: 21_987_360_000.0,
        Quantity.CT_RATIO: Unreadable(Reason.NOT_ASKED),
    }


def test_second_batch_reasons() -> None:
    """A null keeps its reason, and an event its raw words."""
    body = envelope.parse(_open(_good("second_batch")).body, batch.Batch)
    silent, melting = batch.rows(body)
    assert set(silent.values.values()) == {Unreadable(Reason.TIMEOUT)}
    assert melting.values[Quantity.ACTIVE_POWER_W] == 247_200.0
    assert melting.values[Quantity.FREQUENCY_HZ] == Unreadable(Reason.NOT_A_NUMBER)
    assert body.mtr[0].raw == [(1, "4:34", "48716800")]
    assert body.loss == [(None, None, 3, "outbox_full")]


def test_changed_meter() -> None:
    """An envelope carries what the meter tells of itself, and each fact that changed with what it was before."""
    body = envelope.parse(_open(_good("changed_meter")).body, batch.Batch)
    (block,) = body.mtr
    assert (block.ser, block.mdl, block.fw, block.hw, block.wir, block.ct, block.pt) == (
        *("21055012", "DIRIS A", "1.20", "B", "3P4W", 40_000),
        None,
    )
    assert block.chg == {"change_count": 12, "restart_count": 3}
    assert body.ev[0] == (0, "fingerprint_changed", ["m1", "serial", "21030455", "21055012"])


def test_chain_links() -> None:
    """The golden envelopes form a chain from the key's registration."""
    first, second, third = _good("first_batch"), _good("second_batch"), _good("changed_meter")
    start = chain.Link(0, chain.genesis(generate.DEPLOYMENT, "mf-7", "mf-7#1", KEYS["mf-7#1"]))
    links = (start, *(chain.Link(seq, envelope.digest(data)) for seq, data in ((1, first), (2, second))))
    for before, data, seq in zip(links, (first, second, third), (1, 2, 3), strict=True):
        body = envelope.parse(_open(data).body, batch.Batch)
        assert body.seq == seq
        assert chain.check(before, body.seq, body.prev, envelope.digest(data), None) == chain.Linked()


def test_receipt_names_the_envelope() -> None:
    """The golden receipt acknowledges the first envelope by its hash."""
    body = envelope.parse(_open(_good("receipt")).body, receipt.Receipt)
    assert (body.ack, body.sha) == (1, b64url(envelope.digest(_good("first_batch"))))


@pytest.mark.parametrize("attack", sorted(EXPECTED))
def test_attack_is_refused(attack: str) -> None:
    """Each hostile envelope is refused, for the reason that it was made for."""
    error, words = EXPECTED[attack]
    with pytest.raises(getattr(wire.errors, error), match=re.escape(words)):
        _rows((FOLDER / "bad" / f"{attack}.json").read_bytes())


def test_every_attack_has_an_expectation() -> None:
    """No hostile envelope lies about unread."""
    assert set(EXPECTED) == {path.stem for path in (FOLDER / "bad").glob("*.json")}


def _jose_key(key: PublicKey) -> OKPKey | ECKey:
    if key.alg == "Ed25519":
        return OKPKey.import_key(ed25519.Ed25519PublicKey.from_public_bytes(key.raw))
    return ECKey.import_key(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.raw))


def _stranger_reads(data: bytes) -> joserfc.jws.CompactSignature:
    """The envelope as FORMAT.md §1 tells it, with no code of ours."""
    parts = re.fullmatch(rb'\{"p":(\{.*\}),"jws":"([\w-]+\.\.[\w-]+)"\}', data)
    assert parts is not None
    kid = {"mf-7": "mf-7#1", "mf-8": "mf-8#1"}[re.findall(rb'"agt":"([^"]+)"', parts[1])[0].decode()]
    kid = "server#1" if b'"ack"' in parts[1] else kid
    key = KEYS[kid]
    return joserfc.jws.deserialize_compact(parts[2], _jose_key(key), algorithms=[key.alg], payload=parts[1])


@pytest.mark.parametrize("name", GOOD)
def test_joserfc_verifies(name: str) -> None:
    """An independent JOSE library accepts every golden envelope as detached JWS."""
    assert _stranger_reads(_good(name)).headers()["typ"].startswith("coldseal-")


@pytest.mark.parametrize("name", GOOD)
def test_joserfc_refuses_a_changed_digit(name: str) -> None:
    """The same library refuses the envelope once a digit of its BODY is another."""
    with pytest.raises(joserfc.errors.BadSignatureError, match="bad_signature"):
        _stranger_reads(_good(name).replace(b'"v":1', b'"v":2'))


def _run_page(folder: Path, data: bytes, key: PublicKey) -> subprocess.CompletedProcess[str]:
    """The shell lines of FORMAT.md, as a stranger would run them."""
    (folder / "envelope.json").write_bytes(data)
    (folder / "key.txt").write_text(f"{key}\n")
    (script,) = re.findall(r"```sh\n(.*?)```", FORMAT_PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "kid", "says"),
    [
        ("first_batch", "mf-7#1", "Signature Verified Successfully"),
        ("second_batch", "mf-7#1", "Signature Verified Successfully"),
        ("es256_batch", "mf-8#1", "Verified OK"),
        ("receipt", "server#1", "Signature Verified Successfully"),
    ],
)
def test_openssl_alone_verifies(tmp_path: Path, name: str, kid: str, says: str) -> None:
    """The shell lines of FORMAT.md verify every golden envelope and print its header."""
    result = _run_page(tmp_path, _good(name), KEYS[kid])
    assert (result.returncode, result.stderr) == (0, "")
    assert says in result.stdout
    assert f'"kid":"{kid}"' in result.stdout


@pytest.mark.parametrize(("name", "kid"), [("first_batch", "mf-7#1"), ("es256_batch", "mf-8#1")])
def test_openssl_alone_finds_a_changed_digit(tmp_path: Path, name: str, kid: str) -> None:
    """The same lines fail once a digit of the BODY is another."""
    result = _run_page(tmp_path, _good(name).replace(b'"seq":1', b'"seq":2'), KEYS[kid])
    assert result.returncode == 1
    assert re.search("Verif(ied|ication|y).*fail", result.stdout + result.stderr, re.IGNORECASE)
