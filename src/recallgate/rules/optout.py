"""Replies that change consent: STOP, TD, 退订 and their kin. When unsure, the person is opted out and the reply flagged."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from recallgate.rules.datafile import read
from recallgate.rules.regulations import Certainty

Action = Literal["opt_out", "opt_in", "help"]


class WordRow(BaseModel):
    """Words of one language and country (None: any) that mean one action; `match` whole message or phrase within it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    language: str
    country: str | None
    action: Action
    match: Literal["whole", "phrase"]
    words: tuple[str, ...]
    review: bool = False
    also: Literal["complaint"] | None = None
    note: str = ""
    source: str = ""
    as_of: str = ""
    certainty: Certainty = "L"


@dataclass(frozen=True, slots=True)
class ReplyReading:
    """What a reply means for consent; `action` None is an ordinary message. `review`: a human should look at it."""

    action: Action | None = None
    review: bool = False
    word: str | None = None
    complaint: bool = False


_NOTHING = ReplyReading()
_PRECEDENCE: tuple[Action, ...] = ("opt_out", "help", "opt_in")


class ReplyWords:
    """The known words, immutable; other languages are added as rows of the same shape."""

    def __init__(self, rows: Iterable[WordRow]) -> None:
        self.rows = tuple(rows)
        self._by_country: dict[str | None, tuple[WordRow, ...]] = {}
        self._codes: dict[str | None, frozenset[str]] = {}

    @classmethod
    def default(cls) -> "ReplyWords":
        """The words that come with the package."""
        return _default()

    def extended(self, rows: Iterable[WordRow | Mapping[str, object]]) -> "ReplyWords":
        """These words and more."""
        return ReplyWords([*self.rows, *(row if isinstance(row, WordRow) else WordRow.model_validate(row) for row in rows)])

    def knows(self, code: str, *, country: str | None) -> bool:
        """True when the code alone, as a whole reply from that country, opts out."""
        known = self._codes.get(country)
        if known is None:
            rows = [row for row in self._rows(country) if row.action == "opt_out"]
            known = self._codes[country] = frozenset().union(*(_compact_words(row) for row in rows))
        return compact(code) in known

    def read(self, text: str, *, country: str | None = None, sender_codes: Iterable[str] = ()) -> ReplyReading:
        """The reading of one inbound text; see `read_reply`."""
        whole = compact(text)
        if not whole:
            return _NOTHING
        for code in sender_codes:
            if compact(code) == whole:
                return ReplyReading("opt_out", word=whole)
        rows = self._rows(country)
        return _exact(rows, whole, country) or _phrase(rows, whole) or _fuzzy(rows, text, sender_codes) or _NOTHING

    def _rows(self, country: str | None) -> tuple[WordRow, ...]:
        found = self._by_country.get(country)
        if found is None:
            if len(self._by_country) >= 512:
                self._by_country.clear()
                self._codes.clear()
            found = tuple(row for row in self.rows if country is None or row.country in (None, country))
            self._by_country[country] = found
        return found


def read_reply(
    text: str,
    *,
    country: str | None = None,
    language: str | None = None,
    sender_codes: Iterable[str] = (),
    words: ReplyWords | None = None,
) -> ReplyReading:
    """What an inbound text means: the sender's own codes, then whole words, then phrases, then a fuzzy look (flagged).

    Rows of the country apply, and rows of any country whatever the language: who writes "stop" writes English. An unknown
    country brings in the words of all, flagged where they are not everyone's. `language`, when given, adds the rows of that
    language from any country, flagged, since a traveller's number tells nothing about the words.
    """
    known = words or ReplyWords.default()
    reading = known.read(text, country=country, sender_codes=sender_codes)
    if reading.action is not None or language is None or country is None:
        return reading
    spoken = language.lower().partition("-")[0]
    more = tuple(row for row in known.rows if row.language == spoken and row.action == "opt_out")
    elsewhere = _exact(more, compact(text), None) or _phrase(more, compact(text))
    return reading if elsewhere is None else ReplyReading("opt_out", True, elsewhere.word, elsewhere.complaint)


