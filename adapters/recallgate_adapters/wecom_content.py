"""What a WeCom app can say: our content as msgtype and body, with the vendor's limits checked in bytes.

Source: field comments of WxJava's WxCpMsgTemplate, and the vendor's page on message limits, read 2026-11-22.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from recallgate import Card, ErrorKind, Markdown, Media, Message, MiniProgram, News, Payload, SendError, Text

MSGTYPES = (
    "text",
    "image",
    "voice",
    "video",
    "file",
    "textcard",
    "news",
    "mpnews",
    "markdown",
    "miniprogram_notice",
    "template_card",
)
CARD_TYPES = ("text_notice", "news_notice", "button_interaction", "vote_interaction", "multiple_interaction")
MEGABYTE = 1024 * 1024
MEDIA = {"image": (10 * MEGABYTE, "png"), "voice": (2 * MEGABYTE, "amr"), "video": (10 * MEGABYTE, "mp4")}
FILE = (20 * MEGABYTE, "bin")
# Marks task ids that carry our message id, and those shared by a batch, apart from the app's own.
TASK, SHARED_TASK = "rg-", "rgb-"
_TASK_ID = re.compile(r"[0-9A-Za-z_@-]{1,124}", re.ASCII)


def body_of(message: Message, *, shared: bool = False) -> dict[str, Any]:
    """`msgtype` and the object of that name; `shared` where several messages leave in one request.

    Raises `SendError`: PAYLOAD_TOO_LARGE above a limit, UNSUPPORTED for what WeCom cannot show.
    """
    match message.content:
        case Text(text=text):
            return _typed("text", {"content": within(text, 2048, "text")})
        case Markdown(text=text, title=None):
            return _typed("markdown", {"content": within(text, 2048, "markdown")})
        case Markdown():
            raise _unsupported("markdown.title", "a WeCom markdown has no title; put it into the text")
        case Card() as card:
            return _typed("textcard", _textcard(card))
        case News(articles=articles):
            return _typed("news", {"articles": [_article(card) for card in articles]})
        case Media() as media:
            return _typed(media.kind, _media(media))
        case MiniProgram() as notice:
            return _typed("miniprogram_notice", _notice(notice))
        case Payload(data=data):
            return _payload(data, message.id, shared=shared)
        case other:
            raise _unsupported("content", f"a WeCom app cannot send {other.type}")


def within(text: str, most: int, name: str) -> str:
    """The text, when it has at most this many UTF-8 bytes."""
    if (size := len(text.encode())) > most:
        raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, name, f"{size} bytes, at most {most}")
    return text


def file_of(media: Media) -> tuple[str, bytes]:
    """Name and bytes of a file to be uploaded; raises `SendError` for one that WeCom would not take."""
    if media.data is None:
        raise SendError(ErrorKind.UNSUPPORTED, "media", "only media given as data can be uploaded; WeCom fetches no URL")
    try:
        content = base64.b64decode(media.data, validate=True)
    except (ValueError, binascii.Error):
        raise SendError(ErrorKind.UNSUPPORTED, "media.data", "it is not base64") from None
    most, ending = MEDIA.get(media.kind, FILE)
    if len(content) > most:
        raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, "media.data", f"{len(content)} bytes, at most {most}")
    if len(content) <= 5:
        raise SendError(ErrorKind.UNSUPPORTED, "media.data", "WeCom takes files of more than 5 bytes")
    filename = media.filename or f"{media.kind}.{ending}"
    if '"' in filename or not filename.isprintable():
        raise SendError(ErrorKind.UNSUPPORTED, "media.filename", "it has a quote or control character")
    return filename, content


def _typed(msgtype: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"msgtype": msgtype, msgtype: dict(body)}


def _textcard(card: Card) -> dict[str, Any]:
    if card.image is not None:
        raise _unsupported("card.image", "a text card has no picture; send news with one article")
    body = {
        "title": within(card.title, 128, "card.title"),
        "description": within(card.description, 512, "card.description"),
        "url": card.url,
    }
    return body if card.button is None else {**body, "btntxt": _characters(card.button, 1, 4, "card.button")}


def _article(card: Card) -> dict[str, Any]:
    if card.button is not None:
        raise _unsupported("news.button", "an article has no button; send a card")
    body = {
        "title": within(card.title, 128, "news.title"),
        "description": within(card.description, 512, "news.description"),
        "url": card.url,
    }
    return body if card.image is None else {**body, "picurl": card.image}


def _media(media: Media) -> dict[str, Any]:
    if media.media_id is None:
        raise _unsupported("media", "WeCom sends uploaded media only; upload it and give its media_id")
    body = {"media_id": media.media_id}
    for name, text, most in (("title", media.title, 128), ("description", media.description, 512)):
        if text is None:
            continue
        if media.kind != "video":
            raise _unsupported(f"media.{name}", f"only a video has a {name}")
        body[name] = within(text, most, f"media.{name}")
    return body


def _notice(notice: MiniProgram) -> dict[str, Any]:
    body: dict[str, Any] = {"appid": notice.appid, "title": _characters(notice.title, 4, 12, "miniprogram.title")}
    if notice.page is not None:
        body["page"] = notice.page
    if notice.description is not None:
        body["description"] = _characters(notice.description, 4, 12, "miniprogram.description")
    if notice.emphasis_first_item:
        body["emphasis_first_item"] = True
    if notice.items:
        body["content_item"] = [
            {
                "key": _characters(key, 1, 10, "miniprogram.items"),
                "value": _characters(value, 1, 30, "miniprogram.items"),
            }
            for key, value in notice.items
        ]
    return body


def _payload(data: Mapping[str, Any], message_id: str, *, shared: bool) -> dict[str, Any]:
    """A document in the vendor's own form: `msgtype` with its object, or a template card alone."""
    if "card_type" in data:
        data = {"msgtype": "template_card", "template_card": data}
    msgtype = data.get("msgtype")
    if msgtype not in MSGTYPES or not isinstance(body := data.get(msgtype), Mapping):
        raise _unsupported(
            "payload.msgtype", f"give msgtype and the object of that name; msgtype is one of {', '.join(MSGTYPES)}"
        )
    if extra := sorted(set(data) - {"msgtype", msgtype}):
        raise _unsupported(f"payload.{extra[0]}", "recipient and switches are set by the account and the message's options")
    return _typed(msgtype, _template_card(body, message_id, shared=shared) if msgtype == "template_card" else body)


def _template_card(card: Mapping[str, Any], message_id: str, *, shared: bool) -> dict[str, Any]:
    if card.get("card_type") not in CARD_TYPES:
        raise _unsupported("template_card.card_type", f"it is one of {', '.join(CARD_TYPES)}")
    if "task_id" in card:
        within(str(card["task_id"]), 128, "template_card.task_id")
        return dict(card)
    # The task id comes back with a click: it is how the click finds its message.
    task_id = (SHARED_TASK if shared else TASK) + message_id
    if not _TASK_ID.fullmatch(task_id):
        raise _unsupported("template_card.task_id", "the message id has other characters than WeCom allows; give a task_id")
    return {**card, "task_id": task_id}


def _characters(text: str, least: int, most: int, name: str) -> str:
    if len(text) > most:
        raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, name, f"{len(text)} characters, at most {most}")
    if len(text) < least:
        raise _unsupported(name, f"{len(text)} characters, at least {least}")
    return text


def _unsupported(name: str, why: str) -> SendError:
    return SendError(ErrorKind.UNSUPPORTED, name, why)
