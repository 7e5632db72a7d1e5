"""Files of credentials: a real nats-server lets those in who have one, and nobody else."""

import base64
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import nkeys
import pytest

from api.bus.credentials import CredentialsUnusable, option_of
from config import SettingError, Settings
from processes.bus import bus_of
from tests.api.bus.test_connection import SUBJECT, at, said, said_until_heard
from tests.nats_server import NatsServer, needs_nats


class Key:
    """A pair of keys of an operator, an account or a user."""

    def __init__(self, prefix: int) -> None:
        self.seed: bytes = nkeys.encode_seed(os.urandom(32), prefix)
        self._pair = nkeys.from_seed(bytearray(self.seed))
        self.public: str = self._pair.public_key.decode()

    def token_of(self, other: "Key", kind: str, **claims: object) -> str:
        """Return a token in which this one speaks for another: what `nsc` would write."""
        head = {"typ": "JWT", "alg": "ed25519-nkey"}
        body = {
            "jti": "1", "iat": 1_700_000_000, "iss": self.public, "sub": other.public, "name": kind,
            "nats": {"type": kind, "version": 2, **claims},
        }  # fmt: skip
        said = b".".join(_encoded(json.dumps(part).encode()) for part in (head, body))
        return b".".join([said, _encoded(self._pair.sign(said))]).decode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="ascii")
    return file


UNLIMITED: Mapping[str, int] = dict.fromkeys(("subs", "data", "payload", "conn", "imports", "exports"), -1)


def credentials_of(folder: Path) -> tuple[Path, Path]:
    """Return a server's configuration and the file of a user whom its operator's account names."""
    operator, account, user = (
        Key(prefix)
        for prefix in (nkeys.PREFIX_BYTE_OPERATOR, nkeys.PREFIX_BYTE_ACCOUNT, nkeys.PREFIX_BYTE_USER)
    )
    of_account = operator.token_of(account, "account", limits=UNLIMITED)
    conf = f"""
        operator: {operator.token_of(operator, "operator")}
        resolver: MEMORY
        resolver_preload: {{ {account.public}: {of_account} }}
    """
    token = account.token_of(user, "user", subs=-1, data=-1, payload=-1)
    creds = (
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n"
    )
    return _written(folder, "nats.conf", conf), _written(folder, "user.creds", creds)


def nkey_of(folder: Path) -> tuple[Path, Path]:
    """Return a server's configuration that names a user's public key, and the file of its seed."""
    user = Key(nkeys.PREFIX_BYTE_USER)
    conf = f"authorization {{ users: [ {{ nkey: {user.public} }} ] }}"
    return _written(folder, "nats.conf", conf), _written(folder, "user.nk", f"{user.seed.decode()}\n")


@needs_nats
@pytest.mark.parametrize("made", [credentials_of, nkey_of], ids=["credentials", "nkey"])
async def test_who_has_the_file_is_let_in_and_nobody_else(
    made: Callable[[Path], tuple[Path, Path]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And no line of the log has the seed."""
    caplog.set_level(logging.DEBUG)
    conf, file = made(tmp_path)
    async with NatsServer(tmp_path, "-c", str(conf), jetstream=False) as server:
        heard: list[bytes] = []
        async with at(server.url, credentials=str(file)) as bus:
            await bus.listen(SUBJECT, lambda _, data: heard.append(data))
            await said_until_heard(bus, b"1", heard)
        (tmp_path / "other").mkdir()
        _, stranger = made(tmp_path / "other")
        for credentials in ("", str(stranger)):
            caplog.clear()
            async with at(server.url, connected=False, credentials=credentials) as bus:
                assert "BUS_CREDENTIALS" in await said(caplog, "refuses")
                assert not bus.connected
    assert "SU" + file.read_text().split("SU", 1)[1][:20] not in caplog.text


def test_a_file_that_cannot_be_used_is_said_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one sentence that says what is wrong with it."""
    assert option_of("") == {}
    _, file = credentials_of(tmp_path)
    assert option_of(str(file)) == {"user_credentials": str(file)}
    _, seed = nkey_of(tmp_path)
    assert option_of(str(seed)) == {"nkeys_seed": str(seed)}
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    for bad, words in (
        (tmp_path / "missing", "cannot be read"),
        (tmp_path, "cannot be read"),
        (_written(tmp_path, "empty", ""), "neither"),
        (_written(tmp_path, "public", "UDCRBJ7X"), "neither"),
        (binary, "neither"),
        (_written(tmp_path, "short", "SUAIUCLW\n"), "damaged"),
        (_written(tmp_path, "cut", "BEGIN NATS USER JWT\nx\nBEGIN USER NKEY SEED\nSUA\n"), "damaged"),
    ):
        with pytest.raises(CredentialsUnusable, match=words):
            option_of(str(bad))
        settings = Settings(bus="nats://127.0.0.1:1", bus_credentials=str(bad))
        with pytest.raises(SettingError, match=words):
            bus_of(settings)
    monkeypatch.setitem(sys.modules, "nkeys", None)
    with pytest.raises(CredentialsUnusable, match="pip install nkeys"):
        option_of(str(file))
