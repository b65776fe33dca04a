"""Personal data and secrets stay out of logs, reprs and errors."""

import logging

import httpx
import pytest
import respx

from gateway.ground import NOON, NUMBER, ground, live, otp
from recallgate import ErrorKind, FrozenClock, Gateway, IdempotencyConflict, SendError, StoreError
from recallgate.transport.redact import RedactingFilter, redact

HIDDEN = [
    ("call +14155550123 now", "call +… now"),
    ("mail jo.doe@example.com", "mail …@…"),
    ("Authorization: Bearer abc.def-1", "Authorization: Bearer …"),
    ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic …"),
    ("GET /token?corpsecret=s3cret&x=1", "GET /token?corpsecret=…&x=1"),
    ("access_token=abc", "access_token=…"),
    ("nothing to hide, 42 times", "nothing to hide, 42 times"),
]


@pytest.mark.parametrize(("said", "shown"), HIDDEN)
def test_what_must_not_be_read_is_replaced(said: str, shown: str) -> None:
    assert redact(said) == shown


def test_the_filter_also_hides_what_came_as_an_argument() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "to %s", (NUMBER,), None)

    assert RedactingFilter().filter(record)
    assert record.getMessage() == "to +…"


@live
async def test_a_failing_send_writes_neither_number_nor_words_nor_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with respx.mock(using="httpx") as router:
        router.post(url__startswith="https://api.twilio.com/").mock(side_effect=httpx.ReadError("broken"))
        gateway = Gateway("twilio.sms://AC1:s3cr3t-token@default?sender=+15005550006", store="sqlite://", clock=FrozenClock(NOON))
        async with gateway:
            delivery = await gateway.send(otp())

    everything = f"{caplog.text} {delivery!r} {gateway.config!r} {gateway.accounts['twilio.sms'].adapter!r} {delivery.error}"
    for hidden in ("4155550123", "4821", "s3cr3t-token"):
        assert hidden not in everything


@live
async def test_errors_of_the_store_and_of_keys_show_no_personal_data() -> None:
    from sqlalchemy import text

    async with ground() as here:
        with pytest.raises(StoreError) as broken:
            await here.gateway.store.run(lambda c: c.execute(text("select * from nowhere where x = :x"), {"x": NUMBER}))
        await here.gateway.send(otp(idempotency_key="k"))
        with pytest.raises(IdempotencyConflict) as conflict:
            await here.gateway.send(otp("+14155550199", idempotency_key="k"))

    assert "4155550" not in f"{broken.value} {conflict.value}"


def test_reprs_of_messages_and_errors_are_masked() -> None:
    shown = f"{otp()!r} {otp()} {SendError(ErrorKind.UNKNOWN, 'x', 'refused')!r}"

    assert NUMBER not in shown
    assert "4821" not in shown
