"""What an operator may set, read once from the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pat_platform.database.logins import login_password
from pat_platform.logging import LEVELS

SHORTEST_SECRET = 32
PLANNING = {"random_page_cost": "1.1", "jit": "off", "plan_cache_mode": "force_generic_plan"}
"""What our statements are planned by: a page of rows is read from an index in order, and does not wait for a compiler.

A statement is planned once for each connection, not anew for each request's values: PostgreSQL would, where it cannot
know how long a page will be, and the planning took longer than the page.
"""
TRANSACTIONS = {"default_transaction_isolation": r"read\ committed", "default_transaction_read_only": "off"}
"""Said at each connection, and so before what a login has set for itself: in another isolation level nobody is present."""
LEAST_COST = 1_000
"""Points: a page of the usual size, and what a refused document is charged."""
_NUMBERS = (
    "pool_size",
    "connect_timeout_seconds",
    "statement_timeout_ms",
    "lock_timeout_ms",
    "idle_in_transaction_timeout_ms",
    "transaction_timeout_ms",
    "prepared_statements",
    "max_cost",
    "budget_organisation",
    "budget_client",
    "budget_person",
    "metrics_port",
    "drain_seconds",
    "sign_in_connections",
    "sockets",
)
_USER_WITHOUT_PASSWORD = re.compile(r"[a-z+]+://[^:/@?]+(?=@)")
_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
TRUE, FALSE = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


class SettingsError(Exception):
    """The environment does not say what is needed; the message says what to set. It never quotes a secret."""


class EngineMode(StrEnum):
    """How operations are executed: compiled to one statement, or field by field for diagnosis."""

    COMPILED = "compiled"
    EXECUTOR = "executor"


class KeyProviderKind(StrEnum):
    """Where the keys of organisations are: in files beside the server, or in Vault (or OpenBao)."""

    FILE = "file"
    VAULT = "vault"


@dataclass(frozen=True)
class VaultAccess:
    """Where Vault is, and who we are to it. `authority` is a file of certificates to trust instead of the system's."""

    address: str
    token_file: Path
    mount: str = "transit"
    authority: Path | None = None


