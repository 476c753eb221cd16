"""The explorer: GraphiQL, served from this machine alone, where clients may look around."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from pat_server.web import BuildState, Web

PATH = "/graphiql"
RELOAD_SECONDS = 2

NOTHING_ELSE = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Fonts and small pictures are in the style sheet, as data.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self' data:; "
    f"img-src 'self' data:; {NOTHING_ELSE}"
)

STYLE = (
    "html{color-scheme:light dark}"
    "body{font:17px/1.5 system-ui,sans-serif;margin:20vh auto 0;max-width:34em;padding:0 1.2em}"
    "h1{font-size:1.4em}"
)
STYLE_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
WAITING_POLICY = f"default-src 'none'; style-src 'sha256-{STYLE_DIGEST}'; {NOTHING_ELSE}"

HEADINGS = {
    BuildState.BUILDING: "The explorer is being built",
    BuildState.FAILED: "The explorer could not be built",
    BuildState.ABSENT: "The explorer is not built",
}
SENTENCES = {
    BuildState.BUILDING: "This happens once and takes about a minute; this page reloads itself. The API answers already.",
    BuildState.ABSENT: "`pat demo` builds it in a checkout. Elsewhere, PAT_WEB_FOLDER names the folder that holds it.",
}


def explorer_routes(web: Web) -> list[Route]:
    """The page, what it loads, and the way to it from ``/``. Only for a server on which clients may look around."""

    async def home(_: Request) -> Response:
        return RedirectResponse(PATH)

    async def page(_: Request) -> Response:
        state = web.state()
        if state is not BuildState.BUILT:
            return _waiting(web, state)
        return FileResponse(web.page, headers=_headers(POLICY))

    async def asset(request: Request) -> Response:
        # The route lets no slash through, so that the name stays in its folder.
        path = web.assets / request.path_params["name"]
        if not path.is_file():
            raise HTTPException(404)
        return FileResponse(path, headers=_headers(POLICY))

    return [
        Route("/", home),
        Route(PATH, page),
        Route(f"{PATH}/", page),
        Route(f"{PATH}/assets/{{name}}", asset),
    ]


def _waiting(web: Web, state: BuildState) -> Response:
    """The page that stands in for the explorer: what is going on, or what to do."""
    sentence = SENTENCES.get(state) or web.failure.read_text(encoding="utf-8")
    reload = f'<meta http-equiv="refresh" content="{RELOAD_SECONDS}">' if state is BuildState.BUILDING else ""
    content = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{reload}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{HEADINGS[state]}</title><style>{STYLE}</style></head>'
        f"<body><h1>{HEADINGS[state]}</h1><p>{escape(sentence)}</p></body></html>"
    )
    return HTMLResponse(content, 503, _headers(WAITING_POLICY))


def _headers(policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
