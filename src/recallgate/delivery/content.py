"""The last shape of a message before it is built: short links, and the content rules of its channel."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from recallgate.config import AccountConfig
from recallgate.links.shorten import Shortener, shorten, swap
from recallgate.model.content import Text
from recallgate.model.errors import ErrorKind, SendError
from recallgate.model.message import Message
from recallgate.policies.case import Account
from recallgate.store.links import LinkRow
from recallgate.text.words import BlockedWords, Screen, Words


class Prepared(NamedTuple):
    """A message ready to be built, the links that must be stored with it, and how many parts it is billed as."""

    message: Message
    links: Sequence[LinkRow] = ()
    parts: int = 1


class Shaper:
    """Shapes the messages of one account; what depends on the account alone is worked out once."""

    def __init__(
        self,
        account: AccountConfig,
        view: Account,
        *,
        base: str | None,
        code: Callable[..., str],
        words: BlockedWords | None = None,
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        from recallgate.rules.optout import codes_in_suffix
        from recallgate.text.sms_rules import check_sms

        self._account = account
        self._ability = view.capabilities
        self._base = base if view.capabilities.per_user_link else None
        self._code = code
        self._hosts = hosts
        self._check_sms = check_sms
        self._codes = tuple(codes_in_suffix(account.optout_suffix)) if account.optout_suffix else None
        self._words: Words = Screen(words, vendor=account.adapter.partition(".")[0]) if words is not None else ()

    def __call__(self, message: Message, *, country: str | None, now_ms: int) -> Prepared:
        """Apply fixes; raises `SendError` for what must not leave: nothing was sent, the author has to act."""
        links: Sequence[LinkRow] = ()
        content = message.content
        base = self._base if message.purpose == "marketing" else None
        if type(content) is not Text or message.channel != "sms":
            if base is None:
                return Prepared(message)
            return Prepared(*shorten(message, base, code=self._code, now_ms=now_ms, hosts=self._hosts))
        text = content.text
        if base is not None and "://" in text:
            shortener = Shortener(message, base, code=self._code, now_ms=now_ms, hosts=self._hosts)
            text, links = shortener.text(text), shortener.rows
        account, ability = self._account, self._ability
        checked = self._check_sms(
            text,
            country=country,
            purpose=message.purpose,
            signature=account.signature,
            signature_last=account.signature_last,
            optout_suffix=account.optout_suffix,
            max_parts=ability.max_parts,
            reply_path=ability.inbound,
            per_user_link=ability.per_user_link,
            blocked_words=self._words,
            advice=False,
            sender_codes=self._codes,
        )
        for finding in checked.findings:
            if finding.level == "error" and not finding.fixed:
                raise SendError(ErrorKind.TEMPLATE_OR_SIGNATURE, f"content.{finding.code}", finding.message)
        if checked.text != content.text:
            message = swap(message, "content", swap(content, "text", checked.text))
        return Prepared(message, links, checked.segments)
