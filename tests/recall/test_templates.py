"""The nine plays of practice build a valid campaign each and have the steps that they promise."""

from datetime import timedelta

import pytest

from recallgate.recall import templates
from recallgate.recall.campaign import Campaign, Goal
from recallgate.recall.churn import preset
from recallgate.recall.items import OrderLine, most_bought, top_items
from recallgate.recall.lapse import Churn
from recallgate.recall.outcome import Outcome
from recallgate.recall.play import Play
from recallgate.recall.program import DoBranch, DoRung, DoSend, DoWait, DoWaitFor, Program, Stop, compile_play
from recallgate.recall.segment import everybody
from recallgate.recall.steps import Way

LINK = "{{ brand }} {{ link }}"
PLAYS = {
    "robot_call_wecom": templates.robot_call_wecom(call="Hello", invitation=LINK, message="Hi"),
    "robot_call_sms": templates.robot_call_sms(call="Hello", text=LINK),
    "sms": templates.sms(text=LINK),
    "h5_sms": templates.h5_sms(text=LINK),
    "human_call_wecom": templates.human_call_wecom(script="Ask", invitation=LINK, message="Hi"),
    "ladder_3_7_14_28": templates.ladder_3_7_14_28(ways=(Way("sms", {"text": LINK}), Way("push", {"title": "a", "body": "b"}))),
    "pharmacy_b2b": templates.pharmacy_b2b(text="{{ item }} {{ link }}"),
    "undispatchable_order": templates.undispatchable_order(text="Your order waits {{ link }}", call="Your order waits"),
    "post_return_7d": templates.post_return_7d(check_in="Check in", gift="A gift", rebate="A rebate"),
}


@pytest.mark.parametrize("name", PLAYS)
def test_every_template_builds_a_campaign(name: str) -> None:
    rule = preset("ecommerce")
    campaign = Campaign(name, Goal.WIN_BACK, Churn(rule), everybody(), PLAYS[name], person_fields=("item",))

    assert campaign.play.name == name
    assert isinstance(campaign.program.instructions[-1], Stop)


def walk(play: Play, outcomes: dict[str, Outcome], *, idle: int = 0) -> list[str]:
    """The channels written to, in order, when the steps come to these outcomes."""
    program: Program = compile_play(play)
    position, seen = 0, []
    while not isinstance(step := program.at(position), Stop):
        position = program.settle(position)
        match step:
            case DoSend(step=send):
                seen.append(send.ways[0].channel)
                position += 1
            case DoBranch():
                position = step.target(outcomes.get(step.of, Outcome.SENT))
            case DoRung(next_days=next_days, skip_to=skip_to):
                position = skip_to if next_days is not None and idle >= next_days else position + 1
            case _:
                position = program.next_positions(position)[-1]
    return seen


@pytest.mark.parametrize(
    ("name", "outcomes", "channels"),
    [
        ("robot_call_wecom", {"call": Outcome.ANSWERED, "friend": Outcome.HAPPENED}, ["voice", "sms", "wecom"]),
        ("robot_call_wecom", {"call": Outcome.KEY_PRESSED, "friend": Outcome.TIMED_OUT}, ["voice", "sms"]),
        ("robot_call_wecom", {"call": Outcome.NO_ANSWER}, ["voice"]),
        ("robot_call_wecom", {"call": Outcome.MACHINE}, ["voice"]),
        ("robot_call_sms", {"call": Outcome.NO_ANSWER}, ["voice", "sms"]),
        ("robot_call_sms", {"call": Outcome.ANSWERED}, ["voice", "sms"]),
        ("sms", {}, ["sms"]),
        ("h5_sms", {}, ["sms"]),
        ("human_call_wecom", {"call": Outcome.ANSWERED, "friend": Outcome.HAPPENED}, ["worklist", "sms", "wecom"]),
        ("human_call_wecom", {"call": Outcome.NO_ANSWER}, ["worklist"]),
        ("pharmacy_b2b", {}, ["sms"]),
        ("undispatchable_order", {"sms": Outcome.DELIVERED}, ["sms", "voice"]),
        ("undispatchable_order", {"sms": Outcome.CLICKED}, ["sms"]),
        ("post_return_7d", {}, ["inapp"] * 9),
    ],
)
def test_plays_write_on_these_channels(name: str, outcomes: dict[str, Outcome], channels: list[str]) -> None:
    assert walk(PLAYS[name], outcomes) == channels


