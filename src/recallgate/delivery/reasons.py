"""Codes of verdicts and errors in words that can be read aloud to whoever asks."""

from collections.abc import Mapping

# The longest code that fits the beginning decides.
WHY: Mapping[str, str] = {
    "account": "none of our senders may carry it there",
    "address": "this kind of number cannot get it",
    "all_tried": "none of our senders took it",
    "attempts": "it was tried as often as we try",
    "budget": "the budget for such messages was used up",
    "cap": "they had got as many messages as our limit allows",
    "consent": "we have no consent for it",
    "consent.missing": "we have no consent for it",
    "consent.withdrawn": "they took back their consent",
    "content": "its text broke a rule for texts",
    "country": "we do not write to that country",
    "deliverability": "too many people complained about, or left, that sender",
    "exit": "they had come back, or their part in the campaign had ended",
    "expired.by_cap": "the limit on messages would have lifted only after it was out of date",
    "expired.by_quiet_hours": "permitted hours would have begun only after it was out of date",
    "expired": "it was out of date",
    "expiry": "it was not to leave before a set time",
    "expiry.not_before": "it was not to leave before a set time",
    "holdout": "they are in the group that gets nothing, so that we can compare",
    "no_account": "we have no sender for that channel",
    "no_channel_left": "no channel was left on which they may be written to",
    "number_reputation": "the number that calls was marked by phones, or not looked at for a month",
    "pause.person": "they asked us to pause",
    "pause.tenant": "all messages of this kind were paused",
    "paused": "the campaign, channel or account was paused",
    "poison": "it could not be read",
    "pruned": "several attempts to win them back had not helped, so we leave them in peace",
    "quiet_hours.no_common_window": "no hour of the week is permitted by all rules together",
    "quiet_hours": "it was outside permitted hours where they live",
    "rate_limit": "we were sending as fast as we may",
    "refusal_cooldown": "they had said no on that channel a short while ago",
    "region": "people in that region are not written to in this way",
    "retry": "it failed for the moment and is tried again",
    "stale": "it had waited too long",
    "suppressed.complaint": "they had complained about us",
    "suppressed.dnc_registry": "their number is on a do-not-call list",
    "suppressed.hard_bounce": "their mailbox does not exist",
    "suppressed.hopeless": "several attempts to win them back had not helped, so we leave them in peace",
    "suppressed.invalid": "their address does not work",
    "suppressed.manual": "somebody here stopped messages to them",
    "suppressed.opt_out": "they had asked us to stop",
    "suppressed.region_block": "people in that region are not written to in this way",
    "suppressed": "they are not to be written to",
    "template": "its template is not approved",
    "uncertain": "it was perhaps sent; no answer came",
    "unschedulable": "no moment suits all rules",
    "velocity": "too many messages went there in a short time",
    "vendor": "the carrier refused it",
}
REASONS: Mapping[str, str] = {
    "opt_out": "they asked to stop",
    "complaint": "they complained",
    "hard_bounce": "the mailbox does not exist",
    "invalid": "the address does not work",
    "dnc_registry": "it is on a do-not-call list",
    "manual": "somebody here stopped it",
    "region_block": "of where they live",
    "hopeless": "several attempts to win them back had not helped",
}


def why(code: str | None) -> str:
    """The reason behind a code, as half a sentence; for a code that nobody knows, the code."""
    if not code:
        return "no rule stood against it"
    parts = code.split(".")
    for length in range(len(parts), 0, -1):
        if (words := WHY.get(".".join(parts[:length]))) is not None:
            return words
    return f"of the rule {code}"
