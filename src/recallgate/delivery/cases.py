"""From loaded facts to the case that policies judge."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType

from sqlalchemy import Connection

from recallgate.config import GatewayConfig
from recallgate.delivery.accounts import Router
from recallgate.delivery.asked import Asker
from recallgate.model.message import Message
from recallgate.phone.location import NumberLocator, locate
from recallgate.phone.regions import has_regions
from recallgate.policies.case import Case, Consent, Holdout, Person, Sent
from recallgate.policies.chain import Chain
from recallgate.policies.combine import parts_of
from recallgate.policies.frequency_cap import FrequencyCap
from recallgate.policies.quiet_hours import QuietHours
from recallgate.rules.holidays import HolidayBook
from recallgate.rules.hours import Hours
from recallgate.rules.place import Place, resolve
from recallgate.rules.regulations import RuleBook
from recallgate.store import facts as stored_facts
from recallgate.store.facts import CAP_HORIZON_MS, Facts

_KEPT = 8192  # places, and places with a day
_NOTHING: Mapping[str, object] = MappingProxyType({})
_NO_DAYS: frozenset[date] = frozenset()


class CaseMaker:
    """Builds cases for a gateway's settings; what depends on the recipient only is worked out once per page."""

    def __init__(
        self, config: GatewayConfig, router: Router, rules: RuleBook, *, chain: Chain, locator: NumberLocator = locate
    ) -> None:
        self.asker = Asker(config, chain, router, locator=locator)
        self._config = config
        self._router = router
        self._rules = rules
        self._locate = locator
        self._holdouts = (
            (Holdout("global", config.global_holdout_salt, config.global_holdout_bp),) if config.global_holdout_bp else ()
        )
        self._guard = config.guard
        self._places: dict[Hashable, Place] = {}
        self._closed: dict[Hashable, frozenset[date]] = {}
        self._looks_back_ms = max(CAP_HORIZON_MS, int(chain.longest.total_seconds() * 1000))
        parts = [part for one in chain.policies for part in parts_of(one)]
        self._capped = frozenset[str](("marketing",)).union(*(one.subject_to for one in parts if isinstance(one, FrequencyCap)))
        self._holidays = HolidayBook.of(config.holidays, use_package=config.holidays_package)
        hours = [part for part in parts if isinstance(part, QuietHours)]
        self._blocks = frozenset[str]().union(*(one.blocks for one in hours))
        # most places close on no holiday at all: there nothing is looked up
        self._closing = frozenset(
            row.country for row in rules.rows if hours and (row.holidays == "block" or (self._blocks and row.optional_blocks))
        )

    def load(self, connection: Connection, messages: Sequence[Message], now: datetime) -> Facts:
        """What the cases of a page are made of; the page has messages of one tenant."""
        facts = stored_facts.load(
            connection,
            messages,
            now,
            consents=self._config.consent_required,
            looks_back_ms=self._looks_back_ms,
            capped=self._capped,
        )
        facts.asked = self.asker.load(connection, messages, now, facts)
        return facts

    def case(self, message: Message, facts: Facts, now: datetime) -> Case:
        person = self._person(message, facts)
        place = self.place(message, person, now)
        account = self._router.first(message, place.country)
        address = "a:" + message.to.key
        subject = "p:" + message.person if message.person is not None else None
        origin = message.origin
        campaign = origin.campaign if origin is not None else None
        holdouts = self._holdouts
        if campaign is not None and (play := facts.holdouts.get(campaign)) is not None and play.share_bp:
            holdouts = (*holdouts, play)
        found = facts.suppressions
        return Case(
            message=message,
            now=now,
            person=person,
            place=place,
            sent=_both(facts.sent, subject, address) if facts.sent else (),
            suppressions=(*found.get(address, ()), *(found.get(subject, ()) if subject else ())) if found else (),
            consents=self._consents(facts, subject, address) if self._config.consent_required else None,
            enrolment=facts.enrolments.get((campaign, message.person, origin.run))
            if origin is not None and campaign and message.person
            else None,
            account=account.view if account is not None else None,
            holidays=self._days(message, place, now) if place.country in self._closing else _NO_DAYS,
            holdouts=holdouts,
            tenant_windows=self._config.tenant_windows,
            play_windows=_play_windows(facts, campaign, message.channel) if campaign is not None else (),
            consents_lift_hours=self._config.consents_lift_hours,
            guard=self._guard,
            facts=facts.asked(message, place, account) if facts.asked is not None else _NOTHING,
        )

    def _days(self, message: Message, place: Place, now: datetime) -> frozenset[date]:
        key = (place.country, place.region, message.channel, message.purpose, today := now.date())
        found = self._closed.get(key)
        if found is None:
            rows = self._rules.select(
                country=place.country, region=place.region, channel=message.channel, purpose=message.purpose.value
            )
            found = self._holidays.for_rows(rows, place.country, place.region, around=today, blocks=self._blocks)
            if len(self._closed) >= _KEPT:
                self._closed.clear()
            self._closed[key] = found
        return found

    def place(self, message: Message, person: Person, now: datetime) -> Place:
        """Where the recipient is; a phone number is looked up only where nothing better is known. Equal facts, one place."""
        zone, region = message.timezone or person.zone, message.region or person.region
        country = message.country or person.country
        location = None
        if message.to.type == "phone" and not (zone and country and (region or not has_regions(country))):
            location = self._locate(message.to.key)
        on = now.date()
        key = (zone, region, country, person.device_zone, location, message.channel, message.purpose, on)
        known = self._places.get(key)
        if known is not None:
            return known
        hours = None
        if location is not None and not zone and len(location.zones) > 1:
            rows = self._rules.select(
                country=country or location.country,
                region=region or location.region,
                channel=message.channel,
                purpose=message.purpose.value,
            )
            hours = Hours.of(rows, guard=self._guard)
        where = country or (location.country if location else None)
        if len(self._places) >= _KEPT:
            self._places.clear()
        found = self._places[key] = resolve(
            zone=zone,
            region=region,
            country=country,
            device_zone=person.device_zone,
            phone_location=location,
            country_zone=self._config.country_zones.get(where) if where else None,
            tenant_zone=self._config.tenant_zone,
            hours=hours,
            on=on,
        )
        return found

    def _person(self, message: Message, facts: Facts) -> Person:
        if message.person is not None:
            return facts.people.get(message.person) or Person(id=message.person, cluster=message.person)
        return Person(id=message.to.key, cluster=message.to.key)

    def _consents(self, facts: Facts, subject: str | None, address: str) -> tuple[Consent, ...]:
        own = facts.consents.get(subject, []) if subject else []
        return tuple(sorted((*own, *facts.consents.get(address, [])), key=lambda consent: consent.at))


def _play_windows(facts: Facts, campaign: str, channel: str) -> tuple[tuple[tuple[int, ...], str, str], ...]:
    by_channel = facts.play_windows.get(campaign, {})
    return by_channel.get(channel) or by_channel.get("*", ())


def _both(sent: Mapping[str, list[Sent]], subject: str | None, address: str) -> tuple[Sent, ...]:
    of_address = sent.get(address, ())
    of_person = sent.get(subject, ()) if subject is not None else ()
    if not of_person or not of_address:
        return tuple(of_person or of_address)
    return tuple(sorted((*of_person, *of_address), key=lambda entry: entry.at))
