"""The report as Markdown: everything but the drawings, whose numbers stand in the tables."""

import re
from collections.abc import Iterable

from recallgate.review.document import Banner, Block, Chart, Document, Facts, Headline, Notes, Paragraph, Table

_SIGNS = re.compile(r"([\\`*_{}\[\]<>#|~])")


def render_markdown(document: Document) -> str:
    """Write a document as GitHub-flavoured Markdown; texts are escaped."""
    parts = [f"# {_escape(document.title)}", _escape(document.kicker), *_blocks(document.lead)]
    for section in document.sections:
        parts += [f"## {_escape(section.title)}", *_blocks(section.blocks)]
    return "\n\n".join([*parts, "---", _escape(document.footer)]) + "\n"


def _blocks(blocks: Iterable[Block]) -> list[str]:
    return [text for block in blocks if (text := _block(block))]


def _block(block: Block) -> str:
    match block:
        case Headline(cards):
            return "\n".join(
                f"- **{_escape(card.label)}**: {card.counts} = {card.value} {card.interval} ({_escape(card.detail)})"
                for card in cards
            )
        case Banner():
            detail = f"\n>\n> {_escape(block.detail)}" if block.detail else ""
            return f"> **{_escape(block.label)}: {_escape(block.word)}.** {_escape(block.sentence)}{detail}"
        case Notes():
            return "\n".join([f"**{_escape(block.title)}**", "", *(f"- {_escape(item)}" for item in block.items)])
        case Facts(pairs):
            return "\n".join(line for name, values in pairs for line in _fact(name, values))
        case Paragraph(text):
            return _escape(text)
        case Table():
            return _table(block)
        case Chart():
            return ""


def _fact(name: str, values: tuple[str, ...]) -> list[str]:
    if len(values) == 1:
        return [f"- **{_escape(name)}**: {_escape(values[0])}"]
    return [f"- **{_escape(name)}**:", *(f"  {place}. {_escape(value)}" for place, value in enumerate(values, start=1))]


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    lines = [f"**{_escape(table.caption)}**", "", "| " + " | ".join(_escape(column) for column in table.columns) + " |"]
    lines.append("|" + "|".join(" ---: " if cell.number else " --- " for cell in table.rows[0]) + "|")
    for row in table.rows:
        cells = (_escape(cell.text) + (f"<br>{_escape(cell.note)}" if cell.note else "") for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _escape(text: str) -> str:
    """Take their meaning from Markdown's signs; brackets that hold an interval stay as they are."""
    text = " ".join(text.split())
    if re.fullmatch(r"\[[^\[\]<>`|]*\]", text):
        return text
    return _SIGNS.sub(r"\\\1", text)
