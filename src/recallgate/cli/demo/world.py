"""The demo's world: accounts, habits, the outage, and what contact adds to the returns that happen anyway."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from recallgate.cli.demo.people import START, Purchase, start_instant
from recallgate.config import AccountConfig, GatewayConfig
from recallgate.sandbox.draws import Draws
from recallgate.sandbox.habits import Habits, Outage
from recallgate.tracking.people import PersonEvent

PUBLIC_URL = "https://callbacks.example.invalid"
# Contact makes people come back who would not have: this share for every message that reached them, more after a click.
UPLIFT = {"push": 0.008, "email": 0.007, "sms": 0.014, "voice": 0.02, "wecom": 0.02}
AFTER_CLICK = 0.10
OUTAGE_DAY = 5


# Virtual time stands still at full quarters of an hour; what leaves at one of them stands for all that leaves in between.
_WIDE = {"rate": 1000, "burst": 1_000_000}


def gateway_config(service_account: Mapping[str, str], *, store: str) -> GatewayConfig:
    """Two SMS accounts, one each for voice, push, mail and WeCom; secrets are the sandbox's own."""
    accounts = (
        AccountConfig.build(
            "twilio.sms",
            {"account_sid": "AC" + "1" * 32, "auth_token": "demo-a", "sender": "+15005550006", "order": 0, "unit_cost": "0.0079"},
            name="sms-a",
        ),
        AccountConfig.build(
            "twilio.sms",
            {"account_sid": "AC" + "2" * 32, "auth_token": "demo-b", "sender": "+15005550007", "order": 1, "unit_cost": "0.0090"},
            name="sms-b",
        ),
        AccountConfig.build(
            "twilio.voice",
            {
                "account_sid": "AC" + "3" * 32,
                "auth_token": "demo-c",
                "sender": "+15005550008",
                "unit_cost": "0.0140",
                "rate": 200,
                "burst": 200,
            },
            name="voice",
        ),
        AccountConfig.build("fcm.push", {**service_account, **_WIDE}, name="push"),
        AccountConfig.build(
            "smtp.email",
            {"host": "mail.example.invalid", "sender": "hello@shop.example.invalid", "security": "none", "unit_cost": "0.0004"},
            name="email",
        ),
        AccountConfig.build(
            "wecom.app",
            {
                "corp_id": "wx5823bf96d3bd56c7",
                "secret": "demo-wecom-secret",
                "agent_id": 1000002,
                "callback_token": "QDG6eK",
                "encoding_aes_key": "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
                **_WIDE,
            },
            name="wecom",
        ),
        AccountConfig.build("inbox.inapp", {}, name="inapp"),
    )
    return GatewayConfig.model_validate(
        {
            "store": store,
            "public_url": PUBLIC_URL,
            "secret": "a-secret-of-the-demo-only",
            "accounts": accounts,
            "tenant_zone": "America/New_York",
            "report_wait_s": 6 * 3600,
        }
    )


def habits() -> Habits:
    """The sandbox's habits, with the first SMS account out of service from the sixth day of the campaign on, for 36 hours."""
    start = start_instant() + timedelta(days=OUTAGE_DAY)
    return Habits(outages=(Outage("sms-a", start, start + timedelta(hours=36)),))


def uplift(
    history: Mapping[str, list[Purchase]], held_out: Callable[[str], bool], seed: str
) -> Callable[[str, str, datetime, bool], Iterable[PersonEvent]]:
    """What a message that reached a person adds: perhaps one purchase within ten days, of the size of their own.

    Each person is drawn for each channel once, so that more messages of a channel do not add more.
    """
    draws = Draws(f"{seed}:uplift")
    drawn: set[tuple[str, str, bool]] = set()

    def effect(person: str, channel: str, reached_at: datetime, clicked: bool) -> Iterable[PersonEvent]:
        assert not held_out(person), "nobody without contact is ever reached"
        events = []
        for what, share in (("reached", UPLIFT.get(channel, 0.0)), ("clicked", AFTER_CLICK if clicked else 0.0)):
            if (person, channel, what == "clicked") in drawn or not share:
                continue
            drawn.add((person, channel, what == "clicked"))
            if draws.chance(share, person, channel, what):
                wait = timedelta(hours=1 + draws.uniform(person, channel, what, "wait") * 9 * 24)
                events.append(
                    PersonEvent(
                        person, "converted", reached_at + wait, _amount(history.get(person, [])), f"uplift:{channel}:{what}"
                    )
                )
        return events

    return effect


def _amount(bought: list[Purchase]) -> int:
    """The mean of what a person paid before, in cents; 20 dollars for those who paid nothing."""
    paid = [purchase.cents for purchase in bought if purchase.day < START and purchase.cents]
    return int(Decimal(sum(paid)) / len(paid)) if paid else 2000


def end_instant(days: int) -> datetime:
    """When the last local day of the window is over everywhere."""
    return start_instant() + timedelta(days=days + 1, hours=14)