@pytest.mark.parametrize(("idle", "sends"), [(3, 4), (6, 4), (7, 3), (10, 3), (14, 2), (28, 1), (400, 1)])
def test_a_late_entrant_gets_the_highest_rung_and_those_above(idle: int, sends: int) -> None:
    assert len(walk(PLAYS["ladder_3_7_14_28"], {}, idle=idle)) == sends


def test_a_rung_can_have_words_of_its_own() -> None:
    own = (Way("sms", {"text": "half price"}),)
    play = templates.ladder_3_7_14_28(ways=(Way("sms", {"text": LINK}),), rungs={14: own})

    assert [send.ways == own for send in play.sends()] == [False, False, True, False]


def test_an_order_alert_waits_an_hour_and_is_a_service() -> None:
    play = PLAYS["undispatchable_order"]
    first = compile_play(play).instructions[0]

    assert isinstance(first, DoWait)
    assert (first.step.hours, first.step.minutes) == (1, 0)
    assert {send.purpose for send in play.sends()} == {"service"}
    assert (play.trigger.event, play.trigger.key) == ("order.created", "order")
    assert "order.dispatched" in play.exit_on


def test_the_week_after_a_return_starts_on_it_and_excludes_recall() -> None:
    play = PLAYS["post_return_7d"]

    assert play.trigger.event == "returned"
    assert play.exclusive == PLAYS["sms"].exclusive == "recall"
    assert play.exit_on == ("second_lapse",)
    assert sum(isinstance(step, DoWait) for step in compile_play(play).instructions) == 6
    assert compile_play(play).instructions[-2] == Stop("day_7")


@pytest.mark.parametrize("name", ["robot_call_wecom", "robot_call_sms"])
def test_robots_do_not_call_at_noon(name: str) -> None:
    week = (1, 2, 3, 4, 5, 6, 7)

    assert PLAYS[name].windows_for("voice") == ((week, "09:00", "12:00"), (week, "14:00", "20:00"))


def test_the_friend_is_waited_for_with_a_timeout_of_its_own() -> None:
    play = templates.robot_call_wecom(call="Hello", invitation=LINK, message="Hi", wait=timedelta(days=5))
    waits = [item.step for item in compile_play(play).instructions if isinstance(item, DoWaitFor)]

    assert [(wait.events, wait.timeout) for wait in waits][-1] == (("friend_added",), timedelta(days=5))


def test_the_vip_tier_is_called_first() -> None:
    priorities = {send.name: send.priority for send in PLAYS["human_call_wecom"].sends()}

    assert priorities["call_vip"] > priorities["call"]


LINES = [
    OrderLine("b1", "aspirin", 10, 500),
    OrderLine("b1", "aspirin", 30, 300),
    OrderLine("b1", "plaster", 99, 100),
    OrderLine("b2", "mask", 1, 100),
]


def test_the_item_bought_most_often_comes_first() -> None:
    # aspirin: 2 lines, 40 pieces for 10*500 + 30*300 = 14000, 350 each
    first = top_items(LINES)["b1"][0]

    assert (first.item, first.lines, first.quantity, first.mean_cents) == ("aspirin", 2, 40, 350)


def test_what_is_not_on_sale_is_passed_over() -> None:
    found = most_bought(LINES, on_sale={"plaster"})

    assert {person: bought.item for person, bought in found.items()} == {"b1": "plaster"}


def test_only_the_top_items_of_a_buyer_are_looked_at() -> None:
    assert most_bought(LINES, on_sale={"plaster"}, most=1) == {}
