"""Who the relay is: a house authority that toys trust for good, and the certificate it signs.

The toys pin the authority's certificate, which is made once and changes never. What the relay shows
them is signed by it, lives for a year, and is renewed without them noticing.
"""

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
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from device.protocol import RELAY_NAME
from relay.address import HOST_NAME
from relay.errors import RelayError

# Each holds a certificate and its key, so that the two can never come apart.
AUTHORITY_FILE = "house.pem"
CERTIFICATE_FILE = "relay.pem"

# A toy without a clock starts in 2000, on some ports in 1970, and checks the dates all the same.
NOT_BEFORE = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
# The last day that X.509 writes as UTCTime (RFC 5280, 4.1.2.5), which every parser reads.
NOT_AFTER = datetime.datetime(2049, 12, 31, tzinfo=datetime.timezone.utc)
VALID = datetime.timedelta(days=397)
RENEW_BEFORE = datetime.timedelta(days=60)


class CertificateError(RelayError):
    """The certificate cannot be made or read; the message says why and what to do."""


@dataclass(frozen=True)
class Identity:
    """The relay's identity on disk. `authority` is the DER of what the toys pin."""

    authority: bytes
    certificate: Path  # PEM: the relay's own certificate and its private key

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the authority's certificate: 64 hex digits."""
        return hashlib.sha256(self.authority).hexdigest()

    @property
    def for_toy(self) -> str:
        """What `relay_certificate` of a toy's settings says: the authority's DER in base64."""
        return base64.b64encode(self.authority).decode("ascii")


@dataclass(frozen=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM) + self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def load_identity(
    folder: Path, hosts: Sequence[str], now: datetime.datetime | None = None
) -> Identity:
    """Return the identity in `folder`; what is missing is made, what runs out is renewed.

    `hosts` are names and addresses that browsers use; toys check `RELAY_NAME` alone, so that an
    address may change. Raises CertificateError.
    """
    now = now or datetime.datetime.now(datetime.timezone.utc)
    alternatives = [_general_name(host) for host in dict.fromkeys((RELAY_NAME, *hosts))]
    path = folder / CERTIFICATE_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        authority = _load_authority(folder / AUTHORITY_FILE)
        if not _is_good(path, authority.certificate, alternatives, now):
            _write(path, _sign(authority, alternatives, now).pem())
    except OSError as error:
        raise CertificateError(
            f"{folder}: the relay's certificate cannot be read or written "
            f"({(error.strerror or '?').lower()}): check the owner and the rights"
        ) from error
    return Identity(authority.certificate.public_bytes(serialization.Encoding.DER), path)


def replace_identity(folder: Path, hosts: Sequence[str]) -> Identity:
    """Make a new identity over the old one; every toy must be paired anew. CertificateError."""
    try:
        (folder / AUTHORITY_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise CertificateError(f"{folder} cannot be written: {error.strerror}") from error
    return load_identity(folder, hosts)


def server_context(identity: Identity) -> ssl.SSLContext:
    """Return the TLS context of a listener; call `load_cert_chain` on it again after a renewal."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(identity.certificate)
    return context


def _load_authority(path: Path) -> _Pair:
    if not path.exists():
        made = _make_authority()
        beside = _write_beside(path, made.pem())
        try:
            # Two programs may start at once (the relay, and `toy pair`): the first one wins.
            os.link(beside, path)
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    found = _read(path)
    if found is None:
        raise CertificateError(
            f"{path} is damaged: put it back from a back-up, or make a new identity with "
            "`python -m relay certificate --replace` and pair every toy anew"
        )
    return found


def _make_authority() -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bramble house")])
    usage = x509.KeyUsage(False, False, False, False, False, True, False, False, False)
    certificate = (
        _builder(name, name, key.public_key())
        .not_valid_after(NOT_AFTER)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return _Pair(certificate, key)


def _sign(
    authority: _Pair, alternatives: Sequence[x509.GeneralName], now: datetime.datetime
) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bramble relay")])
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    issuer = authority.certificate
    certificate = (
        _builder(name, issuer.subject, key.public_key())
        .not_valid_after(min(now + VALID, NOT_AFTER))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    return _Pair(certificate, key)


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOT_BEFORE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _is_good(
    path: Path,
    authority: x509.Certificate,
    alternatives: Sequence[x509.GeneralName],
    now: datetime.datetime,
) -> bool:
    """Tell whether the relay's certificate may stay: ours, not running out, with these names."""
    found = _read(path)
    if found is None or found.certificate.not_valid_after_utc - now < RENEW_BEFORE:
        return False
    # A clock that was wrong when it was made must not leave one that browsers refuse.
    if found.certificate.not_valid_after_utc - now > 2 * VALID:
        return False
    try:
        found.certificate.verify_directly_issued_by(authority)
        names = found.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return set(alternatives) <= set(names.value)


def _read(path: Path) -> _Pair | None:
    """Return what a file holds; None where it is missing, damaged, or the two do not fit."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(content)
        key = serialization.load_pem_private_key(content, None)
    except (ValueError, TypeError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return None
    return _Pair(certificate, key) if key.public_key() == certificate.public_key() else None


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if not HOST_NAME.fullmatch(host) or len(host) > 253:
            raise CertificateError(f"{host[:80]!r} is neither a host name nor an address") from None
        return x509.DNSName(host)


def _write(path: Path, content: bytes) -> None:
    # Written beside and renamed: never half a file, and never a moment with other rights.
    _write_beside(path, content).replace(path)


def _write_beside(path: Path, content: bytes) -> Path:
    beside = path.with_suffix(f".{os.getpid()}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return beside
