"""The report as one HTML page: styles and drawings inside, no script, nothing loaded from anywhere."""

from collections.abc import Iterable
from html import escape
from importlib.resources import files

from recallgate.review.document import Banner, Block, Card, Chart, Document, Facts, Headline, Notes, Paragraph, Section, Table

_LANG = {"en": "en", "zh": "zh-Hans"}


def render_html(document: Document) -> str:
    """Write a document as a page that stands alone; every text is escaped."""
    style = files("recallgate.review").joinpath("report.css").read_text("utf-8")
    links = "".join(f'<a href="#{escape(section.name)}">{escape(section.title)}</a>' for section in document.sections)
    return (
        f'<!doctype html>\n<html lang="{_LANG[document.language]}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(document.title)} · {escape(document.kicker)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#main">{escape(document.skip)}</a>\n'
        f'<header><p class="kicker">{escape(document.kicker)}</p><h1>{escape(document.title)}</h1></header>\n'
        f'<main id="main">\n<div class="lead">{_blocks(document.lead)}</div>\n<nav>{links}</nav>\n'
        f"{''.join(_section(section) for section in document.sections)}</main>\n"
        f"<footer><p>{escape(document.footer)}</p></footer>\n</body>\n</html>\n"
    )


def _section(section: Section) -> str:
    name = escape(section.name)
    head = f'<h2 id="{name}-head">{escape(section.title)}</h2>'
    body = _blocks(section.blocks, title=section.title)
    return f'<section id="{name}" aria-labelledby="{name}-head">{head}{body}</section>\n'


def _blocks(blocks: Iterable[Block], *, title: str = "") -> str:
    """Blocks in order; drawings that follow each other stand side by side where there is room."""
    parts: list[str] = []
    charts: list[str] = []
    for block in blocks:
        if isinstance(block, Chart):
            charts.append(_block(block, title))
            continue
        if charts:
            parts.append(f'<div class="charts">{"".join(charts)}</div>')
            charts = []
        parts.append(_block(block, title))
    if charts:
        parts.append(f'<div class="charts">{"".join(charts)}</div>')
    return "".join(parts)


def _block(block: Block, title: str) -> str:
    match block:
        case Headline(cards):
            return f'<div class="cards">{"".join(_card(card) for card in cards)}</div>'
        case Banner():
            detail = f'<p class="detail">{escape(block.detail)}</p>' if block.detail else ""
            word = f'<p class="word"><span>{escape(block.label)}</span> {escape(block.word)}</p>'
            said = f"<div><p>{escape(block.sentence)}</p>{detail}</div>"
            return f'<div class="banner {escape(block.tone)}">{word}{said}</div>'
        case Notes():
            items = "".join(f"<li>{escape(item)}</li>" for item in block.items)
            tone = " warning" if block.warning else ""
            return f'<aside class="notes{tone}"><h3>{escape(block.title)}</h3><ul>{items}</ul></aside>'
        case Facts(pairs):
            return f"<dl>{''.join(_fact(name, values) for name, values in pairs)}</dl>"
        case Paragraph(text):
            return f'<p class="said">{escape(text)}</p>'
        case Table():
            return _table(block, title)
        case Chart():
            caption = f"<p>{escape(block.caption)}</p>" if block.caption else ""
            head = "" if block.title == title else f"<h3>{escape(block.title)}</h3>"
            return f"<figure><figcaption>{head}{caption}</figcaption>{block.svg}</figure>"


def _card(card: Card) -> str:
    value = f'<p class="value">{escape(card.value)}</p><p class="interval">{escape(card.interval)}</p>'
    detail = f'<p class="detail"><b>{escape(card.counts)}</b> · {escape(card.detail)}</p>'
    return f'<div class="card"><h2>{escape(card.label)}</h2>{value}{detail}</div>'


def _fact(name: str, values: tuple[str, ...]) -> str:
    if len(values) == 1:
        return f"<div><dt>{escape(name)}</dt><dd>{escape(values[0])}</dd></div>"
    items = "".join(f"<li>{escape(value)}</li>" for value in values)
    return f"<div><dt>{escape(name)}</dt><dd><ol>{items}</ol></dd></div>"


def _table(table: Table, title: str) -> str:
    if not table.rows:
        return ""
    numeric = [cell.number for cell in table.rows[0]]
    head = "".join(
        f'<th scope="col"{_number(number)}>{escape(column)}</th>' for column, number in zip(table.columns, numeric, strict=True)
    )
    rows = []
    for row in table.rows:
        first, *rest = row
        cells = [f'<th scope="row">{escape(first.text)}{_note(first.note)}</th>']
        for column, cell in zip(table.columns[1:], rest, strict=True):
            cells.append(
                f'<td data-name="{escape(column)}"{_number(cell.number)}><span>{escape(cell.text)}{_note(cell.note)}</span></td>'
            )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    # a caption that repeats the title above it is for screen readers only
    same = ' class="same"' if table.caption == title else ""
    caption = f"<caption{same}>{escape(table.caption)}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _note(note: str) -> str:
    return f"<small>{escape(note)}</small>" if note else ""


def _number(number: bool) -> str:
    return ' class="number"' if number else ""
