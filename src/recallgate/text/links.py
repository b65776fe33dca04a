"""Links within a text: where they are, and the space that keeps them tappable."""

import re
from functools import lru_cache

_URL_CHARS = r"A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%"
_TOP = "com|cn|net|org|io|co|me|link|info|biz|app|shop|top|xyz|vip|cc|ly|gl|im|tv|de|fr|uk|us|eu|in|jp|hk|tw|sg|au|ca"
# a second scheme begins a second link, unless it stands in the first one's path or query
_LINK = re.compile(
    rf"(?:https?://(?:(?!(?<![=/?&#%:])https?://)[{_URL_CHARS}])+"
    rf"|(?<![A-Za-z0-9@._/\-])(?:www\.)?(?:[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?\.)+(?:{_TOP})"
    rf"(?:/(?:(?!(?<![=/?&#%:])https?://)[{_URL_CHARS}])*|(?![A-Za-z0-9.\-@])|(?=\.(?![A-Za-z0-9]))))",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?'*)]"
_BLANKS = " \t\u3000\xa0"


@lru_cache(maxsize=256)  # the rules look at one text several times
def find_links(text: str) -> tuple[tuple[int, int], ...]:
    """Start and end of each link, in order; punctuation after a link is not part of it."""
    spans = []
    for match in _LINK.finditer(text):
        end = match.end()
        while end > match.start() and text[end - 1] in _TRAILING and not _closes(text, match.start(), end):
            end -= 1
        if not text[match.start() : end].lower().endswith("://"):
            spans.append((match.start(), end))
    return tuple(spans)


def _closes(text: str, start: int, end: int) -> bool:
    """True when the bracket at the end was opened within the link."""
    link = text[start:end]
    return (link[-1] == ")" and link.count("(") >= link.count(")")) or (link[-1] == "]" and link.count("[") >= link.count("]"))


def links_in(text: str) -> list[str]:
    """The links themselves, in order, doubles kept."""
    return [text[start:end] for start, end in find_links(text)]


def space_links(text: str) -> str:
    """One space before and after each link, also beside full-width punctuation; line and text ends count as spaced."""
    for _ in range(8):  # a new space can part two links that were read as one word
        spaced = _space(text)
        if spaced == text:
            break
        text = spaced
    return text


def _space(text: str) -> str:
    out = ""
    at = 0
    for start, end in find_links(text):
        out = (out + text[at:start]).rstrip(_BLANKS)
        if out and not out.endswith(("\n", "\r")):
            out += " "
        out += text[start:end]
        at = end
        rest = text[at:].lstrip(_BLANKS)
        at = len(text) - len(rest)
        if rest and rest[0] not in "\r\n":
            out += " "
    return out + text[at:]
