"""Blocked words: lists by vendor, phone maker and country, and a matcher that takes a long list as fast as a short one.

Texts and words are compared as NFKC, casefolded, and without the signs that people put between the characters of a blocked
word: 贷 款, 贷·款 and ＦＲＥＥ are found. Words of Latin letters match whole words only, others anywhere.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recallgate.model.errors import ConfigError
from recallgate.text.findings import Finding, Level


class WordList(BaseModel):
    """Words that hold for a vendor, a phone maker and a country; `*` means all of them.

    `level` is how bad a hit is: what a vendor refuses is an error, what some phones hide may be a warning.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Field(min_length=1)
    words: tuple[str, ...]
    vendor: str = "*"
    maker: str = "*"
    country: str = "*"
    level: Level = "error"
    source: str = ""
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class WordHit:
    """A blocked word, as its list writes it, and the list that it is on."""

    word: str
    list: WordList


class BlockedWords:
    """All lists, immutable, ready to be matched."""

    def __init__(self, lists: Iterable[WordList] = ()) -> None:
        self.lists = tuple(lists)
        if len({one.id for one in self.lists}) != len(self.lists):
            raise ConfigError("words: two lists have one id; give one another")
        self._entries: list[tuple[str, WordList]] = []
        self._latin: dict[str, list[tuple[str, int]]] = {}  # first word -> phrases that begin with it
        self._pairs: dict[str, list[tuple[str, int]]] = {}  # two characters beyond Latin that stand in them -> words
        self._chars: dict[str, list[tuple[str, int]]] = {}  # words without such a pair, by one such character
        self._signs: list[tuple[str, int]] = []
        for one in self.lists:
            for word in one.words:
                self._add(word, one)
        self._pair_keys, self._char_keys = frozenset(self._pairs), frozenset(self._chars)

    @classmethod
    def read(cls, *files: str | Path) -> "BlockedWords":
        """From JSON files `{"lists": [{"id", "words", "vendor"?, "maker"?, "country"?, "level"?, …}]}`; raises ConfigError."""
        lists: list[WordList] = []
        for file in files:
            try:
                lists += [WordList.model_validate(row) for row in json.loads(Path(file).read_text(encoding="utf-8"))["lists"]]
            except (OSError, ValueError, TypeError, KeyError) as exc:
                words = exc.errors(include_input=False)[0]["msg"] if isinstance(exc, ValidationError) else type(exc).__name__
                raise ConfigError(f"words: {file} is no file of word lists: {words}") from None
        return cls(lists)

    def find(
        self, text: str, *, vendor: str | None = None, country: str | None = None, makers: Collection[str] | None = None
    ) -> tuple[WordHit, ...]:
        """The blocked words of a text, in the order of the lists, each once a list.

        `makers` are those of the phones that will show it; None means any phone, so the lists of all makers hold. A vendor
        or country that is None meets the lists of all only.
        """
        hits = self._matches(text)
        if not hits:
            return ()
        found = []
        for at in sorted(hits):
            word, one = self._entries[at]
            if (
                one.vendor in ("*", vendor)
                and one.country in ("*", country)
                and (makers is None or one.maker == "*" or one.maker in makers)
            ):
                found.append(WordHit(word, one))
        return tuple(found)

    def _add(self, word: str, one: WordList) -> None:
        at, folded = len(self._entries), fold(word)
        self._entries.append((word, one))
        plain, latin = _noise().sub("", folded), _LATIN.findall(folded)
        runs = _WIDE.findall(plain)
        if not plain:
            if folded.strip():
                self._signs.append((folded.strip(), at))
        elif not runs and latin:
            self._latin.setdefault(latin[0], []).append((f" {' '.join(latin)} ", at))
        elif longest := next((run for run in runs if len(run) > 1), ""):
            self._pairs.setdefault(longest[:2], []).append((plain, at))
        elif runs:
            self._chars.setdefault(runs[0], []).append((plain, at))

    def _matches(self, text: str) -> set[int]:
        """The places, in `_entries`, of all words in a text."""
        hits, folded = set[int](), fold(text)
        if not folded.isascii():
            plain = _noise().sub("", folded)
            for run in _WIDE.findall(plain):
                for pair in self._pair_keys.intersection(map(_JOIN, run, run[1:])):
                    hits.update(at for word, at in self._pairs[pair] if word in plain and _stands(word, plain))
            for char in self._char_keys.intersection(plain) if self._char_keys else ():
                hits.update(at for word, at in self._chars[char] if word in plain and _stands(word, plain))
        if self._latin:
            words = _LATIN.findall(folded)
            for first in self._latin.keys() & words:
                spaced = f" {' '.join(words)} "
                hits.update(at for phrase, at in self._latin[first] if phrase in spaced)
        if self._signs:
            hits.update(at for sign, at in self._signs if sign in folded)
        return hits


