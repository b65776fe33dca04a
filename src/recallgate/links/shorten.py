"""Replace the links of a content by short ones, and add the ways out that a marketing mail must have."""

import html
import re
from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from recallgate.links.targets import safe_target
from recallgate.model.content import Card, Content, Email, Inapp, Markdown, News, Push, Text
from recallgate.model.message import Message
from recallgate.store.links import LinkRow

# A link ends before white space, quotes, angle brackets and full-width punctuation; closing marks of a sentence stay out.
_LINK = re.compile(r"https?://[^\s<>\"'，。！？；：、（）【】《》“”‘’]+[^\s<>\"'，。！？；：、（）【】《》“”‘’.,!?;:)]")
_HREF = re.compile(r"(?i)(href\s*=\s*)([\"'])(https?://[^\"']+)\2")
UNSUBSCRIBE = "[[unsubscribe]]"
_M = TypeVar("_M", bound=BaseModel)


def swap(model: _M, field: str, value: object) -> _M:
    """What `model_copy(update={field: value})` gives for a model without extra or private values, at a fifth of its cost."""
    made = model.__class__.__new__(model.__class__)
    put = object.__setattr__
    put(made, "__dict__", {**model.__dict__, field: value})
    given = model.__pydantic_fields_set__
    put(made, "__pydantic_fields_set__", given if field in given else {*given, field})
    put(made, "__pydantic_extra__", None)
    put(made, "__pydantic_private__", None)
    return made


class Shortener:
    """Makes links for one message: `code(*key)` gives a code, `base` is where they are served, `hosts` as in `safe_target`."""

    def __init__(
        self, message: Message, base: str, *, code: Callable[..., str], now_ms: int, hosts: frozenset[str] = frozenset()
    ) -> None:
        self._message = message
        self._hosts = hosts
        self._base = base
        self._code = code
        self._now = now_ms
        self._known: dict[tuple[str, str], str] = {}
        self.rows: list[LinkRow] = []

    def link(self, target: str, kind: str = "click") -> str:
        """The short address for a target; the same target in one message has one code.

        A target that our redirect must not lend its name to stays as it is.
        """
        if target.startswith(self._base + "/"):
            return target
        if kind == "click":
            safe = safe_target(target, self._hosts)
            if safe is None:
                return target
            target = safe
        known = self._known.get((target, kind))
        if known is None:
            code = self._code(self._message.id, kind, str(len(self.rows)))
            self.rows.append(LinkRow(code, self._message.tenant, self._message.id, target, kind, self._now))
            known = self._known[target, kind] = f"{self._base}/{'u' if kind == 'unsubscribe' else 'l'}/{code}"
        return known

    def text(self, text: str) -> str:
        return _LINK.sub(lambda found: self.link(found[0]), text)

    def html(self, text: str) -> str:
        return _HREF.sub(lambda found: f"{found[1]}{found[2]}{html.escape(self.link(html.unescape(found[3])))}{found[2]}", text)


def shorten(
    message: Message, base: str, *, code: Callable[..., str], now_ms: int, hosts: frozenset[str] = frozenset()
) -> tuple[Message, list[LinkRow]]:
    """The message with short links (and, for marketing mail, one-click unsubscribe), and the rows to store with it."""
    maker = Shortener(message, base, code=code, now_ms=now_ms, hosts=hosts)
    content = message.content
    changed: Content
    match content:
        case Text() | Markdown():
            new = content.text if "://" not in content.text else maker.text(content.text)
            changed = content if new == content.text else swap(content, "text", new)
        case Push() | Inapp():
            changed = swap(content, "link", maker.link(content.link)) if content.link and _is_http(content.link) else content
        case Card():
            changed = swap(content, "url", maker.link(content.url)) if _is_http(content.url) else content
        case News():
            articles = tuple(swap(card, "url", maker.link(card.url)) if _is_http(card.url) else card for card in content.articles)
            changed = content.model_copy(update={"articles": articles})
        case Email():
            changed = _mail(message, content, maker)
        case _:
            return message, []
    if changed is content:
        return message, []
    return swap(message, "content", changed), maker.rows


def _mail(message: Message, content: Email, maker: Shortener) -> Email:
    text = maker.text(content.text) if content.text is not None else None
    body = maker.html(content.html) if content.html is not None else None
    headers = dict(content.headers)
    if message.purpose == "marketing" and "List-Unsubscribe" not in headers:
        way_out = maker.link("unsubscribe:" + (message.topic or "*"), "unsubscribe")
        headers["List-Unsubscribe"] = f"<{way_out}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        if text is not None:
            text = text.replace(UNSUBSCRIBE, way_out) if UNSUBSCRIBE in text else f"{text}\n\nUnsubscribe: {way_out}\n"
        if body is not None:
            anchor = f'<p><a href="{html.escape(way_out)}">Unsubscribe</a></p>'
            if UNSUBSCRIBE in body:
                body = body.replace(UNSUBSCRIBE, html.escape(way_out))
            elif "</body>" in body:
                body = body.replace("</body>", anchor + "</body>", 1)
            else:
                body += anchor
    return swap(swap(swap(content, "text", text), "html", body), "headers", headers)


def _is_http(target: str) -> bool:
    return target.startswith(("https://", "http://"))
