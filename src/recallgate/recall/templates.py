"""Plays of practice, ready to be filled with words: each function answers with a `Play`.

Texts are content templates; `{{ link }}`, `{{ price }}`, `{{ code }}`, `{{ brand }}` and fields of the person are filled in.
"""

from datetime import timedelta

from recallgate.model.purpose import Purpose
from recallgate.recall.condition import field
from recallgate.recall.lapse import ladder_rungs
from recallgate.recall.outcome import CONNECTED, REACTED, Outcome
from recallgate.recall.play import NO_NOON_CALLS, Play, PlayCap
from recallgate.recall.steps import Branch, Case, Choose, Exit, Ladder, Rung, Send, Step, Trigger, Wait, WaitFor, Way, When

_DAY = timedelta(days=1)


def robot_call_wecom(*, call: str, invitation: str, message: str, wait: timedelta = 2 * _DAY) -> Play:
    """A robot call; whoever picks up is invited to add the WeCom friend, and gets the message when they did.

    `invitation` is a text with a link: before the friendship WeCom cannot be written to, so it goes out by sms.
    """
    return Play(
        "robot_call_wecom",
        (
            _robot_call(call),
            WaitFor("call_result", ("answered", "key_pressed", "no_answer", "busy", "machine", "undelivered"), _DAY, of="call"),
            Branch("connected", of="call", cases=(When(CONNECTED, _friendship(invitation, message, wait)),)),
        ),
        windows=NO_NOON_CALLS,
    )


def robot_call_sms(*, call: str, text: str) -> Play:
    """A robot call, then an sms with a link, whether or not somebody picked up."""
    return Play(
        "robot_call_sms",
        (
            _robot_call(call),
            WaitFor("call_result", ("answered", "key_pressed", "no_answer", "busy", "machine", "undelivered"), _DAY, of="call"),
            Send("sms", (Way("sms", {"text": text}),)),
        ),
        windows=NO_NOON_CALLS,
    )


def sms(*, text: str) -> Play:
    """One sms with a link or a reply path."""
    return Play("sms", (Send("sms", (Way("sms", {"text": text}),)),))


def h5_sms(*, text: str, action: str = "core_action", wait: timedelta = 3 * _DAY) -> Play:
    """An sms with a link to a page on which the whole action can be done in the browser; the action ends the play."""
    return Play(
        "h5_sms",
        (
            Send("sms", (Way("sms", {"text": text}),)),
            WaitFor("acted", (action,), wait),
        ),
        exit_on=("returned", action),
    )


def human_call_wecom(*, script: str, invitation: str, message: str, vip_tier: str = "high", wait: timedelta = 2 * _DAY) -> Play:
    """A queue for human callers, the VIP tier first; whoever was reached is invited to WeCom and gets the message there."""

    def task(*, vip: bool) -> Way:
        return Way("worklist", {"title": "Recall call", "script": script, "vip": vip})

    results = ("answered", "no_answer", "undelivered")
    vip: tuple[Step, ...] = (
        Send("call_vip", (task(vip=True),), priority=9, expires_after=7 * _DAY),
        WaitFor("vip_result", results, 7 * _DAY, of="call_vip"),
        Branch("vip_reached", of="call_vip", cases=(When(CONNECTED, _friendship(invitation, message, wait, suffix="_vip")),)),
    )
    others: tuple[Step, ...] = (
        Send("call", (task(vip=False),), priority=4, expires_after=7 * _DAY),
        WaitFor("call_result", results, 7 * _DAY, of="call"),
        Branch("reached", of="call", cases=(When(CONNECTED, _friendship(invitation, message, wait)),)),
    )
    return Play("human_call_wecom", (Choose("who_first", (Case(field("tier") == vip_tier, vip),), others),))


def ladder_3_7_14_28(*, ways: tuple[Way, ...], rungs: dict[int, tuple[Way, ...]] | None = None) -> Play:
    """Rungs at 3, 7, 14 and 28 days idle; channels in the order that fits the age of the lapse.

    `rungs` gives a rung its own words and so its own offer; the others use `ways`.
    """
    own = rungs or {}
    steps = tuple(
        Rung(days, (Send(f"rung_{days}", own.get(days, ways), by_lapse=True, expires_after=2 * _DAY),)) for days in ladder_rungs()
    )
    return Play("ladder_3_7_14_28", (Ladder("ladder", steps),), reentry="each_lapse", caps=(PlayCap(1, _DAY),))


