"""A campaign sent to test numbers before its launch: the words as people will read them, on real phones."""

from collections.abc import Mapping, Sequence
from typing import Any

from recallgate.delivery.direct import Delivery
from recallgate.gateway import Gateway
from recallgate.model.address import EmailAddress, Phone
from recallgate.model.clock import to_ms
from recallgate.model.errors import ConfigError, SendError
from recallgate.model.ids import derived_id
from recallgate.model.message import Message
from recallgate.model.purpose import Purpose
from recallgate.recall.campaign import Campaign
from recallgate.recall.messages import MessageMaker
from recallgate.store.campaigns import RunRow

_PHONES = ("sms", "voice")


async def send_samples(
    gateway: Gateway,
    campaign: Campaign,
    *,
    maker: MessageMaker,
    person: Mapping[str, Any] | None = None,
    to: Sequence[str] | None = None,
) -> dict[str, list[Delivery]]:
    """Send every message of a play to every test address; answers deliveries by step.

    `to` are numbers and mail addresses, else the `test_addresses` of the settings. The words get signature, opt-out suffix and
    all checks of marketing, and leave as a service: hours, caps and holdouts are for the people of the campaign. `person` gives
    values for texts beside the usual ones. Raises ConfigError without addresses, and for a text that would be refused.
    """
    addresses = tuple(to) if to is not None else gateway.config.test_addresses
    if not addresses:
        raise ConfigError("test_addresses: none is configured; name the numbers of phones that you look at before a launch")
    now = gateway.clock.now()
    run = RunRow(
        gateway.config.tenant,
        campaign.id,
        "test",
        0,
        campaign.play.version,
        None,
        0,
        0,
        "active",
        None,
        None,
        to_ms(now),
        None,
        None,
        None,
        "{}",
    )
    found: dict[str, list[Delivery]] = {}
    for step in campaign.play.sends():
        for address in addresses:
            contacts = {way.channel: [_written(address)] for way in step.ways if _fits(address, way.channel)}
            if not contacts:
                continue
            known = {
                "contacts": contacts,
                "data": dict(person or {}),
                "locale": None,
                "zone": None,
                "country": None,
                "region": None,
            }
            message = maker.message(run, step, known, now)
            assert message is not None, "there is a way for each contact"
            found.setdefault(step.name, []).append(await gateway.send(_sample(gateway, message, step=step.name, to=address)))
    return found


def _sample(gateway: Gateway, message: Message, *, step: str, to: str) -> Message:
    """The message in its last shape, as a service of its own."""
    account = gateway.router.first(message, message.country)
    if account is not None:
        try:
            message = gateway.shaped(message, account)
        except SendError as fault:
            raise ConfigError(f"step {step}: {fault.detail or fault.code}; it would not leave") from None
    now = gateway.clock.now()
    return message.model_copy(
        update={
            "id": derived_id(now, message.tenant, "sample", step, to, str(to_ms(now))),
            "purpose": Purpose.SERVICE,
            "person": None,
            "origin": None,
            "alternatives": (),
            "expires_at": None,
            "tags": frozenset({"test"}),
        }
    )


def _fits(address: str, channel: str) -> bool:
    return channel == "email" if "@" in address else channel in _PHONES


def _written(address: str) -> str:
    return (EmailAddress(email=address) if "@" in address else Phone(e164=address)).model_dump_json()
