"""The demo's campaign: who, why, with what, through which steps."""

from datetime import timedelta

from recallgate.recall.campaign import Campaign, Costs, Draft
from recallgate.recall.churn import Fixed
from recallgate.recall.condition import OneOf
from recallgate.recall.experiment import Arm, Experiment
from recallgate.recall.lapse import Churn
from recallgate.recall.offer import Offer, OfferKind, Terms
from recallgate.recall.outcome import REACTED
from recallgate.recall.play import NO_NOON_CALLS, Play
from recallgate.recall.price import PriceLadder
from recallgate.recall.segment import field, lapsed, reachable
from recallgate.recall.steps import Branch, Case, Choose, Send, Step, Wait, Way, When
from recallgate.recall.tier import TierRule

CAMPAIGN = "demo-winback"
BRAND = "CDNOW"
LINK = "https://shop.example.invalid/welcome-back"
HOLDOUT_BP = 1000

_EMAIL = {
    "subject": "{{ price }} dollars off, and 40 new albums",
    "text": "Hello,\n\nit has been a while. 40 albums came in this month, and {{ value }} waits for you:\n{{ link }}\n"
    "Your code is {{ code }}.\n\n{{ brand }}",
    "html": "<html><body><p>Hello,</p><p>it has been a while. 40 albums came in this month, and {{ value }} waits for you.</p>"
    '<p><a href="{{ link }}">See what is new</a></p><p>Your code is {{ code }}.</p><p>{{ brand }}</p></body></html>',
}
_PUSH = {"title": "{{ price }} dollars for you", "body": "40 new albums, and {{ value }}. Tap to see.", "link": "{{ link }}"}
_SMS = {"text": "{{ brand }}: {{ price }} dollars off your next order, code {{ code }}: {{ link }} Reply STOP to opt out"}
_SMS_CN = {"text": "【{{ brand }}】好久不见，{{ price }}元优惠等您来用，优惠码{{ code }}，点击 {{ link }} 领取，回TD退订"}
_CALL = {
    "say": (
        {"type": "say", "text": "Hello, this is {{ brand }}. {{ price }} dollars are waiting for you until Sunday."},
        {"type": "say", "text": "Press 1 and we send you the link, or 9 and we never call again."},
    ),
    "keys": {
        "1": {"say": ({"type": "say", "text": "Thank you, the link is on its way."},), "action": "confirm"},
        "9": {"say": ({"type": "say", "text": "Understood. Goodbye."},), "action": "opt_out"},
    },
    "on_machine": "ignore",
}
_CARD = {
    "type": "card",
    "title": "{{ price }}元回归礼",
    "description": "本月上新40张专辑，{{ value }}",
    "url": "{{ link }}",
    "button": "领取",
}


_INAPP = {"title": "Welcome back", "body": "Your voucher of {{ price }} dollars is in your account.", "link": "{{ link }}"}


def _sms(name: str, *, expires: timedelta = timedelta(hours=36)) -> Step:
    """One text a person, in the language and with the way out of their country."""
    return Choose(
        f"{name}.country",
        cases=(Case(OneOf("country", ("CN",)), (Send(f"{name}.cn", (Way("sms", _SMS_CN),), expires_after=expires),)),),
        otherwise=(Send(name, (Way("sms", _SMS),), expires_after=expires),),
    )


def play() -> Play:
    """Push, else mail; a mail beside it; for the better tiers SMS on the sixth day, a call on the tenth, then a WeCom card; a
    last mail for those who had bought more than once."""
    steps: tuple[Step, ...] = (
        Wait("morning", until="10:00"),
        Choose(
            "first contact",
            cases=(
                Case(
                    reachable("push", "email"),
                    (Send("hello", (Way("push", _PUSH), Way("email", _EMAIL)), expires_after=timedelta(hours=36)),),
                ),
            ),
            otherwise=(_sms("first text"),),
        ),
        Wait("three days", days=3, until="17:00"),
        Branch(
            "after hello",
            of="hello",
            cases=(When(REACTED, ()),),
            otherwise=(Send("mail", (Way("email", _EMAIL),), expires_after=timedelta(hours=12)),),
        ),
        Choose(
            "by tier",
            cases=(
                Case(
                    OneOf("tier", ("high", "middle")),
                    (
                        Wait("day six", days=2, until="18:30"),
                        _sms("text"),
                        Wait("a breath", hours=1),
                        Send("beside the text", (Way("inapp", _INAPP),), expires_after=timedelta(days=10)),
                        Wait("day ten", days=4, until="12:30"),
                        Send("call", (Way("voice", _CALL),), expires_after=timedelta(hours=30)),
                        Wait("after the call", days=2, until="10:30"),
                        Send("card", (Way("wecom", _CARD),)),
                    ),
                ),
            ),
        ),
        Choose(
            "bought more than once",
            cases=(
                Case(
                    field("orders") >= 2,
                    (
                        Wait("last days", days=9, until="19:50"),
                        Send("last mail", (Way("email", _EMAIL), Way("push", _PUSH)), expires_after=timedelta(hours=20)),
                    ),
                ),
            ),
        ),
    )
    return Play("win-back-28", steps, windows={**NO_NOON_CALLS, "push": _DAYTIME, "wecom": _DAYTIME, "email": _DAYTIME})


_DAYTIME = (((1, 2, 3, 4, 5, 6, 7), "09:00", "20:00"),)


def campaign() -> Campaign:
    """Lapsed 30 days and reachable; a price ladder against a plain gift as arms; 10 % without contact."""
    offer = Offer(
        "welcome-back",
        OfferKind.PRICE_LADDER,
        user_value="money off the next order",
        payer="shop",
        per_tier={
            "all": (
                Terms(500, 300, text="a voucher for the next order"),
                Terms(500, 300, text="a gift with the next order"),
            )
        },
        ladder=PriceLadder(((0, 1000), (60, 800), (180, 600), (365, 500)), floor_cents=500),
        min_attractive_cents=200,
    )
    return (
        Draft(CAMPAIGN)
        .define(
            "win_back",
            Churn(Fixed("purchase", 30)),
            hypothesis="People stopped because they saw nothing new that they liked.",
            what_changed="40 new albums a month, and recommendations by what was bought before.",
            product_class="ecommerce",
        )
        .layer(
            lapsed(Fixed("purchase", 30)) & reachable("push", "email", "sms"),
            tiers=TierRule(("low", "middle", "high"), quantiles=(0.7, 0.9)),
        )
        .incentive(offer)
        .reach(play())
        .build(
            experiment=Experiment(holdout_bp=HOLDOUT_BP, arms=(Arm("voucher", 1), Arm("gift", 1)), version="1", window_days=28),
            costs=Costs(per_part={"sms": 1, "voice": 2, "email": 0, "push": 0, "wecom": 0}),
            currency="USD",
            brand=BRAND,
        )
    )
