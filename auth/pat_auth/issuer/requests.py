"""What we were asked, as Authlib reads it."""

from __future__ import annotations

from collections.abc import Collection

from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request

from pat_auth.issuer.asked import Asked, Pairs, demand_plain, once

# Authlib refuses what did not come over TLS by looking at the address; ours ends at a proxy, and the settings see to it.
_ADDRESS = "https://issuer.invalid"


class Payload(OAuth2Payload):
    """The parameters of a request: one without a value was left out (RFC 6749 §3.1)."""

    def __init__(self, pairs: Pairs) -> None:
        self._lists: dict[str, list[str]] = {}
        for name, value in pairs:
            if value:
                self._lists.setdefault(name, []).append(value)

    @property
    def data(self) -> dict[str, str]:
        """Each parameter's value; the first of several."""
        return {name: values[0] for name, values in self._lists.items()}

    @property
    def datalist(self) -> dict[str, list[str]]:
        """Each parameter's values."""
        return self._lists


class OAuthRequest(OAuth2Request):
    """A request whose parameters come from one place alone: the query where a browser is sent to us, else the form."""

    payload: Payload

    def __init__(self, method: str, pairs: Pairs, headers: Collection[tuple[str, str]] = ()) -> None:
        demand_plain(pairs)
        super().__init__(method, _ADDRESS, headers={name.title(): value for name, value in headers})
        self.payload = Payload(pairs)

    @classmethod
    def of_query(cls, query: Pairs) -> OAuthRequest:
        """What a client asks for by way of a browser. Raises Unfit for characters that may not be there."""
        return cls("GET", query)

    @classmethod
    def of_form(cls, asked: Asked) -> OAuthRequest:
        """What a client posts. Raises Unfit for a parameter that comes twice, or characters that may not be there."""
        once(asked.form)
        return cls(asked.method, asked.form, list(asked.headers.items()))

    @property
    def form(self) -> dict[str, str]:
        """The parameters."""
        return self.payload.data
