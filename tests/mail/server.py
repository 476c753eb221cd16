"""A mail server that keeps what it is sent: as much of RFC 5321 as our client speaks."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    """Where it listens, what it has been sent, and how it answers a recipient."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    to_recipients: str = "250 ok"


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """One that runs as long as the block lasts."""
    kept = MailServer()

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline().decode(errors="replace").strip():
                match line.split()[0].upper():
                    case "EHLO":
                        self._say("250-here\r\n250 AUTH PLAIN")
                    case "AUTH":
                        kept.logins.append(line)
                        self._say("235 in")
                    case "RCPT":
                        self._say(kept.to_recipients)
                    case "DATA":
                        self._say("354 go on")
                        self._keep()
                    case "QUIT":
                        self._say("221 bye")
                        return
                    case _:
                        self._say("250 ok")

        def _keep(self) -> None:
            lines: list[bytes] = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line)
            message = message_from_bytes(b"".join(lines), policy=policy.default)
            kept.letters.append(message)
            self._say("250 kept")

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        server.daemon_threads = True
        kept.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield kept
        server.shutdown()
        thread.join()
