"""Who may speak with whom: a certificate authority of the shop's own, for its panel and its nodes and nobody else.

The panel shows a certificate that is good for clients only, a node one that is good for servers only and names that
node; both sides ask for the other's. So nobody without a certificate of this shop gets beyond the handshake, a node
cannot pose as the panel, nor as another node. The panel keeps the certificate that it gave to a node last and accepts
no other: enrolling a node again locks out what was copied before.
"""

import os
import ssl
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_SCHEME: Final = "turnpike-node:"
_VALID: Final = timedelta(days=20 * 365)
#: Clocks of two machines may differ by so much.
_SLACK: Final = timedelta(days=2)


class BadEnrolment(ValueError):
    """The text is not what `turnpike node enrol` printed; the message is one sentence and never repeats it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The files of one side: its certificate, its key and the authority that both sides trust, all in PEM."""

    certificate: Path
    key: Path
    authority: Path

    @property
    def name(self) -> str:
        """The name in the certificate."""
        certificate = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return str(names.get_values_for_type(x509.DNSName)[0])

    def tls(self, protocol: int) -> ssl.SSLContext:
        """TLS 1.3 for a client or a server; whoever has no certificate of the authority is refused."""
        context = ssl.SSLContext(protocol)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.authority)
        context.load_cert_chain(self.certificate, self.key)
        return context


class _Enrolment(msgspec.Struct, array_like=True):
    """DER, because it has to be copied by a person."""

    certificate: bytes
    key: bytes
    authority: bytes


def server_name(node: str) -> str:
    """The name in a node's certificate; it has nothing to do with where the node is."""
    return f"{node}.node.turnpike"


class Authority:
    """The files of the authority in the panel's data folder, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        """The folder is made when the first node is enrolled."""
        self._folder = folder

    def panel(self) -> Identity | None:
        """What the panel shows to agents; None before the first node is enrolled."""
        identity = _identity_in(self._folder, "panel")
        return identity if identity.certificate.exists() else None

    def node_certificate(self, node: str) -> bytes | None:
        """The certificate that a node was given last, in DER; None if it was not enrolled."""
        try:
            pem = self._read(f"{node}.node.pem")
        except FileNotFoundError:
            return None
        return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)

    def enrol(self, node: str, now: datetime) -> str:
        """Make a certificate for a node; return the text that the node's machine needs. It is a secret."""
        if self.panel() is None:
            self._found(now)
        authority = self._read("authority.pem")
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(server_name(node), key, ExtendedKeyUsageOID.SERVER_AUTH, now)
        self._write(f"{node}.node.pem", certificate.public_bytes(Encoding.PEM))
        enrolment = _Enrolment(
            certificate.public_bytes(Encoding.DER),
            key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
            x509.load_pem_x509_certificate(authority).public_bytes(Encoding.DER),
        )
        return _SCHEME + urlsafe_b64encode(msgspec.msgpack.encode(enrolment)).rstrip(b"=").decode()

    def _found(self, now: datetime) -> None:
        """Make the authority and the panel's own certificate; the last file written says that all are there."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("turnpike authority")
        certificate = (
            _builder(name, key, now)
            .issuer_name(name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        self._write("authority.key", _pem(key))
        self._write("authority.pem", certificate.public_bytes(Encoding.PEM))
        panel_key = ec.generate_private_key(ec.SECP256R1())
        panel = self._sign("panel.turnpike", panel_key, ExtendedKeyUsageOID.CLIENT_AUTH, now)
        self._write("panel.key", _pem(panel_key))
        self._write("panel.pem", panel.public_bytes(Encoding.PEM))

    def _sign(
        self, name: str, key: ec.EllipticCurvePrivateKey, usage: x509.ObjectIdentifier, now: datetime
    ) -> x509.Certificate:
        authority = x509.load_pem_x509_certificate(self._read("authority.pem"))
        signer = load_pem_private_key(self._read("authority.key"), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey), (
            "the authority's key is of the kind that we make"
        )
        return (
            _builder(_name(name), key, now)
            .issuer_name(authority.subject)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
            .sign(signer, hashes.SHA256())
        )

    def _read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def _write(self, name: str, content: bytes) -> None:
        write_secret(self._folder / name, content)


def accept(text: str, folder: Path) -> Identity:
    """Put what `enrol` made into files of the node's machine. Raises `BadEnrolment`."""
    compact = "".join(text.split())
    try:
        if not compact.startswith(_SCHEME):
            raise ValueError
        raw = urlsafe_b64decode(compact.removeprefix(_SCHEME) + "==")
        enrolment = msgspec.msgpack.decode(raw, type=_Enrolment)
        authority, certificate = _pem_of(enrolment.authority), _pem_of(enrolment.certificate)
        key = load_der_private_key(enrolment.key, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey), "a key is of the kind that we make"
    except (ValueError, NotBase64, msgspec.MsgspecError):
        raise BadEnrolment(
            f"this is not what `turnpike node enrol` prints, a line that begins with {_SCHEME!r}: copy all of it"
        ) from None
    identity = _identity_in(folder, "node")
    write_secret(identity.authority, authority)
    write_secret(identity.key, _pem(key))
    write_secret(identity.certificate, certificate)
    return identity


def accepted(folder: Path) -> Identity | None:
    """What `accept` put there, if it did."""
    identity = _identity_in(folder, "node")
    return identity if identity.certificate.exists() else None


def _identity_in(folder: Path, name: str) -> Identity:
    return Identity(folder / f"{name}.pem", folder / f"{name}.key", folder / "authority.pem")


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    with open(fresh, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
    fresh.replace(path)


def _builder(name: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + _VALID)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _pem_of(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
