"""The way to a Vault or OpenBao server: its address, our token, and what to make of its errors.

hvac is synchronous: its calls run in a few threads of our own, so that a slow server holds up those who need keys
and nobody else.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock, Thread, local
from typing import Any, Final, TypeVar

import hvac  # type: ignore[import-untyped]  # hvac has no type hints
import requests
from hvac.exceptions import Forbidden, InvalidRequest, Unauthorized, VaultError  # type: ignore[import-untyped]  # hvac has no type hints
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from pat_platform.encryption.provider import KeysUnavailable
from pat_platform.logging import get_logger
from pat_platform.settings import VaultAccess

T = TypeVar("T")
log = get_logger("pat.keys")

THREADS = 4
CONNECT_SECONDS, READ_SECONDS = 2.0, 3.0
PATIENCE_SECONDS = 8.0
"""How long a request may wait for a free thread and for the answer."""

RETRY_SECONDS: Final = 10.0
RECHECK_SECONDS: Final = 300.0
# One connection that the server had closed meanwhile is no outage. All that we ask for may be asked twice.
_ONCE_MORE: Final = Retry(total=1, status=0, redirect=0, allowed_methods=None)


class VaultClient:
    """Calls a Vault server. Keeps its token alive, and takes a new one from the file when the old one is refused."""

    def __init__(self, access: VaultAccess) -> None:
        self._access = access
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="pat-vault")
        self._local = local()
        self._closed = Event()
        self._lock = Lock()
        self._renewing: Thread | None = None
        self._token = ""

    async def call(self, work: Callable[[Any], T]) -> T:
        """What `work` makes of hvac's client. Raises `KeysUnavailable`, and lets `InvalidRequest` pass."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await loop.run_in_executor(self._threads, self._work, work)
        except TimeoutError:
            raise KeysUnavailable(f"Vault at {self._access.address} does not answer in time.") from None

    def close(self) -> None:
        """End the threads."""
        self._closed.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _work(self, work: Callable[[Any], T]) -> T:
        self._keep_renewing()
        client = self._client()
        try:
            try:
                return work(client)
            except (Forbidden, Unauthorized):
                refused = client.token
                client.token = self._read_token()
                if client.token == refused:
                    raise
                # Whoever renews tokens for us has written another one.
                return work(client)
        except InvalidRequest:
            raise
        except (Forbidden, Unauthorized):
            # Not hvac's own words: they quote the address of what was asked for.
            raise KeysUnavailable(
                f"Vault at {self._access.address} refuses our token: renew it, or give it the rights of docs/keys.md."
            ) from None
        except (VaultError, requests.RequestException) as error:
            raise KeysUnavailable(
                f"Vault at {self._access.address} cannot be used: {type(error).__name__}."
            ) from None

    def _client(self) -> Any:
        """This thread's client: neither it nor its connection is made to be shared."""
        client = getattr(self._local, "client", None)
        if client is None:
            session = requests.Session()
            # No proxy, no .netrc, no certificates that the environment names.
            session.trust_env = False
            session.verify = str(self._access.authority) if self._access.authority else True
            session.mount("https://", HTTPAdapter(max_retries=_ONCE_MORE))
            session.mount("http://", HTTPAdapter(max_retries=_ONCE_MORE))
            client = self._local.client = hvac.Client(
                url=self._access.address,
                token=self._token or self._read_token(),
                session=session,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                # Our token is for this server, wherever it would send us.
                allow_redirects=False,
            )
        return client

    def _read_token(self) -> str:
        try:
            self._token = self._access.token_file.read_text().strip()
        except OSError as error:
            raise KeysUnavailable(f"PAT_VAULT_TOKEN_FILE cannot be read: {error.strerror}.") from None
        return self._token

    def _keep_renewing(self) -> None:
        with self._lock:
            if self._renewing is None:
                self._renewing = Thread(target=self._renew_until_closed, name="pat-vault-token", daemon=True)
                self._renewing.start()

    def _renew_until_closed(self) -> None:
        seconds = 0.0
        while not self._closed.wait(seconds):
            seconds = self._renew()

    def _renew(self) -> float:
        """Renew our token if it can be. Returns after how many seconds to do so again."""
        try:
            client = self._client()
            client.token = self._token
            found = client.auth.token.lookup_self()["data"]
            if not found["renewable"] or not found["ttl"]:
                return RECHECK_SECONDS
            lease: float = client.auth.token.renew_self()["auth"]["lease_duration"]
            return max(lease / 2, 0.1)
        except (KeysUnavailable, VaultError, requests.RequestException, KeyError, TypeError) as error:
            log.warning("vault.token_not_renewed", error=type(error).__name__)
            return RETRY_SECONDS
