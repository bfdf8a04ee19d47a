"""The toy's WebSocket client against the library that the relay uses, in the clear and over TLS."""

import asyncio
import datetime
import hashlib
import http
import ipaddress
import os
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import Request, Response, Server, ServerConnection, serve

from tests.device.test_on_micropython import HERE, ROOT, micropython

TIMEOUT_S = 60
HOST = "127.0.0.1"
OTHER = "192.0.2.1"
# On a toy without a clock the date is 2000-01-01.
NOT_BEFORE = datetime.datetime(1999, 12, 31)


def make_certificate(folder: Path, name: str) -> Path:
    """Write a self-signed certificate for an address, as PEM with key and as DER; return that."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_BEFORE + datetime.timedelta(days=50 * 365))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / f"{name}.pem").write_bytes(pem)
    der = folder / f"{name}.der"
    der.write_bytes(certificate.public_bytes(serialization.Encoding.DER))
    return der


def server_context(folder: Path, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem")
    return context


async def run_client(server: Server, certificate: str, scenario: str) -> str:
    """Run the client on MicroPython; return the line it prints."""
    port = server.sockets[0].getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        micropython(), "-X", "heapsize=1M", str(HERE / "interop_client.py"),
        HOST, str(port), certificate, scenario,
        env={**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        output, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.kill()
    return output.decode().strip()


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def digest_slowly(connection: ServerConnection) -> None:
    """Let the client run into full buffers, then read all and send the SHA-256 of it."""
    digest = hashlib.sha256()
    await asyncio.sleep(1)
    async for message in connection:
        if isinstance(message, str):
            await connection.send(digest.hexdigest())
        else:
            digest.update(message)


options = {"subprotocols": ["bramble.v1"], "compression": None, "ping_interval": None}


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize(
    ("handler", "scenario", "outcome"), [(echo, "echo", "echoed"), (digest_slowly, "flood", "same")]
)
async def test_messages_arrive(
    tmp_path: Path, secure: bool, handler, scenario: str, outcome: str
) -> None:
    der = make_certificate(tmp_path, HOST)
    context = server_context(tmp_path, HOST) if secure else None
    async with serve(handler, HOST, 0, ssl=context, max_queue=1, **options) as server:
        assert await run_client(server, str(der) if secure else "-", scenario) == outcome


@pytest.mark.parametrize(("served", "trusted"), [(HOST, OTHER), (OTHER, OTHER)])
async def test_another_certificate_is_refused(tmp_path: Path, served: str, trusted: str) -> None:
    """One that the toy was not given, and one that is made out to another host."""
    for name in (HOST, OTHER):
        make_certificate(tmp_path, name)
    reached = []

    async def handler(connection: ServerConnection) -> None:
        reached.append(connection)

    context = server_context(tmp_path, served)
    async with serve(handler, HOST, 0, ssl=context, **options) as server:
        outcome = await run_client(server, str(tmp_path / f"{trusted}.der"), "echo")
    assert outcome.startswith("certificate refused:")
    assert not reached


async def test_the_token_travels_and_a_refusal_has_its_status() -> None:
    tokens = []

    def refuse(connection: ServerConnection, request: Request) -> Response:
        tokens.append(request.headers["Authorization"])
        return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "full\n")

    async with serve(echo, HOST, 0, process_request=refuse, **options) as server:
        assert await run_client(server, "-", "echo") == "handshake refused: 503"
    assert tokens == ["Bearer t0ken"]


async def test_the_servers_close_code_arrives() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.close(4429, "too many requests")

    async with serve(handler, HOST, 0, **options) as server:
        assert await run_client(server, "-", "echo") == "closed: 4429 too many requests"
