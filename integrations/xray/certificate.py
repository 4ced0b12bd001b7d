"""A node's certificate: is it what Xray and the apps of customers can use?

Xray takes any pair of files at its start and fails later, for each customer, without a reason. So the pair is looked at
here. A certificate that no authority has signed is pinned: its digest stands in every link, and clients accept exactly
that one.
"""

import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256


class BadCertificate(ValueError):
    """The files cannot be used; the message is one sentence that names them."""


def pin_of(certificate: Path, key: Path, server_name: str) -> str:
    """The digest to pin, as 64 hexadecimal digits; empty if the certificate was signed by somebody else.

    Raises `BadCertificate` if the files cannot be read, do not belong together, or are for another name.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        leaf = x509.load_pem_x509_certificate(certificate.read_bytes())
    except ssl.SSLError:
        raise BadCertificate(
            f"{certificate} and {key} are not a certificate and its key in PEM form, issue them anew"
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadCertificate(f"cannot read {certificate} or {key}: {reason}") from None
    if not _is_for(leaf, server_name):
        raise BadCertificate(f"{certificate} is not for {server_name!r}, which clients will ask for")
    return leaf.fingerprint(SHA256()).hex() if leaf.issuer == leaf.subject else ""


def _is_for(leaf: x509.Certificate, server_name: str) -> bool:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    known = {name.lower() for name in names.get_values_for_type(x509.DNSName)}
    known |= {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    asked = server_name.lower()
    return asked in known or f"*.{asked.partition('.')[2]}" in known
