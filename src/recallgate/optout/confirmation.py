"""The one answer to an opt-out: at most one, within five minutes, and nothing in it that sells."""

from datetime import datetime, timedelta

WITHIN = timedelta(minutes=5)

_WORDS = {
    "zh": "{brand}您已退订，不会再收到我们的营销信息。",
    "en": "{brand}You are unsubscribed and will get no more marketing messages from us.",
    "fr": "{brand}Vous êtes désinscrit et ne recevrez plus de messages publicitaires de notre part.",
    "de": "{brand}Sie sind abgemeldet und erhalten keine Werbung mehr von uns.",
    "es": "{brand}Su baja está confirmada; no recibirá más publicidad nuestra.",
    "it": "{brand}La sua disiscrizione è confermata; non riceverà altri messaggi pubblicitari da noi.",
}
_SEPARATOR = {"zh": "："}


def confirmation(
    *, received_at: datetime, now: datetime, confirmed: bool, language: str | None = None, brand: str | None = None
) -> str | None:
    """The words of the confirmation; None when one was sent for this opt-out already, or more than five minutes have passed.

    `received_at` is when the opt-out came. An unknown language gets English.
    """
    if confirmed or not timedelta(0) <= now - received_at <= WITHIN:
        return None
    spoken = (language or "en").lower().replace("_", "-").partition("-")[0]
    words = _WORDS.get(spoken, _WORDS["en"])
    return words.format(brand=f"{brand}{_SEPARATOR.get(spoken, ': ')}" if brand else "")
