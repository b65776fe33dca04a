"""The last shape of a message before it is built: short links, and the content rules of its channel."""

from collections.abc import Callable
from dataclasses import dataclass

from recallgate.config import AccountConfig
from recallgate.links.shorten import shorten, swap
from recallgate.model.content import Text
from recallgate.model.errors import ErrorKind, SendError
from recallgate.model.message import Message
from recallgate.policies.case import Account
from recallgate.store.links import LinkRow


@dataclass(frozen=True)
class Prepared:
    """A message ready to be built, the links that must be stored with it, and how many parts it is billed as."""

    message: Message
    links: tuple[LinkRow, ...] = ()
    parts: int = 1


def prepare(
    message: Message,
    account: AccountConfig,
    view: Account,
    *,
    country: str | None,
    base: str | None,
    code: Callable[..., str],
    now_ms: int,
) -> Prepared:
    """Apply fixes; raises `SendError` for what must not leave: nothing was sent, the author has to act."""
    links: list[LinkRow] = []
    if base is not None and message.purpose == "marketing" and view.capabilities.per_user_link:
        message, links = shorten(message, base, code=code, now_ms=now_ms)
    if message.channel == "sms" and isinstance(message.content, Text):
        return _sms(message, message.content, account, view, country=country, links=tuple(links))
    return Prepared(message, tuple(links))


def _sms(
    message: Message, content: Text, account: AccountConfig, view: Account, *, country: str | None, links: tuple[LinkRow, ...]
) -> Prepared:
    from recallgate.rules.optout import codes_in_suffix
    from recallgate.text.sms_rules import check_sms

    ability = view.capabilities
    checked = check_sms(
        content.text,
        country=country,
        purpose=message.purpose.value,
        signature=account.signature,
        signature_last=account.signature_last,
        optout_suffix=account.optout_suffix,
        max_parts=ability.max_parts,
        reply_path=ability.inbound,
        per_user_link=ability.per_user_link,
        advice=False,
        sender_codes=codes_in_suffix(account.optout_suffix) if account.optout_suffix else None,
    )
    for finding in checked.errors:
        raise SendError(ErrorKind.TEMPLATE_OR_SIGNATURE, f"content.{finding.code}", finding.message)
    if checked.text != content.text:
        message = swap(message, "content", swap(content, "text", checked.text))
    return Prepared(message, links, checked.segments)
