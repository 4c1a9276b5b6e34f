"""A client's certificate as its log-in: the subject is the external name of its account."""

from collections.abc import Callable

from cryptography import x509

from contract.records import ServiceAccount
from dataplane.sasl.mechanism import AuthenticationError
from dataplane.sasl.proof import ExternalProof


def subject_of(certificate: x509.Certificate) -> str:
    """The subject as Kafka's principals write it (RFC 2253): `CN=app,OU=sales,O=Example`."""
    return certificate.subject.rfc4514_string()


def prove(
    encoded: bytes | None, account_named: Callable[[str], ServiceAccount | None]
) -> ExternalProof:
    """Who shows a certificate that TLS has verified already, in DER.

    Raises:
        AuthenticationError: there is none, or nobody has its subject as an external name.
    """
    if encoded is None:
        raise AuthenticationError("the client shows no certificate")
    try:
        certificate = x509.load_der_x509_certificate(encoded)
        subject = subject_of(certificate)
    except ValueError:
        raise AuthenticationError("the client's certificate cannot be read") from None
    account = account_named(subject)
    if account is None:
        raise AuthenticationError(f"no account has the external name {subject}")
    expires_at = certificate.not_valid_after_utc.timestamp()
    return ExternalProof(account.vcluster, account.name, subject, expires_at)
