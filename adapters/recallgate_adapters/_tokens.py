"""Access tokens as vendors take them and say that they have ended: parts of a `TokenAuth`."""

from collections.abc import Callable, Collection

import httpx

from recallgate import Token


def ended_by(name: str, codes: Collection[str]) -> Callable[[httpx.Response], bool]:
    """Whether an answer means that its token has ended: a field of its JSON has one of these codes."""

    def ended(response: httpx.Response) -> bool:
        try:
            answer = response.json()
        except ValueError:
            return False
        return isinstance(answer, dict) and str(answer.get(name)) in codes

    return ended


def in_header(name: str) -> Callable[[httpx.Request, Token], httpx.Request]:
    """Puts the token into a header of its own."""

    def apply(request: httpx.Request, token: Token) -> httpx.Request:
        request.headers[name] = token.value
        return request

    return apply


def in_query(request: httpx.Request, token: Token) -> httpx.Request:
    """Puts the token into the query, as the platforms of Tencent want it."""
    request.url = request.url.copy_merge_params({"access_token": token.value})
    return request
