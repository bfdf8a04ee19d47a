"""The page over a real connection: TLS, impatience, a good end, and nothing private in the log."""

import asyncio
import hashlib
import logging
import re
import ssl

import httpx
import pytest

from relay.certificate import load_identity, server_context
from relay.parent import server as page_server
from relay.parent.links import shown_fingerprint
from relay.parent.server import PageServer
from tests.parent.page import PASSWORD, TOKEN, open_house

PATIENCE_S = 20
LOOPBACK = {"host": "127.0.0.1", "port": 0}


@pytest.fixture
async def served(tmp_path):
    """A house whose page is served in the clear."""
    async with open_house(tmp_path, parent=LOOPBACK) as house:
        server = PageServer(house.services, None)
        await server.start()
        yield house, server
        await server.stop()


async def test_over_tls_with_the_relays_own_certificate(tmp_path):
    identity = load_identity(tmp_path, ["127.0.0.1"])
    async with open_house(tmp_path, secure=True, parent=LOOPBACK) as house:
        server = PageServer(house.services, server_context(identity))
        await server.start()
        trusting = ssl.create_default_context(cadata=ssl.DER_cert_to_PEM_cert(identity.authority))
        base = f"https://127.0.0.1:{server.port}"
        async with httpx.AsyncClient(verify=trusting, base_url=base) as client:
            answer = await client.get("/login")
            assert answer.status_code == 200 and "__Host-bramble" in answer.headers["set-cookie"]
        shown = ssl.get_server_certificate
        pem = await asyncio.to_thread(shown, ("127.0.0.1", server.port))
        expected = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
        assert shown_fingerprint(identity.certificate).replace(":", "") == expected
        await server.stop()


async def test_a_connection_that_only_trickles_is_closed(served, monkeypatch):
    monkeypatch.setattr(page_server, "_PATIENCE_S", 0.2)
    _, server = served
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
    writer.close()


async def test_a_form_that_never_ends_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr("relay.parent.gatekeeper.REQUEST_S", 0.2)
    async with open_house(tmp_path, parent=LOOPBACK) as house:
        server = PageServer(house.services, None)
        await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\nname="
        )
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
        assert answer.startswith(b"HTTP/1.1 408")
        writer.close()
        await server.stop()


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"\0" * 100, b"A" * 100_000, b"\r\n" * 50]
)
async def test_junk_harms_nobody(served, junk):
    _, server = served
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(junk)
    writer.write_eof()
    await asyncio.wait_for(reader.read(), PATIENCE_S)
    writer.close()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        assert (await client.get("/login")).status_code == 200


async def test_a_taken_port_is_an_error_at_once(served):
    house, server = served
    settings = house.services.settings.model_copy(
        update={"parent": house.services.settings.parent.model_copy(update={"port": server.port})}
    )
    house.services.settings = settings
    with pytest.raises(OSError, match="in use"):
        await PageServer(house.services, None).start()


async def test_stopping_is_harmless_when_repeated_or_never_started(tmp_path):
    async with open_house(tmp_path, parent=LOOPBACK) as house:
        server = PageServer(house.services, None)
        await server.stop()
        await server.start()
        await server.stop()
        await server.stop()
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", server.port)


async def test_the_log_holds_no_password_link_cookie_or_name(served, caplog):
    house, server = served
    with caplog.at_level(logging.DEBUG):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
            link = await house.invite()
            token = TOKEN.search((await client.get(link)).text)[1]
            fields = {"name": "Adalbertine", "password": PASSWORD, "again": PASSWORD}
            assert (await client.post(link, data={"token": token, **fields})).status_code == 303
            token = TOKEN.search((await client.get("/children/new")).text)[1]
            await client.post("/children/new", data={"token": token, "name": "Mia", "age": "6"})
            cookie = client.cookies["bramble"]
    ours = "\n".join(
        record.getMessage() + str(vars(record).get("fields", ""))
        for record in caplog.records
        if not record.name.startswith(("httpx", "httpcore"))
    )
    for private in (PASSWORD, link.split("/")[-1], cookie, token, "Adalbertine", "Mia"):
        assert private not in ours
    assert not re.search(r"(GET|POST) /", ours)
