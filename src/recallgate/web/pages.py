"""Pages for people who follow a link of a message: one file each, no script, no cookie, readable on a phone."""

import html
from dataclasses import dataclass

HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "vary": "accept-language",
}


@dataclass(frozen=True)
class _Words:
    """What a page says in one language; with a `button` it is a form that posts to its own address."""

    title: str
    text: str
    button: str | None = None


_PAGES: dict[str, dict[str, _Words]] = {
    "unsubscribe": {
        "en": _Words(
            "Unsubscribe", "You will get no more messages of this kind. Nothing changes until you confirm.", "Unsubscribe me"
        ),
        "zh": _Words("退订", "确认后，您将不再收到此类消息。在您确认之前，一切保持不变。", "确认退订"),
    },
    "unsubscribed": {
        "en": _Words("You are unsubscribed", "It holds from now on. You can close this page."),
        "zh": _Words("退订成功", "即刻生效，您可以关闭此页面。"),
    },
    "unknown": {
        "en": _Words("This link is not known", "It may have been cut off. Open it again from the message that you got."),
        "zh": _Words("链接无效", "链接可能不完整，请从收到的消息中重新打开。"),
    },
    "later": {
        "en": _Words("Please try again", "We cannot answer right now. Nothing was changed; please try again in a few minutes."),
        "zh": _Words("请稍后再试", "暂时无法处理您的请求，未做任何更改，请几分钟后重试。"),
    },
}
_STYLE = (
    ":root{color-scheme:light dark}body{margin:0;padding:12vh 1.25rem 2rem;font:1.0625rem/1.6 system-ui,sans-serif}"
    "main{max-width:28rem;margin:0 auto}h1{font-size:1.5rem;line-height:1.25;margin:0 0 .75rem}p{margin:0 0 1.5rem}"
    "button{font:inherit;width:100%;min-height:3rem;padding:.5rem 1rem;border:0;border-radius:.5rem;background:#1d4ed8;"
    "color:#fff;cursor:pointer}button:focus-visible{outline:3px solid #93c5fd;outline-offset:2px}"
)


def page(name: str, *, accept_language: str | None = None) -> str:
    """The HTML of a page: `unsubscribe`, `unsubscribed`, `unknown` or `later`, in the best language of the header."""
    language = language_of(accept_language)
    words = _PAGES[name][language]
    form = f'<form method="post"><button type="submit">{html.escape(words.button)}</button></form>' if words.button else ""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(words.title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{html.escape(words.title)}</h1><p>{html.escape(words.text)}</p>{form}</main></body></html>"
    )


def language_of(accept_language: str | None) -> str:
    """`en` or `zh`, whichever an Accept-Language header (RFC 9110 12.5.4) likes better; English when it likes neither."""
    best, liking = "en", 0.0
    for part in (accept_language or "").split(","):
        tag, _, parameters = part.partition(";")
        name = tag.strip().lower().partition("-")[0]
        weight = _weight(parameters)
        if name in ("en", "zh") and weight > liking:
            best, liking = name, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
