"""The price ladder: the longer a member is away the lower the price, down to a floor, and not again too soon."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from recallgate.model.errors import ConfigError


@dataclass(frozen=True)
class PriceLadder:
    """Steps of (lapse age in days, price in cents), ages rising, prices never rising and never below `floor_cents`.

    A person inside `cooldown` of their last ladder gets no new one: it stops people from lapsing on purpose.
    """

    steps: tuple[tuple[int, int], ...]
    floor_cents: int
    cooldown: timedelta = timedelta(days=180)

    def __post_init__(self) -> None:
        if not self.steps:
            raise ConfigError("price ladder: give at least one step")
        ages, prices = [age for age, _ in self.steps], [price for _, price in self.steps]
        if ages != sorted(set(ages)) or ages[0] < 0:
            raise ConfigError("price ladder: the ages rise from step to step")
        if any(later > earlier for earlier, later in pairwise(prices)):
            raise ConfigError("price ladder: a price never rises with the age of the lapse")
        if self.floor_cents < 0 or prices[-1] < self.floor_cents:
            raise ConfigError(f"price ladder: the last price is below the floor of {self.floor_cents}")

    def price_at(self, lapse_days: int) -> int | None:
        """The price in cents at an age, None before the first step."""
        reached = [price for age, price in self.steps if lapse_days >= age]
        return reached[-1] if reached else None

    def may_start(self, *, last_started_at: datetime | None, now: datetime) -> bool:
        """True when the person had no ladder, or the cool-down is over."""
        return last_started_at is None or now >= last_started_at + self.cooldown
