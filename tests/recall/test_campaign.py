"""Campaigns: what must be there, in which order it is given, and what its version depends on."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from recallgate.model.content import CallScript, Content, Email, Inapp, Push, Say, Task, Text
from recallgate.model.errors import ConfigError
from recallgate.recall.campaign import Campaign, Cause, ChurnCause, Draft, Goal
from recallgate.recall.churn import Fixed, preset
from recallgate.recall.content import check_way, content_of, variables_in
from recallgate.recall.experiment import Experiment
from recallgate.recall.lapse import Churn
from recallgate.recall.offer import Offer, OfferKind, Terms
from recallgate.recall.play import Play
from recallgate.recall.program import Stop
from recallgate.recall.segment import everybody, field, lapsed
from recallgate.recall.steps import Send, Way
from recallgate.recall.tier import TierRule

CHURN = Churn(preset("ecommerce"))
OFFER = Offer("nov", OfferKind.COUPON, "5 off", "platform", {"all": (Terms(500, 500),)}, pool=("POOLCODE1", "POOLCODE2"))
PLAY = Play("p", (Send("sms", (Way("sms", {"text": "{{ brand }}: {{ price }} with {{ code }} {{ link }}"}),)),))
CAMPAIGN = Campaign("nov", Goal.WIN_BACK, CHURN, lapsed(preset("ecommerce")), PLAY, offer=OFFER)


@pytest.mark.parametrize(
    ("way", "content"),
    [
        (Way("sms", {"text": "Hi {{ name }}"}), Text(text="Hi Ann")),
        (Way("voice", {"say": "Hi {{ name }}"}), CallScript(say=(Say(text="Hi Ann"),))),
        (Way("push", {"title": "Hi", "body": "{{ name }}"}), Push(title="Hi", body="Ann")),
        (Way("email", {"subject": "{{ name }}", "text": "x"}), Email(subject="Ann", text="x")),
        (Way("inapp", {"body": "{{ name }}"}), Inapp(body="Ann")),
        (Way("worklist", {"title": "Call", "script": "{{ name }}", "vip": True}), Task(title="Call", script="Ann", vip=True)),
        (Way("wecom", {"text": "{{ name }}"}), Text(text="Ann")),
    ],
)
def test_short_forms_become_the_content_of_the_channel(way: Way, content: Content) -> None:
    assert content_of(way, {"name": "Ann"}) == content


def test_a_variable_that_nobody_filled_is_named() -> None:
    with pytest.raises(ConfigError, match="price"):
        content_of(Way("sms", {"text": "now {{ price }}"}), {"name": "Ann"})


def test_variables_are_found_at_any_depth() -> None:
    way = Way(
        "voice", {"say": [{"type": "say", "text": "{{ a }}"}], "keys": {"1": {"say": [{"type": "say", "text": "{{ b }}"}]}}}
    )

    assert variables_in(way) == {"a", "b"}


@pytest.mark.parametrize(
    ("way", "words"),
    [
        (Way("sms", {"txt": "x"}), "content for sms is wrong at text"),
        (Way("sms", {"type": "push", "title": "a", "body": "b"}), "channel sms takes content of type text or template"),
        (Way("pigeon", {"text": "x"}), "give the content a type"),
        (Way("sms", {"text": "{{ name"}), "the content for sms"),
    ],
)
def test_a_content_that_does_not_fit_is_named(way: Way, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_way(way)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: replace(CAMPAIGN, play=replace(PLAY, exit_on=())), "it has no exit"),
        (lambda: replace(CAMPAIGN, after_return=replace(PLAY, exit_on=())), "it has no exit"),
        (lambda: replace(CAMPAIGN, id="a:b"), "without colons"),
        (lambda: replace(CAMPAIGN, currency="yuan"), "three capital letters"),
        (lambda: replace(CAMPAIGN, play=Play("p", (Send("s", (Way("sms", {"text": "{{ item }}"}),)),))), "nothing fills item"),
        (lambda: Cause(ChurnCause.COMPETITOR), "what the evidence is"),
        (lambda: Cause(ChurnCause.OTHER, " "), "what the evidence is"),
    ],
)
def test_campaigns_that_cannot_work_are_refused(build: Callable[[], object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build()


def test_a_goal_is_one_of_three() -> None:
    with pytest.raises(ValueError, match="sell_more"):
        Draft("nov").define("sell_more", CHURN)


def test_further_fields_of_people_are_declared() -> None:
    play = Play("p", (Send("s", (Way("sms", {"text": "{{ item }}"}),)),))

    assert replace(CAMPAIGN, play=play, person_fields=("item",)).play is play


def test_a_campaign_gives_its_experiment_salt_and_metric() -> None:
    assert (CAMPAIGN.experiment.play, CAMPAIGN.experiment.primary) == ("nov", "returned")
    assert replace(CAMPAIGN, goal=Goal.ACTIVATE, experiment=Experiment()).experiment.primary == "core_action"
    assert replace(CAMPAIGN, experiment=Experiment(primary="converted")).experiment.primary == "converted"


def test_the_four_steps_build_the_same_campaign() -> None:
    draft = Draft("nov").define("win_back", CHURN).layer(lapsed(preset("ecommerce"))).incentive(OFFER).reach(PLAY)

    assert draft.build() == CAMPAIGN


@pytest.mark.parametrize(
    ("build", "missing"),
    [
        (lambda: Draft("n").layer(everybody()), "define"),
        (lambda: Draft("n").define("win_back", CHURN).incentive(OFFER), "layer"),
        (lambda: Draft("n").define("win_back", CHURN).layer(everybody()).reach(PLAY), "incentive"),
        (lambda: Draft("n").define("win_back", CHURN).layer(everybody()).incentive(None).build(), "reach"),
        (lambda: Draft("n").build(), "define, layer, incentive, reach"),
    ],
)
def test_a_missing_step_is_named(build: Callable[[], object], missing: str) -> None:
    with pytest.raises(ConfigError, match=f"missing: {missing}$"):
        build()


def test_no_offer_is_a_choice() -> None:
    assert Draft("n").define("win_back", CHURN).layer(everybody()).incentive(None).reach(PLAY).build().offer is None


def test_a_definition_is_json_without_codes() -> None:
    text = json.dumps(CAMPAIGN.definition())

    assert "POOLCODE1" not in text
    assert json.loads(text)["churn"]["lapsed"] == {"is": "Fixed", "event": "purchase", "days": 30}


def test_the_version_changes_with_anything_in_the_definition() -> None:
    others = [
        replace(CAMPAIGN, hypothesis="the shop was slow"),
        replace(CAMPAIGN, churn=Churn(Fixed("purchase", 31))),
        replace(CAMPAIGN, segment=field("orders") >= 3),
        replace(CAMPAIGN, tiers=TierRule(thresholds_cents=(1, 2))),
        replace(CAMPAIGN, play=replace(PLAY, caps=())),
    ]

    versions = [campaign.version for campaign in others]

    assert replace(CAMPAIGN).version == CAMPAIGN.version == versions[-1]
    assert len({CAMPAIGN.version, *versions}) == 5


def test_a_campaign_carries_its_program() -> None:
    assert CAMPAIGN.program.instructions[-1] == Stop("completed")
    assert CAMPAIGN.program is CAMPAIGN.program
