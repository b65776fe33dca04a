"""Policies with a scripted answer, and other channels to go to."""

from datetime import timedelta

from recallgate.model.address import EmailAddress, InboxId
from recallgate.model.content import Email, Inapp
from recallgate.model.message import Alternative
from recallgate.model.verdict import Allow, Defer, Drop, Reroute
from recallgate.policies.policy import FunctionPolicy

HOUR = timedelta(hours=1)
MAIL = Alternative(channel="email", to=EmailAddress(email="a@example.com"), content=Email(subject="Hi", text="Hi"))
INAPP = Alternative(channel="inapp", to=InboxId(user="p1"), content=Inapp(body="Hi"))


def says(verdict, *, name="rule", phase=7, **facts):
    """A policy that always gives one verdict."""
    return FunctionPolicy(lambda _: verdict, name, phase, **facts)


def until(instant, *, name="wait", phase=7):
    """A policy that defers to an instant and allows from then on."""

    def judge(judged):
        return Defer(until=instant, code=f"{name}.wait") if judged.now < instant else Allow()

    return FunctionPolicy(judge, name, phase)


DROP, FINAL = Drop(code="no"), Drop(code="never", terminal=True)
AWAY = Reroute(exclude=frozenset({"sms"}), code="elsewhere")
