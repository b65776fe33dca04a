"""What is answered to somebody who wrote STOP or HELP: one confirmation within five minutes, and the help text."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from recallgate.config import GatewayConfig
from recallgate.model.address import Phone
from recallgate.model.clock import from_ms
from recallgate.model.content import Text
from recallgate.model.message import Message
from recallgate.model.purpose import Purpose
from recallgate.optout.confirmation import WITHIN, confirmation
from recallgate.store.dialect import bind, execute
from recallgate.store.engine import Store

_SPOKEN = {"CN": "zh", "TW": "zh", "HK": "zh", "FR": "fr", "DE": "de", "AT": "de", "ES": "es", "MX": "es", "IT": "it"}
_ANSWERED = ("sms",)


@dataclass(frozen=True)
class Left:
    """Somebody who opted out in their own words."""

    address: str
    channel: str


@dataclass(frozen=True)
class Answers:
    """Makes the answers. `confirm`: say once that an opt-out was understood; `help_text`: what HELP is answered with.

    Vendors that answer by themselves need neither.
    """

    store: Store
    tenant: str
    confirm: bool
    help_text: str | None
    brand: str | None = None

    async def to(self, left: Sequence[Left], helpless: Iterable[str], now: datetime) -> list[Message]:
        """The messages to send; a second STOP before any START gets none."""
        found = []
        wanted = [one.address for one in left if self.confirm and one.channel in _ANSWERED and one.address.startswith("+")]
        for address, seq, received_at in await self._standing(wanted) if wanted else ():
            words = self._confirmation(address, received_at, now)
            if words is not None:
                found.append(self._message(address, words, _key("optout", address, str(seq)), until=received_at + WITHIN))
        if self.help_text is not None:
            minute = now.replace(second=0, microsecond=0)
            for address in helpless:
                if address.startswith("+"):
                    key = _key("help", address, minute.isoformat())
                    found.append(self._message(address, self.help_text, key, until=minute + WITHIN))
        return found

    def _confirmation(self, address: str, received_at: datetime, now: datetime) -> str | None:
        from recallgate.phone.location import locate

        language = _SPOKEN.get(locate(address).country or "")
        return confirmation(received_at=received_at, now=now, confirmed=False, language=language, brand=self.brand)

    async def _standing(self, addresses: Sequence[str]) -> list[tuple[str, int, datetime]]:
        """The oldest opt-out that stands for each address, to which its one confirmation belongs: address, number, instant."""
        rows = await self.store.run(
            lambda c: execute(
                c,
                "select subject, min(seq), min(received_at) from rg_suppression where tenant = :tenant"
                " and subject in {values:subjects} and reason = 'opt_out' and cleared_at is null group by subject",
                {"tenant": self.tenant, "subjects": bind(["a:" + address for address in addresses])},
            ),
            small=True,
        )
        return [(subject[2:], int(seq), from_ms(at)) for subject, seq, at in rows]

    def _message(self, address: str, words: str, key: str, *, until: datetime) -> Message:
        return Message(
            tenant=self.tenant,
            channel="sms",
            to=Phone(e164=address),
            content=Text(text=words),
            purpose=Purpose.TRANSACTIONAL,
            idempotency_key=key,
            expires_at=until,
        )


def _key(*parts: str) -> str:
    """A key that says nothing of the address."""
    return f"{parts[0]}:{hashlib.sha256(':'.join(parts).encode()).hexdigest()[:32]}"


def answers_of(config: GatewayConfig, store: Store) -> Answers | None:
    """The answers that the settings ask for; None where nothing is answered."""
    if not config.confirm_opt_outs and config.help_text is None:
        return None
    return Answers(store, config.tenant, config.confirm_opt_outs, config.help_text, config.brand)
