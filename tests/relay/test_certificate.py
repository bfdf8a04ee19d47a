import asyncio
import base64
import hashlib
import shutil
import ssl
import stat
import sys
from pathlib import Path

import pytest
from cryptography import x509

from relay.address import own_hosts
from relay.certificate import CertificateError, make_certificate, server_context
from relay.config import ListenSettings
from relay.errors import ConfigError

MICROPYTHON = shutil.which("micropython", path=str(Path(sys.executable).parent))
FIRMWARE = """
import binascii, socket, tls
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
context.verify_mode = tls.CERT_REQUIRED
context.load_verify_locations(binascii.a2b_base64("{certificate}"))
stream = socket.socket()
stream.connect(socket.getaddrinfo("127.0.0.1", {port})[0][-1])
print(context.wrap_socket(stream, server_hostname="{host}").readline())
"""


@pytest.fixture
def made(tmp_path):
    return make_certificate(tmp_path / "data", ["bramble.local", "127.0.0.1", "::1"])


def listen(made):
    return ListenSettings(certificate=made.certificate, private_key=made.private_key)


class Greeter:
    """A TLS server that says hello."""

    def __init__(self, settings):
        self._context = server_context(settings)

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._greet, "127.0.0.1", 0, ssl=self._context)
        return self._server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_):
        self._server.close()

    async def _greet(self, _reader, writer):
        writer.write(b"hello\n")
        await writer.drain()
        writer.close()


async def greeting(port, certificate, host, *, strict=False):
    context = ssl.create_default_context(cafile=certificate)
    if strict:
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname=host
    )
    try:
        return await reader.readline()
    finally:
        writer.close()


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("host", ["bramble.local", "127.0.0.1"])
async def test_it_is_trusted_by_name_and_address(made, host, strict):
    async with Greeter(listen(made)) as port:
        assert await greeting(port, made.certificate, host, strict=strict) == b"hello\n"


async def test_another_name_or_another_certificate_is_not_trusted(made, tmp_path):
    other = make_certificate(tmp_path / "other", ["127.0.0.1"])
    async with Greeter(listen(made)) as port:
        with pytest.raises(ssl.SSLCertVerificationError):
            await greeting(port, made.certificate, "example.org")
        with pytest.raises(ssl.SSLCertVerificationError):
            await greeting(port, other.certificate, "127.0.0.1")


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", "hello"), ("bramble.local", "hello"), ("no.org", "match")]
)
async def test_the_firmwares_python_trusts_what_it_was_given(made, host, expected):
    assert MICROPYTHON, "the test extra installs MicroPython"
    async with Greeter(listen(made)) as port:
        process = await asyncio.create_subprocess_exec(
            MICROPYTHON,
            "-c",
            FIRMWARE.format(certificate=made.for_toy, port=port, host=host),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert expected in output.decode()


def test_a_toy_whose_clock_starts_in_2000_accepts_the_dates(made):
    certificate = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    assert certificate.not_valid_before_utc.year == 1999
    assert certificate.not_valid_after_utc.year == 2049


def test_what_is_printed_is_the_certificate(made):
    der = base64.b64decode(made.for_toy)
    assert ssl.PEM_cert_to_DER_cert(made.certificate.read_text()) == der
    assert made.fingerprint == hashlib.sha256(der).hexdigest()
    assert len(made.for_toy) < 2000  # it has to fit into the toy's settings


def test_only_the_owner_may_read_the_key(made):
    assert stat.S_IMODE(made.private_key.stat().st_mode) == 0o600
    assert not list(made.private_key.parent.glob("*.new"))


def test_a_certificate_that_toys_trust_is_not_overwritten_by_accident(made):
    folder = made.certificate.parent
    before = made.certificate.read_bytes()
    with pytest.raises(CertificateError, match="--replace"):
        make_certificate(folder, ["localhost"])
    assert made.certificate.read_bytes() == before
    again = make_certificate(folder, ["localhost"], replace=True)
    assert again.fingerprint != made.fingerprint
    assert server_context(listen(again)) is not None


@pytest.mark.parametrize("host", ["", "a b", "-x", "x" * 64, "ws://host", "host/path", "ü.local"])
def test_what_is_no_host_is_refused(tmp_path, host):
    with pytest.raises(CertificateError, match="neither a host name nor an address"):
        make_certificate(tmp_path, [host])


def test_this_computers_names_make_a_certificate(tmp_path):
    hosts = own_hosts()
    assert "localhost" in hosts
    assert make_certificate(tmp_path, hosts).hosts == tuple(hosts)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CertificateError, match="cannot be written"):
        make_certificate(tmp_path / "file", ["localhost"])


def test_without_a_certificate_there_is_no_tls():
    assert server_context(ListenSettings()) is None


def test_a_missing_wrong_or_strange_certificate_is_named(made, tmp_path):
    other = make_certificate(tmp_path / "other", ["127.0.0.1"])
    with pytest.raises(ConfigError, match="cannot be read"):
        server_context(ListenSettings(certificate="/no/cert.pem", private_key="/no/key.pem"))
    with pytest.raises(ConfigError, match="do not fit together"):
        server_context(ListenSettings(certificate=made.certificate, private_key=other.private_key))
    made.certificate.write_text("not a certificate")
    with pytest.raises(ConfigError, match="no PEM files"):
        server_context(listen(made))
