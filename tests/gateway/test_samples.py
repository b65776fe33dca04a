"""A campaign goes to test numbers before its launch: every step, in its last shape, whatever the hour."""

from typing import Any

import pytest

from gateway.ground import NIGHT, SUFFIX, account, ground, live
from recallgate import ConfigError
from recallgate.recall.campaign import Campaign, Goal
from recallgate.recall.churn import preset
from recallgate.recall.experiment import Experiment
from recallgate.recall.lapse import Churn
from recallgate.recall.messages import MessageMaker
from recallgate.recall.play import Play
from recallgate.recall.samples import send_samples
from recallgate.recall.segment import everybody
from recallgate.recall.steps import Send, Wait, Way
from recallgate.text.words import WordList

TEXT = "{{ name }}, 5 off today: {{ link }}"
NUMBERS = ("+14155550101", "+14155550102")


def spring(text: str = TEXT) -> Campaign:
    ways = (Way("sms", {"text": text}), Way("email", {"subject": "Come back", "text": "5 off: {{ link }}"}))
    play = Play("p", (Send("first", ways), Wait("week", days=7), Send("second", (Way("sms", {"text": text}),))))
    churn = Churn(preset("ecommerce"))
    return Campaign("spring", Goal.WIN_BACK, churn, everybody(), play, experiment=Experiment(10_000), person_fields=("name",))


def maker(campaign: Campaign) -> MessageMaker:
    return MessageMaker(campaign, link="https://shop.example/c", key=b"k" * 16)


@live
async def test_every_step_goes_to_every_test_number_even_at_night_and_twice() -> None:
    async with ground(account(), account("m", "email"), at=NIGHT, test_addresses=(*NUMBERS, "qa@brand.example")) as here:
        for _ in range(2):
            found = await send_samples(here.gateway, spring(), maker=maker(spring()), person={"name": "Ann"})
            here.clock.advance(here.gateway.config.guard)

            assert {step: [one.state.value for one in all_of] for step, all_of in found.items()} == {
                "first": ["accepted"] * 3,
                "second": ["accepted"] * 2,
            }
        assert {message.text for message in here.script().sent} == {f"Ann, 5 off today: https://shop.example/c {SUFFIX}"}
        assert await here.rows("select count(*) from rg_cap_entry") == [(0,)]
        assert await here.rows("select count(*) from rg_message where campaign is not null") == [(0,)]


@live
async def test_a_text_that_would_be_refused_is_told_before_anything_is_launched() -> None:
    lists: Any = (WordList(id="own", words=("casino",)),)
    async with ground(test_addresses=NUMBERS, words=lists) as here:
        casino = spring("Casino night, 5 off: {{ link }}")
        with pytest.raises(ConfigError, match=r"step first: .*casino"):
            await send_samples(here.gateway, casino, maker=maker(casino))
        assert not here.script().tried


@live
async def test_without_test_addresses_nothing_is_sent() -> None:
    async with ground(store="sqlite://") as here:
        with pytest.raises(ConfigError, match="test_addresses: none"):
            await send_samples(here.gateway, spring(), maker=maker(spring()))
