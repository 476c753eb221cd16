"""A partner's machine in Python: it acts for nobody but its organisation, and shows with a key of its own that it is itself.

It needs `pip install authlib requests`. PAT_CLIENT_ID is what the server calls this machine, PAT_KEY a file with its private key.
Called with `new-key`, it makes one: it keeps the private key in the file, and prints the public one, which is to be registered.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey

ISSUER = os.environ.get("PAT_ISSUER", "http://127.0.0.1:8000")
KEY = Path(os.environ.get("PAT_KEY", "machine.key.json"))
SCOPE = "cases"
ME = "{ me { name role organisation { name } } }"


class Shown(PrivateKeyJWT):
    """What the machine signs: Authlib's assertions last for an hour, and five minutes are the most that is taken."""

    def sign(self, auth: Any, token_endpoint: str) -> str:
        self.headers = {"kid": auth.client_secret.kid}
        self.claims = {"exp": int(time.time()) + 60}
        signed: str = super().sign(auth, token_endpoint)
        return signed


def new_key() -> None:
    """Make a key, and print its public part."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    KEY.touch(mode=0o600)
    KEY.write_text(json.dumps(key.as_dict(private=True)))
    print(json.dumps(key.as_dict(private=False)))


def main() -> None:
    key = ECKey.import_key(json.loads(KEY.read_text()))
    with OAuth2Session(
        os.environ["PAT_CLIENT_ID"], key, scope=SCOPE, token_endpoint_auth_method="private_key_jwt"
    ) as session:
        found = session.request("GET", f"{ISSUER}/.well-known/openid-configuration", withhold_token=True)
        server = found.json()
        session.register_client_auth_method(Shown(server["token_endpoint"], alg="ES256"))
        # There is no refresh token: when this one has expired, it asks again.
        session.fetch_token(server["token_endpoint"], grant_type="client_credentials", scope=SCOPE)
        me = session.post(f"{ISSUER}/graphql", json={"query": ME}).json()["data"]["me"]
        print(json.dumps(me))


if __name__ == "__main__":
    new_key() if sys.argv[1:] == ["new-key"] else main()