_JOIN = str.__add__
_LATIN = re.compile(r"[a-z0-9\u00df-\u00f6\u00f8-\u024f]+")
_WIDE = re.compile(r"[^\x00-\u024f]+")
# Beside ASCII and Han, what texts are full of; composing it changes nothing but signs that are left out anyway.
_USUAL = re.compile(r"[\x00-\x7f\u4e00-\u9fff，。！？：；（）“”‘’、【】《》…—·]*")


def fold(text: str) -> str:
    """NFKC and casefolded; signs that the matching leaves out may stay as they are."""
    if _USUAL.fullmatch(text) is None:
        text = unicodedata.normalize("NFKC", text)
    return text.casefold()


@lru_cache(maxsize=1)
def _noise() -> re.Pattern[str]:
    """One character or more of the Unicode categories P, S, Z and C, variation selectors too; of the astral planes, emoji."""
    found, start = [], -1
    for code in range(0x10001):
        noise = code < 0x10000 and (unicodedata.category(chr(code))[0] in "PSZC" or 0xFE00 <= code <= 0xFE0F)
        if noise and start < 0:
            start = code
        elif not noise and start >= 0:
            found.append(f"\\u{start:04x}-\\u{code - 1:04x}")
            start = -1
    return re.compile(f"[{''.join(found)}\\U0001f000-\\U0001faff\\U000e0000-\\U000e0fff]+")


def _stands(word: str, plain: str) -> bool:
    """True when the word, which is in the text, does not begin or end within a longer run of Latin letters and digits."""
    at = plain.find(word)
    while at >= 0:
        end = at + len(word)
        before, after = plain[at - 1 : at] if at else "", plain[end : end + 1]
        if not (_joins(before) and _joins(word[0])) and not (_joins(after) and _joins(word[-1])):
            return True
        at = plain.find(word, at + 1)
    return False


def _joins(char: str) -> bool:
    return char < "\u0250" and char.isalnum()


@dataclass(frozen=True, slots=True)
class Screen:
    """Lists of blocked words, as they hold for a vendor's account and the phones that will show the text (None: any)."""

    words: BlockedWords
    vendor: str | None = None
    makers: frozenset[str] | None = None


Words = Collection[str] | Mapping[str, Level] | Screen


def screened(text: str, words: Words, *, country: str | None) -> list[Finding]:
    """A finding for each blocked word, in the order of the lists; it names the word and whose list it is on."""
    if isinstance(words, Screen):
        hits = words.words.find(text, vendor=words.vendor, country=country, makers=words.makers)
    elif words:
        hits = _made(tuple(words.items()) if isinstance(words, Mapping) else tuple((word, _ERROR) for word in words)).find(text)
    else:
        return []
    return [Finding(hit.list.level, "word.blocked", _why(hit)) for hit in hits]


def _why(hit: WordHit) -> str:
    one = hit.list
    if one.maker != "*":
        return f"the word {hit.word} is hidden by phones of {one.maker} (list {one.id})"
    whose = f"the list {one.id} of {one.vendor}" if one.vendor != "*" else "the list of blocked words"
    return f"the word {hit.word} is on {whose}"


_ERROR: Level = "error"


@lru_cache(maxsize=64)
def _made(pairs: tuple[tuple[str, Level], ...]) -> BlockedWords:
    return BlockedWords(WordList(id=f"own-{n}", words=(word,), level=level) for n, (word, level) in enumerate(pairs))
