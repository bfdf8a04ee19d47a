"""The relay's own certificate: made here, trusted by the toy because the toy is given a copy."""

import base64
import datetime
import hashlib
import ipaddress
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from relay.address import HOST_NAME
from relay.config import ListenSettings
from relay.errors import ConfigError, RelayError

CERTIFICATE_NAME = "certificate.pem"
KEY_NAME = "private_key.pem"

# A toy without a clock starts in the year 2000 and checks the dates: begin before that.
NOT_BEFORE = datetime.datetime(1999, 12, 31, tzinfo=datetime.timezone.utc)
# The last day that X.509 writes as UTCTime (RFC 5280, 4.1.2.5), which every parser reads.
NOT_AFTER = datetime.datetime(2049, 12, 31, tzinfo=datetime.timezone.utc)


class CertificateError(RelayError):
    """The certificate cannot be made; the message says why."""


@dataclass(frozen=True)
class Certificate:
    """A certificate made by `make_certificate`: where it lies and what a toy must be given."""

    certificate: Path
    private_key: Path
    hosts: tuple[str, ...]
    fingerprint: str  # SHA-256 of the DER, 64 hex digits
    for_toy: str  # base64 of the DER: `relay_certificate` of the toy's settings


def make_certificate(folder: Path, hosts: Sequence[str], *, replace: bool = False) -> Certificate:
    """Make a self-signed certificate for `hosts` and its key (EC P-256) in `folder`.

    The key can be read by its owner only. Raises CertificateError when a host is no name or
    address, when there is a certificate already and not `replace`, or when it cannot be written.
    """
    alternatives = [_general_name(host) for host in hosts]
    if not alternatives:
        raise CertificateError("a certificate needs at least one name or address: --host NAME")
    paths = folder / CERTIFICATE_NAME, folder / KEY_NAME
    if not replace and any(path.exists() for path in paths):
        raise CertificateError(
            f"{paths[0]} is there already, and toys may trust it: "
            "--replace makes a new one, which every toy must be given then"
        )
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _sign(key, hosts[0], alternatives)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(
            paths[1],
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            mode=0o600,
        )
        _write(paths[0], certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
    except OSError as error:
        raise CertificateError(f"{folder} cannot be written: {error.strerror}") from error
    der = certificate.public_bytes(serialization.Encoding.DER)
    return Certificate(
        *paths,
        tuple(hosts),
        hashlib.sha256(der).hexdigest(),
        base64.b64encode(der).decode("ascii"),
    )


def server_context(settings: ListenSettings) -> ssl.SSLContext | None:
    """Return the TLS context of the relay's listener, None without a certificate.

    Raises ConfigError when certificate or key cannot be used.
    """
    if settings.certificate is None or settings.private_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.private_key, password="")
    except ssl.SSLError as error:
        raise ConfigError(
            f"listen.certificate: {settings.certificate} and {settings.private_key} do not fit "
            f"together or are no PEM files ({error.reason or 'unreadable'}); "
            "`python -m relay certificate` makes new ones"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"listen.certificate: {settings.certificate} or {settings.private_key} cannot be read: "
            f"{error.strerror}; `python -m relay certificate` makes new ones"
        ) from error
    return context


def _sign(
    key: ec.EllipticCurvePrivateKey, name: str, alternatives: Sequence[x509.GeneralName]
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Bramble relay {name}"[:64])])
    public_key = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        # It is its own anchor of trust and signs nothing else: no certificate authority, so that
        # whoever steals the key cannot make certificates for other names that a toy would accept.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key), critical=False
        )
        .sign(key, hashes.SHA256())
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if not HOST_NAME.fullmatch(host) or len(host) > 253:
            raise CertificateError(f"{host[:80]!r} is neither a host name nor an address") from None
        return x509.DNSName(host)


def _write(path: Path, content: bytes, *, mode: int) -> None:
    # Written beside and renamed: never half a file, and never a moment with other rights.
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
