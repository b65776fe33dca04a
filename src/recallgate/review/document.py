"""A report as blocks: what is shown, without how it is drawn."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One cell of a table; `note` is smaller, under the text."""

    text: str
    note: str = ""
    number: bool = False


@dataclass(frozen=True)
class Table:
    """A table; the first column heads its row."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Card:
    """A headline number: its value, its interval, its counts and what they count."""

    label: str
    value: str
    interval: str
    counts: str
    detail: str


@dataclass(frozen=True)
class Headline:
    """The numbers that lead the report."""

    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Banner:
    """The verdict: a word, its tone, a sentence and the numbers behind it."""

    label: str
    word: str
    tone: str
    sentence: str
    detail: str


@dataclass(frozen=True)
class Notes:
    """A list of remarks; `warning` draws attention."""

    title: str
    items: tuple[str, ...]
    warning: bool = False


@dataclass(frozen=True)
class Facts:
    """Names and what is said of them; several values are a list of steps."""

    pairs: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Paragraph:
    """A sentence or two."""

    text: str


@dataclass(frozen=True)
class Chart:
    """A drawing whose numbers stand in a table beside it; `svg` is complete and safe."""

    title: str
    svg: str
    caption: str = ""


Block = Table | Headline | Banner | Notes | Facts | Paragraph | Chart


@dataclass(frozen=True)
class Section:
    """A part of the report under its own title."""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """The whole report."""

    language: str
    title: str
    kicker: str
    lead: tuple[Block, ...]
    sections: tuple[Section, ...]
    footer: str
    skip: str
