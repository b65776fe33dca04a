"""Messages that one request can carry: equal ones, for vendors that take many recipients at once."""

import asyncio
from collections.abc import Sequence
from functools import partial

from recallgate.adapter import Batches
from recallgate.delivery.accounts import LiveAccount
from recallgate.delivery.chunk import Ready
from recallgate.delivery.leases import Leases, NotOurs
from recallgate.model.errors import ErrorKind, SendError
from recallgate.model.message import Message
from recallgate.model.purpose import Purpose
from recallgate.model.receipt import Receipt

Result = Receipt | SendError


def grouped(ready: Sequence[Ready]) -> list[list[Ready]]:
    """The messages in their order, equal ones through an account with batches together, at most as many as it takes."""
    groups: list[list[Ready]] = []
    open_: dict[tuple[str, str], list[Ready]] = {}
    for one in ready:
        if one.account.batch < 2 or one.message.purpose is Purpose.OTP:  # a code goes alone, under a key of its own
            groups.append([one])
            continue
        key = (one.account.name, _words(one.message))
        group = open_.get(key)
        if group is None or len(group) >= one.account.batch:
            group = open_[key] = []
            groups.append(group)
        group.append(one)
    return groups


def _words(message: Message) -> str:
    """All that a vendor is told of a message, but who gets it."""
    return message.model_dump_json(
        include={"channel", "content", "purpose", "brand", "topic", "sender", "expires_at", "locale", "options"}
    )


async def send_together(batch: Sequence[Ready], leases: Leases) -> tuple[list[tuple[Ready, Result]], list[Ready]]:
    """Send equal messages in one request: what came of each, and those that were not ours to send any more.

    A fault of the request is the fault of all its messages; so is an answer that is not about each of them.
    """
    account = batch[0].account
    async with account.slots:
        kept: list[Ready] = []
        lost: list[Ready] = []
        for one in batch:
            try:
                leases.begin(one)
            except NotOurs:
                lost.append(one)
            else:
                kept.append(one)
        if not kept:
            return [], lost
        try:
            results = await _asked(account, [one.message for one in kept])
        except SendError as exc:
            return [(one, exc) for one in kept], lost
    return list(zip(kept, results, strict=True)), lost


async def _asked(account: LiveAccount, messages: Sequence[Message]) -> list[Result]:
    adapter = account.adapter
    assert isinstance(adapter, Batches), f"{adapter!r} says that it has batches"
    try:
        found = adapter.parse_batch(messages, await account.call(partial(adapter.build_batch, messages)))
    except (SendError, asyncio.CancelledError):
        raise
    except Exception as exc:
        raise SendError(ErrorKind.UNCERTAIN, "adapter", f"{type(exc).__name__} in {adapter!r}") from exc
    if len(found) != len(messages):
        raise SendError(ErrorKind.UNCERTAIN, "batch", f"{len(found)} outcomes for {len(messages)} messages in {adapter!r}")
    return found