def pharmacy_b2b(*, text: str, peak: str = "10:00", weekdays: tuple[int, ...] = (1, 2, 3, 4, 5)) -> Play:
    """One sms a buyer at the region's peak, naming the item that they bought most and that is still on sale.

    The text asks for `{{ item }}`: see `most_bought` for how it is chosen. The segment is lapsed for the platform and for
    the merchant, one region, active in the last three months. Looked at after 0, 1, 3 and 7 days.
    """
    return Play(
        "pharmacy_b2b",
        (
            Wait("peak", until=peak, weekdays=weekdays),
            Send("sms", (Way("sms", {"text": text}),), expires_after=timedelta(hours=8)),
            WaitFor("reaction", ("returned", "core_action", "converted"), 7 * _DAY),
        ),
    )


def undispatchable_order(
    *, text: str, call: str, after: timedelta = timedelta(hours=1), react: timedelta = timedelta(hours=2)
) -> Play:
    """An order that is not dispatched an hour after it was made: an sms, and a call when nobody reacts.

    It is a service: caps and quiet hours of marketing do not hold it. The dispatch ends it; one run for each order.
    """
    hours, seconds = divmod(int(after.total_seconds()), 3600)
    reacted = ("clicked", "replied")
    return Play(
        "undispatchable_order",
        (
            Wait("not_dispatched", hours=hours, minutes=seconds // 60),
            Send("sms", (Way("sms", {"text": text}),), purpose=Purpose.SERVICE, expires_after=timedelta(hours=6), priority=8),
            WaitFor("reaction", reacted, react, of="sms"),
            Branch("reacted", of="sms", cases=(When(REACTED, (Exit("solved", "reacted"),)),)),
            Send("call", (Way("voice", {"say": call}),), purpose=Purpose.SERVICE, expires_after=timedelta(hours=6), priority=8),
        ),
        trigger=Trigger("event", event="order.created", key="order"),
        exit_on=("order.dispatched", "order.cancelled"),
        reentry="each_lapse",
        exclusive="order",
    )


def post_return_7d(*, check_in: str, gift: str, rebate: str) -> Play:
    """The seven days after a return: a check-in or spend task, a daily gift on login, a rebate.

    Shown inside the app, by push where that is allowed. It excludes recall plays and ends on day 7 or with a new lapse.
    """

    def inside(title: str, body: str) -> tuple[Way, ...]:
        return Way("inapp", {"title": title, "body": body}), Way("push", {"title": title, "body": body})

    days: list[Step] = [Send("task", inside("Check-in", check_in)), Send("gift_1", inside("Gift", gift))]
    for day in range(2, 8):
        days += [Wait(f"until_day_{day}", days=1), Send(f"gift_{day}", inside("Gift", gift))]
    return Play(
        "post_return_7d",
        (*days, Send("rebate", inside("Rebate", rebate)), Exit("week_over", "day_7")),
        trigger=Trigger("event", event="returned"),
        exit_on=("second_lapse",),
        reentry="each_lapse",
        caps=(PlayCap(2, _DAY),),
        exclusive="recall",
        longest=7 * _DAY,
    )


def _robot_call(words: str) -> Send:
    return Send("call", (Way("voice", {"say": words, "on_machine": "hangup"}),), expires_after=_DAY)


def _friendship(invitation: str, message: str, wait: timedelta, *, suffix: str = "") -> tuple[Step, ...]:
    """Invite to WeCom, wait for the friend, write when there is one."""
    return (
        Send(f"invite{suffix}", (Way("sms", {"text": invitation}),)),
        WaitFor(f"friend{suffix}", ("friend_added",), wait),
        Branch(
            f"became_friend{suffix}",
            of=f"friend{suffix}",
            cases=(When((Outcome.HAPPENED,), (Send(f"wecom{suffix}", (Way("wecom", {"text": message}),)),)),),
        ),
    )
