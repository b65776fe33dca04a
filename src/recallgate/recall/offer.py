"""Offers: what a person gets for coming back, who pays for it, and the code that belongs to the person."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from recallgate.model.errors import ConfigError
from recallgate.model.verdict import Drop
from recallgate.recall.price import PriceLadder

_CODE_SIGNS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no look-alikes
_CODE_LENGTH = 10
_CODES = len(_CODE_SIGNS) ** _CODE_LENGTH


class OfferKind(StrEnum):
    """The form of an offer."""

    COUPON = "coupon"
    SPEND_AND_SAVE = "spend_and_save"
    FLASH_SALE = "flash_sale"
    LIMITED_TIME = "limited_time"
    HOLIDAY = "holiday"
    GIFT = "gift"
    PRICE_LADDER = "price_ladder"
    NEWS = "news"


@dataclass(frozen=True)
class Terms:
    """What one tier gets: the value for the user, what it costs the payer when redeemed, the spend it asks for."""

    value_cents: int
    cost_cents: int
    minimum_spend_cents: int = 0
    text: str = ""

    def __post_init__(self) -> None:
        if min(self.value_cents, self.cost_cents, self.minimum_spend_cents) < 0:
            raise ConfigError("terms: value, cost and minimum spend are at least 0")


@dataclass(frozen=True)
class ReferencePrice:
    """A price to compare the offer with: of an item, the lowest on the platform or in the region, and its source."""

    item: str
    cents: int
    scope: str
    source: str = ""


@dataclass(frozen=True)
class Offer:
    """An incentive with one to three alternatives a tier; the alternatives feed the ranking and the arms.

    `user_value` says in words what the user gains, `value_type` which kind of value that is. `expires_after` counts from
    the allocation, `expires_at` is the end of the offer itself; the earlier holds. `budget_cents` is a limit on the cost
    of what was allocated. `min_attractive_cents` is the least that moves anybody. `pool` are codes made elsewhere.
    """

    id: str
    kind: OfferKind
    user_value: str
    payer: str
    per_tier: Mapping[str, tuple[Terms, ...]]
    value_type: str = "discount"
    expires_after: timedelta | None = None
    expires_at: datetime | None = None
    budget_cents: int | None = None
    min_attractive_cents: int = 0
    ladder: PriceLadder | None = None
    pool: tuple[str, ...] = field(default=(), repr=False)
    references: tuple[ReferencePrice, ...] = ()

    def __post_init__(self) -> None:
        for name in ("id", "user_value", "payer"):
            if not getattr(self, name).strip():
                raise ConfigError(f"offer {name}: it is empty")
        if not self.per_tier:
            raise ConfigError("offer per_tier: give the terms of at least one tier, or of `all`")
        for tier, terms in self.per_tier.items():
            if not 1 <= len(terms) <= 3:
                raise ConfigError(f"offer per_tier: tier {tier} has {len(terms)} alternatives; one to three are useful")
        if self.budget_cents is not None and self.budget_cents < 0:
            raise ConfigError("offer budget_cents: at least 0")
        if len(set(self.pool)) != len(self.pool):
            raise ConfigError("offer pool: a code occurs twice")
        if self.kind is OfferKind.PRICE_LADDER and self.ladder is None:
            raise ConfigError("offer ladder: a price_ladder offer needs its ladder")

    def terms_for(self, tier: str | None, *, alternative: int = 0) -> Terms:
        """The terms of a tier, else those of `all`; raises ConfigError when the tier has neither or no such alternative."""
        terms = self.per_tier.get(tier or "all") or self.per_tier.get("all")
        if terms is None:
            raise ConfigError(f"offer {self.id}: no terms for tier {tier!r}; there are {', '.join(self.per_tier)}")
        if alternative >= len(terms):
            raise ConfigError(f"offer {self.id}: tier {tier!r} has {len(terms)} alternatives, not {alternative + 1}")
        return terms[alternative]

    def expiry(self, allocated_at: datetime) -> datetime | None:
        """When an allocation ends; None when it never does."""
        own = allocated_at + self.expires_after if self.expires_after is not None else None
        ends = [end for end in (own, self.expires_at) if end is not None]
        return min(ends) if ends else None


@dataclass(frozen=True)
class Allocation:
    """A code that was given to a person, with its terms."""

    offer: str
    person: str = field(repr=False)
    code: str = field(repr=False)
    terms: Terms
    expires_at: datetime | None


class Ledger(Protocol):
    """What was allocated so far; the answers are of one moment, inside the transaction that records the next one."""

    def code_of(self, offer: str, person: str) -> str | None: ...

    def codes_taken(self, offer: str) -> int: ...

    def cost_cents(self, offer: str) -> int: ...


@dataclass(frozen=True)
class Redemption:
    """News from the shop that a code was used; cost counts from redemptions, not from what was issued."""

    offer: str
    code: str = field(repr=False)
    at: datetime
    value_cents: int


def code_for(offer: Offer, person: str, *, key: bytes) -> str:
    """The code of an offer for a person: a keyed hash, so that asking twice gives the same one, and nobody can guess it.

    Ten signs without look-alikes, about 49 bits. `key` is a secret of at least 16 bytes.
    """
    if len(key) < 16:
        raise ConfigError("key: at least 16 bytes, or codes can be guessed")
    number = int.from_bytes(hmac.digest(key, f"{offer.id}\x00{person}".encode(), "sha256"), "big") % _CODES
    signs = []
    for _ in range(_CODE_LENGTH):
        number, place = divmod(number, len(_CODE_SIGNS))
        signs.append(_CODE_SIGNS[place])
    return "".join(signs)


def allocate(
    offer: Offer, person: str, *, ledger: Ledger, key: bytes, now: datetime, tier: str | None = None, alternative: int = 0
) -> Allocation | Drop:
    """Give a person the offer: the code that they have already, else the next of the pool, else their own.

    Answers a Drop (`offer.expired`, `offer.budget_exhausted`, `offer.pool_exhausted`) rather than an over-issue.
    """
    terms = offer.terms_for(tier, alternative=alternative)
    if offer.expires_at is not None and now >= offer.expires_at:
        return Drop(code="offer.expired", facts={"offer": offer.id}, policy="offer")
    if (code := ledger.code_of(offer.id, person)) is not None:
        return Allocation(offer.id, person, code, terms, offer.expiry(now))
    spent = ledger.cost_cents(offer.id)
    if offer.budget_cents is not None and spent + terms.cost_cents > offer.budget_cents:
        facts = {"offer": offer.id, "spent_cents": spent, "budget_cents": offer.budget_cents}
        return Drop(code="offer.budget_exhausted", facts=facts, policy="offer")
    if not offer.pool:
        return Allocation(offer.id, person, code_for(offer, person, key=key), terms, offer.expiry(now))
    taken = ledger.codes_taken(offer.id)
    if taken >= len(offer.pool):
        return Drop(code="offer.pool_exhausted", facts={"offer": offer.id, "codes": len(offer.pool)}, policy="offer")
    return Allocation(offer.id, person, offer.pool[taken], terms, offer.expiry(now))


def landing_difference(offer: Offer, live_offer: str | None) -> str | None:
    """What is wrong when the landing page shows another offer than the message promises, None when they agree."""
    if live_offer == offer.id:
        return None
    shown = f"offer {live_offer}" if live_offer else "no offer"
    return f"offer.landing_page: the message promises {offer.id} and the landing page shows {shown}"