@dataclass(frozen=True)
class MailAccess:
    """Through whom mail is sent (RFC 6409), as whom, and whom it is from. Under TLS, but on this machine."""

    host: str
    sender: str = field(repr=False)
    port: int = 587
    user: str = field(default="", repr=False)
    password_file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of one process.

    `database_url` may carry a user and a password: only migrations use them. `secret` is the deployment's one
    secret, from which the passwords of logins are derived. `key_folder` holds the signing keys.
    """

    database_url: str = field(repr=False)
    secret: bytes = field(repr=False)
    pool_size: int = 40
    pool_wait_seconds: float = 10.0
    connect_timeout_seconds: int = 5
    request_timeout_seconds: float = 10.0
    statement_timeout_ms: int = 5_000
    lock_timeout_ms: int = 2_000
    idle_in_transaction_timeout_ms: int = 10_000
    transaction_timeout_ms: int = 10_000
    prepared_statements: int = 200
    max_cost: int = 20_000
    budget_organisation: int = 5_000_000
    budget_client: int = 2_000_000
    budget_person: int = 500_000
    budget_store: str = field(default="", repr=False)
    demo: bool = False
    development: bool = False
    engine: EngineMode = EngineMode.COMPILED
    log_level: str = "info"
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    drain_seconds: int = 5
    """How long new requests are still served after SIGTERM, so that a proxy notices that /readyz has changed."""
    traces: bool = False
    trusts_traces: bool = False
    sign_in_connections: int = 4
    sockets: int = 5_000
    """How many WebSockets and streams one process keeps open."""
    product_name: str = ""
    """What the pages of signing in are headed with. Whoever sees a phone over somebody's shoulder reads it."""
    quick_exit: str = ""
    """Where the quick way out of pages leads that survivors use; a site that nobody wonders about."""
    issuer: str = "http://127.0.0.1:8000"
    audience: str = "http://127.0.0.1:8000/graphql"
    key_folder: Path = Path(".pat/keys")
    key_provider: KeyProviderKind | None = None
    vault: VaultAccess | None = None
    mail: MailAccess | None = None
    """None where no mail is sent. The demo prints it."""

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_SECRET:
            raise SettingsError(
                f"The deployment secret is shorter than {SHORTEST_SECRET} bytes. Make one with "
                "`openssl rand -base64 48` and set PAT_SECRET, or PAT_SECRET_FILE to a file that holds it."
            )
        if self.pool_size < 1:
            raise SettingsError("PAT_POOL_SIZE must be at least 1.")
        if self.sign_in_connections < 1:
            raise SettingsError("PAT_SIGN_IN_CONNECTIONS must be at least 1.")
        if self.request_timeout_seconds < 1:
            raise SettingsError("PAT_REQUEST_TIMEOUT_SECONDS must be at least 1.")
        if self.max_cost < LEAST_COST:
            raise SettingsError(f"PAT_MAX_COST must be at least {LEAST_COST}.")
        for name in ("budget_organisation", "budget_client", "budget_person"):
            if 0 < getattr(self, name) < self.max_cost:
                raise SettingsError(f"{_variable(name)} must be 0, for no limit, or at least PAT_MAX_COST.")
        if self.log_level not in LEVELS:
            raise SettingsError(f"PAT_LOG_LEVEL must be one of {', '.join(LEVELS)}.")
        if not _is_origin(self.issuer):
            raise SettingsError(
                "PAT_ISSUER must be an https:// address (http:// on this machine alone) of a host, with nothing behind it "
                "but a port: https://pat.example.org."
            )
        self._address()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], **given: object) -> Self:
        """Read the settings; what is `given` (by field name) needs no variable.

        DATABASE_URL, DATABASE_PASSWORD_FILE, PAT_SECRET or PAT_SECRET_FILE, PAT_POOL_SIZE, PAT_POOL_WAIT_SECONDS,
        PAT_SIGN_IN_CONNECTIONS, PAT_SOCKETS, PAT_CONNECT_TIMEOUT_SECONDS, PAT_STATEMENT_TIMEOUT_MS, PAT_LOCK_TIMEOUT_MS,
        PAT_IDLE_IN_TRANSACTION_TIMEOUT_MS, PAT_TRANSACTION_TIMEOUT_MS, PAT_REQUEST_TIMEOUT_SECONDS,
        PAT_PREPARED_STATEMENTS (for each connection), PAT_MAX_COST (points for one operation),
        PAT_BUDGET_ORGANISATION, PAT_BUDGET_CLIENT and PAT_BUDGET_PERSON (points a minute; 0 for no limit),
        PAT_BUDGET_STORE (where several processes count them together: valkey://HOST:6379), PAT_DEMO,
        PAT_DEVELOPMENT, PAT_ENGINE, PAT_ISSUER, PAT_AUDIENCE, PAT_KEY_FOLDER, PAT_PRODUCT_NAME, PAT_QUICK_EXIT,
        PAT_LOG_LEVEL, PAT_METRICS_HOST and PAT_METRICS_PORT, PAT_DRAIN_SECONDS, PAT_TRUST_TRACES and
        OpenTelemetry's own OTEL_EXPORTER_OTLP_ENDPOINT,
        PAT_MAIL_HOST, PAT_MAIL_PORT, PAT_MAIL_USER, PAT_MAIL_PASSWORD_FILE and PAT_MAIL_FROM (where mail is sent),
        PAT_KEY_PROVIDER, and for Vault PAT_VAULT_ADDRESS, PAT_VAULT_TOKEN_FILE, PAT_VAULT_MOUNT and
        PAT_VAULT_CA_FILE.
        Raises SettingsError.
        """
        return cls(**(_read(environment, set(given)) | given))  # type: ignore[arg-type]  # `_read` minds the fields' types

    @property
    def is_explorable(self) -> bool:
        """Whether clients may look around: introspection, queries by GET, and mistakes told in full."""
        return self.demo or self.development

    def conninfo(self, login: str, generation: int) -> str:
        """The libpq connection string of a login."""
        limits = {
            "statement_timeout": self.statement_timeout_ms,
            "lock_timeout": self.lock_timeout_ms,
            "idle_in_transaction_session_timeout": self.idle_in_transaction_timeout_ms,
            "transaction_timeout": self.transaction_timeout_ms,
            **PLANNING,
            **TRANSACTIONS,
        }
        return make_conninfo(
            **self._address(),
            user=login,
            password=login_password(self.secret, login, generation),
            application_name="pat",
            client_encoding="UTF8",
            connect_timeout=self.connect_timeout_seconds,
            options=" ".join(f"-c {name}={value}" for name, value in limits.items()),
            # A server that has vanished is noticed by the kernel, however long a statement may run.
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
            tcp_user_timeout=30_000,
        )

    def _address(self) -> dict[str, str]:
        """Where the database is, without who asks."""
        url = self.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
        try:
            parts = conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            # libpq's own message may quote the password.
            raise SettingsError(
                "DATABASE_URL is not a PostgreSQL address. It looks like postgresql://HOST:PORT/DATABASE."
            ) from None
        return {name: str(value) for name, value in parts.items() if name not in ("user", "password")}


