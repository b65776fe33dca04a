"""What tests of e-mail services share: one mail in every form, and the round trip between an adapter and its face."""

from collections.abc import Sequence
from typing import Any

from adapters.wire import NOW, asked, response, sent
from recallgate import Adapter, ErrorKind, Event, EventType, Message, SendError, Taken, VendorFace, WorldEvent

A_MAIL: dict[str, Any] = {
    "channel": "email",
    "to": {"type": "email", "email": "ann@example.com"},
    "content": {"type": "email", "subject": "We miss you", "text": "Come back"},
    "purpose": "marketing",
}


def a_mail(to: str = "ann@example.com", *, id: str = "m1", options: dict[str, Any] | None = None, **content: Any) -> Message:  # noqa: A002 - the field's name
    address, body = {"type": "email", "email": to}, {**A_MAIL["content"], **content}
    return Message.model_validate({**A_MAIL, "id": id, "to": address, "content": body, "options": options or {}})


def a_template(to: str = "ann@example.com", *, id: str = "m1", **variables: str) -> Message:  # noqa: A002 - the field's name
    content = {"type": "template", "template": "winback", "variables": variables}
    return Message.model_validate({**A_MAIL, "id": id, "to": {"type": "email", "email": to}, "content": content})


def round_trip(adapter: Adapter, face: VendorFace) -> Taken:
    """A mail with a link and one-click unsubscribe goes out; what the face took is what was sent."""
    message = a_mail(
        subject="好久不见",
        text=None,
        html='<a href="https://shop.example/back">Back</a>',
        headers={"List-Unsubscribe": "<https://app.example/u/1>"},
        attachments=[{"type": "attachment", "filename": "发票.pdf", "media_type": "application/pdf", "data": "AAEC"}],
    )

    receipt, reply = sent(adapter, face, message)
    (taken,) = reply.taken

    assert (taken.vendor_id, taken.recipient, taken.channel) == (receipt.vendor_id, "ann@example.com", "email")
    assert taken.links == ("https://shop.example/back",)
    assert taken.unsubscribe_url == "https://app.example/u/1"
    assert taken.text.startswith("好久不见\n")
    return taken


def batch_trip(adapter: Any, face: VendorFace, messages: Sequence[Message]) -> list[Taken]:
    """A batch goes out; the face took it person by person, under the ids that the adapter read."""
    reply = asked(adapter, face, adapter.build_batch(messages))

    outcomes = adapter.parse_batch(messages, response(reply))

    assert [taken.recipient for taken in reply.taken] == [message.to.key for message in messages]
    assert [taken.vendor_id for taken in reply.taken] == [outcome.vendor_id for outcome in outcomes]
    assert [outcome.message_id for outcome in outcomes] == [message.id for message in messages]
    assert not [outcome for outcome in outcomes if isinstance(outcome, SendError)]
    return list(reply.taken)


def news_of(
    adapter: Adapter, face: VendorFace, type_: EventType, kind: ErrorKind | None = None, *, message_id: str | None = "m1"
) -> Event:
    """What the adapter reads when the face tells news of a mail; of the right mail, person and instant.

    `message_id` is None where the vendor does not carry ours.
    """
    _, reply = sent(adapter, face, a_mail())
    (taken,) = reply.taken

    (callback,) = face.callbacks(taken, WorldEvent(type_, NOW, kind=kind), nonce="0123456789abcdef")
    (event,) = adapter.read_callback(callback).events

    assert (event.message_id, event.vendor_id, event.address, event.at) == (message_id, taken.vendor_id, "ann@example.com", NOW)
    assert event.vendor_event_id
    return event
