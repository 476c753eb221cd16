"""The pages over HTTP: whatever happens, people are answered by a page that they can read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pat_auth.issuer.asked import Answer, Asked, Unfit
from pat_auth.issuer.metadata import AUTHORIZE, LOGOUT
from pat_auth.issuer.service import Service
from pat_platform.errors import Fault
from pat_platform.logging import get_logger
from pat_server.sign_in.asking import asked_of, response_of
from pat_server.sign_in.pages import (
    EXIT_SCRIPT_PATH,
    SCRIPT_PATH,
    STYLE_PATH,
    Pages,
    exit_script_answer,
    script_answer,
    style_answer,
)
from pat_server.sign_in.threads import in_page_thread
from pat_server.sign_in.wording import BROKEN, BUSY, MISSING, NOT_UNDERSTOOD, Notice

log = get_logger("pat.sign_in")

Answers = Callable[[Service, Pages, Asked], Answer]
Endpoint = Callable[[Request], Awaitable[Response]]

PAGES = ("/sign-in", "/sign-in/code", "/sign-in/as", "/sign-in/allow")
PASSKEYS = ("/sign-in/passkey", "/sign-in/code/passkey")
FORGOTTEN = "/sign-in/forgotten"
RESETS = ("/sign-in/reset", "/sign-in/reset/code", "/sign-in/reset/passkey")
UPSTREAM = ("/sign-in/upstream", "/sign-in/upstream/{upstream}", "/account/upstream")
PIN, START, AWAY = "/sign-in/pin", "/sign-in/start", "/away"
ACCOUNT = (
    *("/account", "/account/leave", "/account/session/end"),
    *("/account/passkey", "/account/passkey/end", "/account/passkey/name"),
    *("/account/password", "/account/generator", "/account/codes"),
    "/account/upstream/end",
)
INVITATIONS = (
    "/invitation",
    "/invitation/password",
    "/invitation/code",
    "/invitation/join",
    "/invitation/passkey",
)


def page_routes(service: Service, product: str = "", exit: str = "") -> Sequence[Route]:
    """Where people sign in. ``product`` is the name that the pages bear, ``exit`` where the quick way out leads."""
    pages = Pages(product, service.issuer, exit)

    async def style(_: Request) -> Response:
        return response_of(style_answer())

    async def script(_: Request) -> Response:
        return response_of(script_answer())

    async def exit_script(_: Request) -> Response:
        return response_of(exit_script_answer())

    return [
        Route(AUTHORIZE, page_endpoint(service, pages, _authorize)),
        *(Route(path, page_endpoint(service, pages, _visit), methods=["GET", "POST"]) for path in PAGES),
        *(
            Route(path, page_endpoint(service, pages, _invitation), methods=["GET", "POST"])
            for path in INVITATIONS
        ),
        *(Route(path, page_endpoint(service, pages, _passkey), methods=["GET", "POST"]) for path in PASSKEYS),
        *(Route(path, page_endpoint(service, pages, _upstream)) for path in UPSTREAM),
        *(Route(path, page_endpoint(service, pages, _account), methods=["GET", "POST"]) for path in ACCOUNT),
        Route(LOGOUT, page_endpoint(service, pages, _leave), methods=["GET", "POST"]),
        Route(STYLE_PATH, style),
        Route(SCRIPT_PATH, script),
        Route(EXIT_SCRIPT_PATH, exit_script),
        *(
            Route(path, page_endpoint(service, pages, answers), methods=["GET", "POST"])
            for path, answers in ((PIN, _pin), (START, _start), (AWAY, _away))
        ),
        *_resets(service, pages),
        Route("/sign-in/{rest:path}", page_endpoint(service, pages, _missing)),
    ]


def _resets(service: Service, pages: Pages) -> Sequence[Route]:
    """Where somebody chooses a new password: nowhere, where no letter would come."""
    if not service.sends_mail:
        return ()
    return [
        Route(path, page_endpoint(service, pages, answers), methods=["GET", "POST"])
        for path, answers in ((FORGOTTEN, _forgotten), *((path, _reset) for path in RESETS))
    ]


def page_endpoint(service: Service, pages: Pages, answers: Answers) -> Endpoint:
    """The endpoint of a page: what it answers is found in a thread, and its mistakes are pages too."""

    async def endpoint(request: Request) -> Response:
        try:
            answer = await in_page_thread(answers, service, pages, await asked_of(request))
        except Unfit as unfit:
            answer = await _notice(request, pages, NOT_UNDERSTOOD, unfit.status)
        except Fault:
            answer = await _notice(request, pages, BUSY, 503)
        except Exception as mistake:
            reference = str(uuid4())
            log.error("request.failed", reference=reference, exc_info=mistake)
            answer = await _notice(request, pages, BROKEN, 500, reference)
        return response_of(answer)

    return endpoint


async def _notice(
    request: Request, pages: Pages, notice: Notice, status: int, reference: str | None = None
) -> Answer:
    # The query may be what was wrong: of the request, its language alone is taken.
    asked = Asked(request.method, request.url.path, headers=dict(request.headers), cookies=request.cookies)
    return await in_page_thread(lambda: pages.notice(asked, notice, status, reference=reference))


def _authorize(service: Service, pages: Pages, asked: Asked) -> Answer:
    # Authlib takes a while to load: not before somebody asks.
    from pat_server.sign_in.visiting import authorize
    from pat_server.sign_in.visits import Desk

    return authorize(Desk(service, pages), asked)


def _visit(service: Service, pages: Pages, asked: Asked) -> Answer:
    from pat_server.sign_in.visiting import visit
    from pat_server.sign_in.visits import Desk

    return visit(Desk(service, pages), asked)


def _passkey(service: Service, pages: Pages, asked: Asked) -> Answer:
    from pat_server.sign_in.passkeys import visit_passkey
    from pat_server.sign_in.visits import Desk

    return visit_passkey(Desk(service, pages), asked)


def _upstream(service: Service, pages: Pages, asked: Asked) -> Answer:
    from pat_server.sign_in.upstream import visit_upstream
    from pat_server.sign_in.visits import Desk

    return visit_upstream(Desk(service, pages), asked)


def _account(service: Service, pages: Pages, asked: Asked) -> Answer:
    from pat_server.sign_in.account import answer_account
    from pat_server.sign_in.visits import Desk

    return answer_account(Desk(service, pages), asked)


def _pin(service: Service, pages: Pages, asked: Asked) -> Answer:
    from pat_server.sign_in.pin import visit_pin
    from pat_server.sign_in.visits import Desk

    return visit_pin(Desk(service, pages), asked)


def _start(service: Service, pages: Pages, asked: Asked) -> Answer:
    from pat_server.sign_in.pin import start

    return start(service, pages, asked)


def _away(service: Service, pages: Pages, asked: Asked) -> Answer:
    from pat_server.sign_in.pin import leave_quickly

    return leave_quickly(service, pages, asked)


def _leave(service: Service, pages: Pages, asked: Asked) -> Answer:
    from pat_server.sign_in.leaving import leave
    from pat_server.sign_in.visits import Desk

    return leave(Desk(service, pages), asked)


def _invitation(service: Service, pages: Pages, asked: Asked) -> Answer:
    from pat_server.sign_in.invitation import answer_invitation

    return answer_invitation(service, pages, asked)


def _forgotten(service: Service, pages: Pages, asked: Asked) -> Answer:
    from pat_server.sign_in.forgotten import answer_forgotten

    return answer_forgotten(service, pages, asked)


def _reset(service: Service, pages: Pages, asked: Asked) -> Answer:
    from pat_server.sign_in.resetting import answer_reset

    return answer_reset(service, pages, asked)


def _missing(_: Service, pages: Pages, asked: Asked) -> Answer:
    return pages.notice(asked, MISSING, 404)
