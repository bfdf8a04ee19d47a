import asyncio
import base64
import datetime
import hashlib
import shutil
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509

from device.protocol import RELAY_NAME
from relay.address import own_hosts
from relay.certificate import (
    AUTHORITY_FILE,
    CERTIFICATE_FILE,
    CertificateError,
    load_identity,
    replace_identity,
    server_context,
)

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
NOW = datetime.datetime.now(datetime.timezone.utc)
HOSTS = ["bramble.local", "127.0.0.1", "::1"]


@pytest.fixture
def made(tmp_path):
    return load_identity(tmp_path / "data", HOSTS)


class Greeter:
    """A TLS server that says hello."""

    def __init__(self, identity):
        self.context = server_context(identity)

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._greet, "127.0.0.1", 0, ssl=self.context)
        return self._server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_):
        self._server.close()

    async def _greet(self, _reader, writer):
        writer.write(b"hello\n")
        await writer.drain()
        writer.close()


async def greeting(port, authority, host=RELAY_NAME, *, strict=False):
    context = ssl.create_default_context(cadata=ssl.DER_cert_to_PEM_cert(authority))
    if strict:
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname=host
    )
    try:
        return await reader.readline()
    finally:
        writer.close()


async def greeting_on_the_toy(port, identity, host=RELAY_NAME):
    assert MICROPYTHON, "the test extra installs MicroPython"
    process = await asyncio.create_subprocess_exec(
        MICROPYTHON,
        "-c",
        FIRMWARE.format(certificate=identity.for_toy, port=port, host=host),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return output.decode()


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("host", [RELAY_NAME, "bramble.local", "127.0.0.1"])
async def test_it_is_trusted_by_its_own_name_and_by_those_of_the_computer(made, host, strict):
    async with Greeter(made) as port:
        assert await greeting(port, made.authority, host, strict=strict) == b"hello\n"


async def test_another_name_or_another_house_is_not_trusted(made, tmp_path):
    other = load_identity(tmp_path / "other", HOSTS)
    async with Greeter(made) as port:
        with pytest.raises(ssl.SSLCertVerificationError):
            await greeting(port, made.authority, "example.org")
        with pytest.raises(ssl.SSLCertVerificationError):
            await greeting(port, other.authority)
        assert "hello" in await greeting_on_the_toy(port, made)
        assert "match" in await greeting_on_the_toy(port, made, "no.org")
        assert "hello" not in await greeting_on_the_toy(port, other)


def valid_until(identity):
    found = x509.load_pem_x509_certificate(identity.certificate.read_bytes())
    return found.not_valid_after_utc


async def test_a_renewed_certificate_is_trusted_by_toys_that_know_the_house(made):
    folder = made.certificate.parent
    greeter = Greeter(made)
    async with greeter as port:
        later = NOW + datetime.timedelta(days=350)
        renewed = load_identity(folder, HOSTS, later)
        greeter.context.load_cert_chain(renewed.certificate)  # as the running relay does
        assert valid_until(renewed) > later + datetime.timedelta(days=300)
        assert renewed.authority == made.authority
        assert "hello" in await greeting_on_the_toy(port, made)


def test_what_is_good_is_left_alone_and_a_new_address_is_added(made):
    folder = made.certificate.parent
    before = made.certificate.read_bytes()
    soon = NOW + datetime.timedelta(days=30)
    assert load_identity(folder, HOSTS[:2], soon) == made
    assert made.certificate.read_bytes() == before
    assert load_identity(folder, [*HOSTS, "192.168.1.77"]).authority == made.authority
    names = x509.load_pem_x509_certificate(made.certificate.read_bytes()).extensions
    found = names.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "192.168.1.77" in map(str, found.get_values_for_type(x509.IPAddress))


def test_one_made_while_the_clock_was_far_ahead_is_made_anew(tmp_path):
    wrong = load_identity(tmp_path, HOSTS, NOW + datetime.timedelta(days=3000))
    assert valid_until(load_identity(tmp_path, HOSTS)) < valid_until(wrong) or valid_until(
        wrong
    ) < NOW + datetime.timedelta(days=800)


def test_a_toy_whose_clock_was_never_set_accepts_the_dates(made):
    for der in (made.authority, ssl.PEM_cert_to_DER_cert(first_of(made.certificate))):
        certificate = x509.load_der_x509_certificate(der)
        assert certificate.not_valid_before_utc.year == 1970
    assert x509.load_der_x509_certificate(made.authority).not_valid_after_utc.year == 2049


def first_of(path):
    text = path.read_text()
    return text[: text.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)]


def test_what_the_toy_is_given_is_the_house_and_small(made):
    assert base64.b64decode(made.for_toy) == made.authority
    assert made.fingerprint == hashlib.sha256(made.authority).hexdigest()
    assert len(made.authority) < 450  # it stays in the toy's memory


def test_only_the_owner_may_read_the_keys(made):
    folder = made.certificate.parent
    assert {path.name for path in folder.iterdir()} == {AUTHORITY_FILE, CERTIFICATE_FILE}
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_programs_that_start_together_agree_on_one_house(tmp_path):
    script = (
        "from pathlib import Path; from relay.certificate import load_identity;"
        f"print(load_identity(Path({str(tmp_path / 'data')!r}), []).fingerprint)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) for _ in range(4)
    ]
    found = {process.communicate(timeout=60)[0] for process in processes}
    assert len(found) == 1 and len(found.pop().strip()) == 64


@pytest.mark.parametrize("content", [b"", b"not a certificate", b"\xff" * 10])
def test_a_damaged_certificate_is_made_anew_and_a_damaged_house_is_not(made, content):
    folder = made.certificate.parent
    made.certificate.write_bytes(content)
    assert load_identity(folder, HOSTS) == made
    assert server_context(made) is not None
    (folder / AUTHORITY_FILE).write_bytes(content)
    with pytest.raises(CertificateError, match="back-up"):
        load_identity(folder, HOSTS)


def test_a_new_identity_is_made_only_when_asked_for(made):
    folder = made.certificate.parent
    again = replace_identity(folder, HOSTS)
    assert again.authority != made.authority
    assert load_identity(folder, HOSTS) == again


@pytest.mark.parametrize("host", ["", "a b", "-x", "x" * 64, "ws://host", "host/path", "ü.local"])
def test_what_is_no_host_is_refused(tmp_path, host):
    with pytest.raises(CertificateError, match="neither a host name nor an address"):
        load_identity(tmp_path, [host])


def test_this_computers_names_make_a_certificate(tmp_path):
    assert "localhost" in own_hosts()
    assert server_context(load_identity(tmp_path, own_hosts())) is not None


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CertificateError, match="check the owner"):
        load_identity(tmp_path / "file", ["localhost"])
