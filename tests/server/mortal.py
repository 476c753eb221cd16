"""A server process of a network, which may be killed."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from tests.cli.running import PAT, environment
from tests.server.conftest import SECRET, Network
from tests.support.waiting import wait_until


@dataclass
class Mortal:
    """It serves the network at ``url``, and writes into ``folder``."""

    network: Network
    folder: Path
    url: str
    process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it, and return at once."""
        settings = self.network.settings
        with self._errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [PAT, "serve", "--port", str(urlsplit(self.url).port)],
                env=environment(
                    self.folder / "home",
                    DATABASE_URL=settings.database_url,
                    PAT_SECRET=SECRET.decode(),
                    PAT_KEY_FOLDER=str(settings.key_folder),
                    PAT_KEY_PROVIDER="file",
                    PAT_ISSUER=settings.issuer,
                    PAT_AUDIENCE=settings.audience,
                ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.launch()
        wait_until(self._answers)

    def kill(self) -> None:
        """Kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def complaints(self) -> str:
        """What it wrote."""
        return self._errors.read_text()

    @property
    def _errors(self) -> Path:
        return self.folder / "server.err"

    def _answers(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/healthz").status_code == 200
        return False
