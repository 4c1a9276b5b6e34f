"""How a physical cluster wants to be spoken to: Kafka's client properties, read and checked.

Pure: says which files are needed and reads none of them. A property that would be left out of
account is refused, because a connection would then be less safe than its file says.
"""

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from contract.scram import SCRAM_MECHANISMS, ScramMechanism

SecurityProtocol: TypeAlias = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]

_PROTOCOLS: dict[str, SecurityProtocol] = {
    "PLAINTEXT": "PLAINTEXT",
    "SSL": "SSL",
    "SASL_PLAINTEXT": "SASL_PLAINTEXT",
    "SASL_SSL": "SASL_SSL",
}
_WITH_PASSWORD: tuple[Literal["PLAIN"] | ScramMechanism, ...] = ("PLAIN", *SCRAM_MECHANISMS)
_TLS_VERSIONS = ("TLSv1.2", "TLSv1.3")
_JAVA_STORES = (".jks", ".p12", ".pfx", ".keystore", ".truststore")
_TO_PEM = (
    "keytool -importkeystore -srckeystore STORE -destkeystore store.p12 -deststoretype PKCS12,"
    " then openssl pkcs12 -in store.p12 -nodes -out store.pem"
)
_OPTION = re.compile(r"""(\w[\w.]*)\s*=\s*(?:"((?:\\.|[^"\\])*)"|'([^']*)'|([^\s;"']+))""")
_OAUTH_HANDLERS = "org.apache.kafka.common.security.oauthbearer."

_UNDERSTOOD = {
    *("security.protocol", "sasl.mechanism", "sasl.jaas.config"),
    *("ssl.truststore.location", "ssl.truststore.type", "ssl.truststore.certificates"),
    *("ssl.keystore.location", "ssl.keystore.type", "ssl.keystore.key"),
    *("ssl.keystore.certificate.chain", "ssl.key.password"),
    *("ssl.endpoint.identification.algorithm", "ssl.enabled.protocols"),
    *("sasl.oauthbearer.token.endpoint.url", "sasl.login.callback.handler.class"),
}
_WITHOUT_EFFECT = (
    "ssl.protocol",
    "ssl.provider",
    "ssl.truststore.password",
    "ssl.keystore.password",
    "ssl.keymanager.algorithm",
    "ssl.trustmanager.algorithm",
    "ssl.secure.random.implementation",
    "sasl.kerberos.",
    "sasl.login.",
    "sasl.oauthbearer.",
)
"""Properties, or beginnings of their names, that no connection of ours is less safe without."""


class UnusablePropertyError(ValueError):
    """A property cannot be honoured; the message begins with its name and holds no secret."""


