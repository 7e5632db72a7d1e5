"""The connection to a real nats-server, and what is said where it cannot be had."""

import asyncio
import contextlib
import logging
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from api.bus.address import bus_address
from api.bus.connection import Bus, BusLost
from api.bus.subjects import Kind, Subject
from tests.api.serving import PATIENCE, until
from tests.nats_server import NatsServer, needs_nats
from tests.program import ROOT

pytestmark = needs_nats

SECRET = "not-for-logs"  # noqa: S105
SUBJECT = str(Subject("simulated", "BTCUSDT", Kind.SECOND, "a"))


@contextlib.asynccontextmanager
async def at(
    url: str,
    *,
    connected: bool = True,
    on_connected: Callable[[], None] = lambda: None,
    credentials: str = "",
) -> AsyncIterator[Bus]:
    """Run a connection to `url`, and wait for it unless it is not to come."""
    bus = Bus(bus_address(url, credentials), "test", on_connected=on_connected)
    task = asyncio.create_task(bus.run())
    try:
        if connected:
            await until(lambda: bus.connected)
        yield bus
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def files_in(folder: Path) -> list[Path]:
    """Return all files below a folder."""
    return [file for file in folder.rglob("*") if file.is_file()]


async def said(caplog: pytest.LogCaptureFixture, words: str) -> str:
    """Wait for a warning with these words, and return it."""
    await until(lambda: any(words in record.getMessage() for record in caplog.records))
    return next(record.getMessage() for record in caplog.records if words in record.getMessage())


async def said_until_heard(bus: Bus, data: bytes, heard: list[bytes]) -> None:
    """Say it again and again: connected, who listens may yet have to say what to."""
    async with asyncio.timeout(PATIENCE):
        while data not in heard:
            await bus.publish(SUBJECT, data)
            await asyncio.sleep(0.02)


async def no_answer_of(bus: Bus) -> None:
    """Wait until its server gives none."""
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(BusLost):
            while True:
                await bus.flush()


async def test_what_was_said_is_kept_for_who_comes_later_and_on_no_disk(tmp_path: Path) -> None:
    """In order, of the subjects that are asked for; nothing where nothing is."""
    async with NatsServer(tmp_path) as server, at(server.url) as bus:
        assert await bus.kept(SUBJECT) == []
        await bus.make_stream()
        await bus.make_stream()
        assert await bus.kept(SUBJECT) == []
        assert await bus.newest(SUBJECT) is None
        for number in range(250):
            await bus.publish(SUBJECT, b"%d" % number)
        await bus.flush()
        assert [one.data for one in await bus.kept(SUBJECT.replace(".a", ".*"))] == [
            b"%d" % n for n in range(250)
        ]
        newest = await bus.newest(SUBJECT)
        assert newest is not None
        assert newest.data == b"249"
        assert await bus.kept(SUBJECT.replace("BTC", "ETH")) == []
    assert files_in(tmp_path) == []


async def test_who_begins_to_listen_while_the_bus_is_away_hears_once_it_is_back(tmp_path: Path) -> None:
    """A client may ask for a symbol just then; nobody would ask for it again."""
    heard: list[bytes] = []
    async with NatsServer(tmp_path) as server, at(server.url) as listener, at(server.url) as bus:
        await server.kill()
        await until(lambda: not bus.connected and not listener.connected)
        await listener.listen(SUBJECT, lambda _, data: heard.append(data))
        await server.start()
        await until(lambda: bus.connected and listener.connected)
        await said_until_heard(bus, b"1", heard)


async def test_who_listens_hears_on_after_the_server_was_begun_anew(tmp_path: Path) -> None:
    """And is told of the new connection."""
    heard: list[bytes] = []
    async with NatsServer(tmp_path) as server, at(server.url) as listener, at(server.url) as bus:
        await listener.listen(SUBJECT, lambda _, data: heard.append(data))
        await said_until_heard(bus, b"1", heard)
        await server.kill()
        await until(lambda: not bus.connected and not listener.connected)
        with pytest.raises(BusLost):
            await bus.publish(SUBJECT, b"lost")
        await server.start()
        await until(lambda: bus.connected and listener.connected)
        await said_until_heard(bus, b"2", heard)
        await listener.stop_listening(SUBJECT)
        await bus.publish(SUBJECT, b"3")
        await bus.flush()
    assert set(heard) == {b"1", b"2"}
    assert b"lost" not in heard


async def test_a_server_that_stood_still_costs_no_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that nobody waits for any more may still come."""
    monkeypatch.setattr("api.bus.connection.PING_EVERY", 2 * PATIENCE)
    heard: list[bytes] = []
    connections: list[bool] = []
    async with (
        NatsServer(tmp_path) as server,
        at(server.url, on_connected=lambda: connections.append(True)) as listener,
        at(server.url) as bus,
    ):
        monkeypatch.setattr("api.bus.connection.ANSWER_TIMEOUT", 0.1)
        server.stop()
        await no_answer_of(listener)  # on a busy machine it stops a while after
        await listener.listen(SUBJECT, lambda _, data: heard.append(data))
        abandoned = asyncio.create_task(listener.flush())
        await asyncio.sleep(0)
        abandoned.cancel()
        server.go_on()
        await said_until_heard(bus, b"1", heard)
        assert connections == [True]


async def test_a_wrong_password_is_said_and_not_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With what to check."""
    async with NatsServer(tmp_path, "--user", "me", "--pass", "right") as server:
        url = server.url.replace("//", f"//me:{SECRET}@")
        async with at(url, connected=False) as bus:
            sentence = await said(caplog, "refuses")
            assert not bus.connected
        assert "BUS" in sentence
        async with at(server.url.replace("//", "//me:right@")):
            pass
    assert SECRET not in caplog.text