def _read(environment: Mapping[str, str], given: set[str]) -> dict[str, object]:
    """The settings that the environment tells, by field name."""
    found: dict[str, object] = {}
    if "database_url" not in given:
        found["database_url"] = database_url(environment)
    if "secret" not in given:
        found["secret"] = _secret(environment)
    for name in _NUMBERS:
        if text := environment.get(_variable(name)):
            found[name] = _number(_variable(name), text)
    for name in ("pool_wait_seconds", "request_timeout_seconds"):
        if text := environment.get(_variable(name)):
            found[name] = float(_number(_variable(name), text))
    for name in (
        "budget_store",
        "issuer",
        "audience",
        "log_level",
        "metrics_host",
        "product_name",
        "quick_exit",
    ):
        if text := environment.get(_variable(name)):
            found[name] = text
    found["traces"] = bool(environment.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    if text := environment.get("PAT_TRUST_TRACES"):
        found["trusts_traces"] = _claim("PAT_TRUST_TRACES", text)
    if text := environment.get("PAT_KEY_FOLDER"):
        found["key_folder"] = Path(text)
    if "key_provider" not in given and (text := environment.get("PAT_KEY_PROVIDER")):
        found["key_provider"] = kind = _key_provider(text)
        found["vault"] = _vault(environment) if kind is KeyProviderKind.VAULT else None
    if host := environment.get("PAT_MAIL_HOST"):
        found["mail"] = _mail(host, environment)
    for name in ("demo", "development"):
        if text := environment.get(_variable(name)):
            found[name] = _claim(_variable(name), text)
    if text := environment.get("PAT_ENGINE"):
        found["engine"] = _engine(text)
    return found


def _variable(name: str) -> str:
    return f"PAT_{name.upper()}"


def database_url(environment: Mapping[str, str]) -> str:
    """DATABASE_URL, with the password of the file that DATABASE_PASSWORD_FILE names if it has a user and no password.

    Raises SettingsError if it is not set, or the file cannot be read.
    """
    url = environment.get("DATABASE_URL", "")
    if not url:
        raise SettingsError(
            "DATABASE_URL is not set. Set it to your PostgreSQL (17 or newer), for example "
            "postgresql://HOST:5432/DATABASE; only the demo and the tests bring a database of their own."
        )
    path = environment.get("DATABASE_PASSWORD_FILE")
    user = _USER_WITHOUT_PASSWORD.match(url)
    if not path or not user:
        return url
    try:
        password = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"DATABASE_PASSWORD_FILE cannot be read: {error.strerror}.") from None
    return f"{user[0]}:{quote(password, safe='')}{url[user.end() :]}"


def _secret(environment: Mapping[str, str]) -> bytes:
    if text := environment.get("PAT_SECRET"):
        return text.strip().encode()
    path = environment.get("PAT_SECRET_FILE")
    if not path:
        raise SettingsError(
            "Neither PAT_SECRET nor PAT_SECRET_FILE is set. Make a secret with `openssl rand -base64 48`, "
            "keep it, and set one of them: the passwords of all database logins are derived from it."
        )
    try:
        return Path(path).read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"PAT_SECRET_FILE cannot be read: {error.strerror}.") from None


def _number(variable: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise SettingsError(f"{variable} must be a whole number.")
    return int(text)


def _claim(variable: str, text: str) -> bool:
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise SettingsError(f"{variable} must be 1 or 0.")


def _engine(text: str) -> EngineMode:
    try:
        return EngineMode(text)
    except ValueError:
        raise SettingsError("PAT_ENGINE must be `compiled` or `executor`.") from None


def _key_provider(text: str) -> KeyProviderKind:
    try:
        return KeyProviderKind(text)
    except ValueError:
        raise SettingsError("PAT_KEY_PROVIDER must be `file` or `vault`.") from None


def _is_private(address: str) -> bool:
    """Whether what is sent there is sent under TLS, or does not leave this machine."""
    parts = urlsplit(address)
    is_local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    return bool(parts.hostname) and parts.scheme in (("http", "https") if is_local else ("https",))


def _is_origin(address: str) -> bool:
    """Whether it is spelled as clients compare it, letter by letter: scheme, host, perhaps a port, and nothing more."""
    try:
        return _is_private(address) and _ORIGIN.fullmatch(address) is not None
    except ValueError:
        return False


def _mail(host: str, environment: Mapping[str, str]) -> MailAccess:
    sender = environment.get("PAT_MAIL_FROM", "")
    if "@" not in sender:
        raise SettingsError(
            "PAT_MAIL_FROM is not set: the address that mail comes from, as in pat@example.org."
        )
    user, password_file = environment.get("PAT_MAIL_USER", ""), environment.get("PAT_MAIL_PASSWORD_FILE")
    if bool(user) is not bool(password_file):
        raise SettingsError("PAT_MAIL_USER and PAT_MAIL_PASSWORD_FILE are set both, or neither.")
    return MailAccess(
        host=host,
        sender=sender,
        port=_number("PAT_MAIL_PORT", environment.get("PAT_MAIL_PORT") or "587"),
        user=user,
        password_file=Path(password_file) if password_file else None,
    )


def _vault(environment: Mapping[str, str]) -> VaultAccess:
    address = environment.get("PAT_VAULT_ADDRESS", "").rstrip("/")
    if not _is_private(address):
        raise SettingsError("PAT_VAULT_ADDRESS must be an https:// address (http:// on this machine alone).")
    token_file = environment.get("PAT_VAULT_TOKEN_FILE")
    if not token_file:
        raise SettingsError("PAT_VAULT_TOKEN_FILE is not set: it names the file that holds our Vault token.")
    authority = environment.get("PAT_VAULT_CA_FILE")
    return VaultAccess(
        address=address,
        token_file=Path(token_file),
        mount=environment.get("PAT_VAULT_MOUNT") or "transit",
        authority=Path(authority) if authority else None,
    )
