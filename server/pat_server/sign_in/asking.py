"""Between HTTP and the issuer, which knows no web framework."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from pat_auth.issuer.asked import LONGEST_FORM, Answer, Asked, Unfit, parse_form, parse_pairs
from pat_platform.deadlines import within

BODY_SECONDS = 30.0
"""How long a form may take to come."""


async def asked_of(request: Request) -> Asked:
    """What is asked. Raises Unfit for what is not read any further."""
    headers = request.headers
    return Asked(
        method=request.method,
        path=request.url.path,
        query=parse_pairs(request.scope["query_string"]),
        form=parse_form(headers.get("content-type"), await _body(request)),
        # A header that comes twice counts once, the first time: of those that we look at none may.
        headers={name: headers[name] for name in headers},
        cookies=request.cookies,
        address=request.client.host if request.client else "",
    )


def response_of(answer: Answer) -> Response:
    """The answer as the web framework sends it."""
    response = Response(answer.body, answer.status)
    for name, value in answer.headers:
        response.headers.append(name, value)
    return response


async def _body(request: Request) -> bytes:
    """The body, counted as it comes. Raises Unfit: 413, 415 or 400."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Unfit(415, "Send the form as it is, not compressed.")
    body = b""
    try:
        with within(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LONGEST_FORM:
                    raise Unfit(413, f"More than {LONGEST_FORM} bytes.")
    except (TimeoutError, ClientDisconnect):
        raise Unfit(400, "The body did not come.") from None
    return body