class TlsProperties(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to trust, and who we are. Empty: the system's authorities, and nobody."""

    truststore_file: str | None = None
    truststore_pem: str | None = None
    keystore_file: str | None = None
    key_pem: str | None = None
    chain_pem: str | None = None
    key_password: str | None = None
    checks_host_name: bool = True
    lowest_version: Literal["TLSv1.2", "TLSv1.3"] = "TLSv1.2"

    def __repr__(self) -> str:
        return f"TlsProperties({self.truststore_file}, {self.keystore_file})"


class Password(msgspec.Struct, frozen=True, kw_only=True):
    """A user who proves itself with a password."""

    mechanism: Literal["PLAIN"] | ScramMechanism
    username: str
    password: str

    def __repr__(self) -> str:
        return f"Password({self.mechanism}, {self.username!r})"


class BearerToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token of an authorization server, or of a file that somebody else renews."""

    url: str
    """`file:`, `http:` or `https:`."""
    client_id: str = ""
    client_secret: str = ""
    scope: str | None = None

    def __repr__(self) -> str:
        return f"BearerToken({self.url}, {self.client_id!r})"


class ClusterSecurity(msgspec.Struct, frozen=True, kw_only=True):
    """How to connect to one physical cluster."""

    protocol: SecurityProtocol = "PLAINTEXT"
    tls: TlsProperties | None = None
    login: Password | BearerToken | None = None


def security_of(properties: Mapping[str, str]) -> ClusterSecurity:
    """Read the security properties of a cluster.

    Raises:
        UnusablePropertyError: one has a value that cannot be honoured, or is not known here.
    """
    name = properties.get("security.protocol", "PLAINTEXT")
    protocol = _PROTOCOLS.get(name.upper())
    if protocol is None:
        raise UnusablePropertyError(f"security.protocol is {name}; use {_listed(_PROTOCOLS)}")
    _refuse_unknown(properties)
    return ClusterSecurity(
        protocol=protocol,
        tls=_tls(properties) if protocol.endswith("SSL") else None,
        login=_login(properties) if protocol.startswith("SASL_") else None,
    )


def _refuse_unknown(properties: Mapping[str, str]) -> None:
    for name in properties:
        is_security = name.startswith(("ssl.", "sasl."))
        if is_security and name not in _UNDERSTOOD and not name.startswith(_WITHOUT_EFFECT):
            raise UnusablePropertyError(f"{name} is not supported; take it out")
    handler = properties.get("sasl.login.callback.handler.class", _OAUTH_HANDLERS)
    if not handler.startswith(_OAUTH_HANDLERS):
        raise UnusablePropertyError(
            f"sasl.login.callback.handler.class is {handler}; only Kafka's own is understood"
        )


def _tls(properties: Mapping[str, str]) -> TlsProperties:
    _require_pem(properties, "ssl.truststore")
    _require_pem(properties, "ssl.keystore")
    algorithm = properties.get("ssl.endpoint.identification.algorithm", "https")
    if algorithm.lower() not in {"https", ""}:
        raise UnusablePropertyError(
            f"ssl.endpoint.identification.algorithm is {algorithm}; use https, or nothing at all"
            " to leave the host name unchecked"
        )
    keys = ("ssl.keystore.key", "ssl.keystore.certificate.chain")
    if len([key for key in keys if key in properties]) == 1:
        raise UnusablePropertyError(f"{keys[0]} and {keys[1]} belong together")
    return TlsProperties(
        truststore_file=properties.get("ssl.truststore.location"),
        truststore_pem=properties.get("ssl.truststore.certificates"),
        keystore_file=properties.get("ssl.keystore.location"),
        key_pem=properties.get(keys[0]),
        chain_pem=properties.get(keys[1]),
        key_password=properties.get("ssl.key.password"),
        checks_host_name=algorithm != "",
        lowest_version=_lowest_version(properties),
    )


def _lowest_version(properties: Mapping[str, str]) -> Literal["TLSv1.2", "TLSv1.3"]:
    listed = properties.get("ssl.enabled.protocols", "TLSv1.2,TLSv1.3")
    allowed = {version.strip() for version in listed.split(",")}
    if "TLSv1.3" not in allowed or not allowed <= set(_TLS_VERSIONS):
        raise UnusablePropertyError(
            f"ssl.enabled.protocols is {listed}; use TLSv1.2,TLSv1.3 or TLSv1.3"
        )
    return "TLSv1.2" if "TLSv1.2" in allowed else "TLSv1.3"


def _require_pem(properties: Mapping[str, str], store: str) -> None:
    kind = properties.get(f"{store}.type", "PEM")
    if kind.upper() != "PEM":
        raise UnusablePropertyError(
            f"{store}.type is {kind}; only PEM can be read. To convert it: {_TO_PEM}"
        )
    location = properties.get(f"{store}.location", "")
    if location.lower().endswith(_JAVA_STORES):
        raise UnusablePropertyError(
            f"{store}.location is {location}, a Java key store; only PEM can be read."
            f" To convert it: {_TO_PEM}"
        )


def _login(properties: Mapping[str, str]) -> Password | BearerToken:
    name = properties.get("sasl.mechanism", "PLAIN").upper()
    jaas = _jaas_options(properties.get("sasl.jaas.config", ""))
    if name == "OAUTHBEARER":
        return _bearer(properties, jaas)
    for mechanism in _WITH_PASSWORD:
        if mechanism == name:
            if not jaas.get("username") or "password" not in jaas:
                raise UnusablePropertyError(
                    "sasl.jaas.config names no username and password; write it as"
                    ' \'...LoginModule required username="..." password="...";\''
                )
            return Password(
                mechanism=mechanism, username=jaas["username"], password=jaas["password"]
            )
    raise UnusablePropertyError(
        f"sasl.mechanism is {name}; use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"
    )


def _bearer(properties: Mapping[str, str], jaas: Mapping[str, str]) -> BearerToken:
    url = properties.get("sasl.oauthbearer.token.endpoint.url", "")
    if not url.startswith(("file:", "http://", "https://")):
        raise UnusablePropertyError(
            "sasl.oauthbearer.token.endpoint.url is missing or is none; use the URL of a token"
            " endpoint, or file:/path/of/a/token"
        )
    # Newer clients (KIP-1139) take the credentials from properties of their own.
    of_properties = "sasl.oauthbearer.client.credentials.client."
    client_id = properties.get(f"{of_properties}id", jaas.get("clientId", ""))
    secret = properties.get(f"{of_properties}secret", jaas.get("clientSecret", ""))
    if not url.startswith("file:") and not (client_id and secret):
        raise UnusablePropertyError(
            "sasl.jaas.config names no clientId and clientSecret for the token endpoint"
        )
    scope = properties.get("sasl.oauthbearer.scope", jaas.get("scope"))
    return BearerToken(url=url, client_id=client_id, client_secret=secret, scope=scope)


def _jaas_options(line: str) -> dict[str, str]:
    """The options of a JAAS line's login module. Kafka's own quoting: double, single or none."""
    return {
        name: re.sub(r"\\(.)", r"\1", double) or single or bare
        for name, double, single, bare in _OPTION.findall(line)
    }


def _listed(names: Mapping[str, object]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}"