async def test_a_server_that_is_not_there_or_keeps_nothing_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In one sentence each."""
    async with at("nats://127.0.0.1:1", connected=False):
        assert "nats-server" in await said(caplog, "does not answer")
    async with NatsServer(tmp_path, jetstream=False) as server, at(server.url) as bus:
        with pytest.raises(BusLost):
            await bus.make_stream()
        assert "-js" in await said(caplog, "keeps nothing")


async def test_a_message_that_the_server_does_not_take_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And costs no connection."""
    async with NatsServer(tmp_path) as server, at(server.url) as bus:
        await bus.publish(SUBJECT, bytes(2 * 2**20))
        assert "--book-levels" in await said(caplog, "max_payload")
        await bus.flush()


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of 127.0.0.1 that signs itself; return it and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(  # noqa: S603 - the words are ours
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=127.0.0.1",
            ),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


async def test_tls_is_spoken_and_its_certificate_checked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate of one's own is trusted by `SSL_CERT_FILE`, as by all else that uses OpenSSL."""
    cert, key = certificate(tmp_path)
    async with NatsServer(tmp_path / "js", "--tls", "--tlscert", str(cert), "--tlskey", str(key)) as server:
        url = server.url.replace("nats://", "tls://")
        async with at(url, connected=False):
            await said(caplog, "certificate that is not trusted")
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        async with at(url) as bus:
            await bus.make_stream()


async def test_nothing_is_told_to_a_server_without_tls_where_tls_is_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Who stands between could have taken it away, to hear the password."""
    caplog.set_level(logging.WARNING)
    lines: list[bytes] = []

    async def overhear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.9.10","max_payload":1048576}\r\n')
        with contextlib.suppress(OSError):
            lines.append(await asyncio.wait_for(reader.read(4096), PATIENCE))
        writer.close()

    eavesdropper = await asyncio.start_server(overhear, "127.0.0.1", 0)
    port = eavesdropper.sockets[0].getsockname()[1]
    async with at(f"tls://me:{SECRET}@127.0.0.1:{port}", connected=False):
        await said(caplog, "offers no TLS")
    eavesdropper.close()
    assert SECRET.encode() not in b"".join(lines)


async def test_nobody_speaks_in_the_clear_where_tls_is_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a user there is no secret to hear, but what is said could be anybody's."""
    async with NatsServer(tmp_path) as server:
        async with at(server.url.replace("nats://", "tls://"), connected=False) as bus:
            await said(caplog, "offers no TLS")
            assert not bus.connected
        async with at(server.url):
            pass


class SwallowingClient:
    """What the library does where a cancellation comes just as an answer does."""

    is_connected = True

    async def flush(self, timeout: float) -> None:
        """Take a cancellation for nothing."""
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(timeout + PATIENCE)


async def test_a_cancellation_that_the_library_swallows_still_ends_the_task() -> None:
    """Else Ctrl-C would not end an engine that just waits for the server."""
    bus = Bus(bus_address("nats://127.0.0.1:1"), "test", on_connected=lambda: None)
    bus._client = SwallowingClient()  # type: ignore[assignment]

    async def flush_for_ever() -> None:
        while True:
            await bus.flush()

    task = asyncio.create_task(flush_for_ever())
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=PATIENCE)
    assert done
    assert task.cancelled()


def documented_server(folder: Path) -> Path:
    """Write the server's configuration that docs/cluster.md has; return its file."""
    text = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    block = next(part for part in text.split("```")[1::2] if "authorization" in part)
    block = block.replace('"/tmp/nats"', f'"{folder / "js"}"')
    file = folder / "nats.conf"
    file.write_text(block.replace("$ENGINE_PASSWORD", "engines").replace("$API_PASSWORD", "apis"))
    return file


async def test_the_documented_users_may_do_what_they_must_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Engines keep and say; APIs listen, read what is kept and ask for books, and say no second."""
    heard: list[bytes] = []
    asked: list[str] = []
    wanted = str(Subject("simulated", "BTCUSDT", Kind.WANTED, "api"))
    async with NatsServer(tmp_path, "-c", str(documented_server(tmp_path)), jetstream=False) as server:
        urls = [server.url.replace("//", f"//{user}@") for user in ("engine:engines", "api:apis")]
        async with at(urls[0]) as engine, at(urls[1]) as api:
            await engine.make_stream()
            await engine.listen(wanted.replace(".api", ".*"), lambda subject, _: asked.append(subject))
            await api.listen(SUBJECT.replace(".a", ".*"), lambda _, data: heard.append(data))
            await said_until_heard(engine, b"1", heard)
            assert await engine.newest(SUBJECT) is not None
            assert {one.data for one in await api.kept(SUBJECT.replace(".a", ".*"))} == {b"1"}
            async with asyncio.timeout(PATIENCE):
                while not asked:
                    await api.publish(wanted, b"")
                    await asyncio.sleep(0.02)
            assert set(asked) == {wanted}
            assert "does not allow" not in caplog.text
            await api.publish(SUBJECT, b"false")
            await said(caplog, "does not allow")
            assert set(heard) == {b"1"}