def _exact(rows: Iterable[WordRow], whole: str, country: str | None) -> ReplyReading | None:
    hits = [row for row in rows if row.match == "whole" and whole in _compact_words(row)]
    for action in _PRECEDENCE:
        for_action = [row for row in hits if row.action == action]
        if for_action:
            guessed = country is None and action == "opt_out" and all(row.country for row in for_action) and len(whole) < 2
            return ReplyReading(action, guessed or all(row.review for row in for_action), whole, _complains(for_action))
    return None


def _phrase(rows: Iterable[WordRow], whole: str) -> ReplyReading | None:
    hits = [(row, word) for row in rows if row.match == "phrase" for word in _compact_words(row) if word in whole]
    for action in _PRECEDENCE:
        for_action = [(row, word) for row, word in hits if row.action == action]
        if for_action:
            review = any(row.review and word != whole for row, word in for_action)
            return ReplyReading(action, review, for_action[0][1], _complains(row for row, _ in hits))
    return None


def _fuzzy(rows: Iterable[WordRow], text: str, sender_codes: Iterable[str]) -> ReplyReading | None:
    padded = f" {spaced(text)} "
    candidates = [word for row in rows if row.action == "opt_out" for word in row.words]
    for word in [*candidates, *sender_codes]:
        plain = spaced(word)
        if len(plain) >= 2 and f" {plain} " in padded:
            return ReplyReading("opt_out", review=True, word=plain)
    return None


def _complains(rows: Iterable[WordRow]) -> bool:
    return any(row.also == "complaint" for row in rows)


@lru_cache(maxsize=1024)
def _compact_words(row: WordRow) -> frozenset[str]:
    return frozenset(compact(word) for word in row.words)


def compact(text: str) -> str:
    """NFKC, casefolded, without punctuation, symbols, separators and control characters."""
    return "".join(ch for ch in unicodedata.normalize("NFKC", text).casefold() if not _is_noise(ch))


def spaced(text: str) -> str:
    """As `compact`, but each run of what was left out is one space; trimmed."""
    words = "".join(" " if _is_noise(ch) else ch for ch in unicodedata.normalize("NFKC", text).casefold())
    return " ".join(words.split())


def _is_noise(char: str) -> bool:
    # variation selectors are marks, and stay behind when their emoji goes
    return unicodedata.category(char)[0] in "PSZC" or "\ufe00" <= char <= "\ufe0f"


_ASKS = re.compile(r"(?:回复?|reply(?:\s+with)?|text|txt|send)[\W_]*([a-z0-9]{1,12})(?![a-z0-9])", re.ASCII)
_OR = re.compile(r"[\s\"'“”]*(?:或者?|or\b|/|、)[\s\"'“”]*([a-z0-9]{1,12})(?![a-z0-9])")
_RUN = re.compile(r"(?<![a-z0-9])[a-z0-9]{1,12}(?![a-z0-9])")
_LINK = re.compile(r"https?://\S+")


@lru_cache(maxsize=1024)
def codes_in_suffix(suffix: str) -> tuple[str, ...]:
    """The reply codes that a sender's own opt-out suffix names: 回BK退订 gives ("bk",), "Reply STOP to end" ("stop",).

    Normalised, in order, without doubles; empty when the suffix names none (a link, for example).
    """
    text = _LINK.sub(" ", unicodedata.normalize("NFKC", suffix).casefold())
    codes: list[str] = []
    for asked in _ASKS.finditer(text):
        codes.append(asked[1])
        at = asked.end()
        while (other := _OR.match(text, at)) is not None:
            codes.append(other[1])
            at = other.end()
    if not codes:
        if text.isascii():
            words = ReplyWords.default()
            codes = [run for run in _RUN.findall(text) if len(run) > 1 and words.knows(run, country=None)][:1]
        else:
            codes = _RUN.findall(text)
    return tuple(dict.fromkeys(codes))


@lru_cache(maxsize=1)
def _default() -> ReplyWords:
    return ReplyWords(WordRow.model_validate(row) for row in read("optout_keywords")["rows"])
