"""One person's story in sentences that a support agent can read aloud: where they stand now, and what happened when."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from recallgate.delivery.reasons import REASONS, why
from recallgate.model.zones import zone

Row = Mapping[str, Any]
Shown = Mapping[str, Sequence[Row]]
_CHANNELS = {
    "sms": "text message",
    "voice": "call",
    "email": "e-mail",
    "push": "push notification",
    "inapp": "message in the app",
    "wecom": "WeCom message",
    "worklist": "call by one of us",
}
_BECAME = {
    "queued": "waiting to leave",
    "held": "waiting",
    "sending": "leaving now",
    "uncertain": "perhaps sent, without an answer",
    "suppressed": "not sent",
    "failed": "not taken by any carrier",
    "expired": "not sent, being out of date",
    "cancelled": "taken back before it left",
    "accepted": "sent, without a report so far",
    "sent": "sent on by the carrier",
    "undelivered": "not delivered",
    "delivered": "delivered",
}
_TOLD = {
    "accepted": "the carrier took it",
    "sent": "the carrier sent it on",
    "delivered": "it arrived",
    "undelivered": "it did not arrive",
    "expired": "it could not be delivered in time",
    "cancelled": "it was taken back",
    "read": "it was read",
    "opened": "it was opened, perhaps by a machine",
    "clicked": "they opened its link",
    "answered": "they answered the call",
    "no_answer": "nobody answered the call",
    "busy": "the line was busy",
    "machine": "an answering machine took the call",
    "key_pressed": "they pressed a key",
    "replied": "they replied",
    "promised": "they promised to come back",
    "refused": "they said no",
    "complained": "they complained",
    "unsubscribed": "they asked to get no more",
    "resubscribed": "they asked to be written to again",
    "friend_added": "they became our contact",
    "token_dead": "the app is no longer on that device",
}
_DID = {
    "returned": "they came back",
    "converted": "they ordered",
    "core_action": "they were active",
    "repeat": "they ordered again",
}
_ENDED = {"completed": "had come to its end", "returned": "ended, since they came back", "goal": "reached its goal"}


def person_summary(shown: Shown, *, now: datetime) -> list[str]:
    """Where a person stands now, one sentence each."""
    lines = []
    standing = [one for one in shown["suppressions"] if not one["cleared_at"] and not _over(one["expires_at"], now)]
    for one in standing:
        kinds = "messages of any kind" if one.get("all_purposes") else "offers"
        topic = f" about {one['topic']}" if one["topic"] != "*" else ""
        until = f" until {_day(one['expires_at'])}" if one["expires_at"] else ""
        words = REASONS.get(one["reason"], one["reason"])
        lines.append(f"They get no {kinds}{topic} {_by(one['channel'])}{until}, because {words}.")
    newest: dict[tuple[str, str, str], Row] = {}
    for one in shown["consents"]:
        newest[one["channel"], one["topic"], one["brand"]] = one
    for (channel, topic, brand), one in newest.items():
        what = "They agreed to offers" if one["granted"] else "They took back their consent to offers"
        about = (f" about {topic}" if topic != "*" else "") + (f" of {brand}" if brand != "*" else "")
        lines.append(f"{what}{about} {_by(channel)} on {_day(one['at'])} ({one['source']}).")
    for one in shown["people"]:
        if one["paused_until"] and not _over(one["paused_until"], now):
            lines.append(f"They asked us to pause until {_day(one['paused_until'])}.")
    if not standing:
        lines.insert(0, "Nothing stops us from writing to them, beside hours and limits.")
    counts: dict[str, int] = {}
    for one in shown["messages"]:
        counts[one["state"]] = counts.get(one["state"], 0) + 1
    if counts:
        told = "; ".join(f"{number} {_BECAME.get(state, state)}" for state, number in sorted(counts.items()))
        total = sum(counts.values())
        lines.append(f"We prepared {total} message{'' if total == 1 else 's'} for them: {told}.")
    return list(dict.fromkeys(lines))  # a person and their address are stopped by one word


def person_story(shown: Shown) -> list[str]:
    """What happened, oldest first, one sentence each; times are the person's own, or UTC where their zone is not known."""
    where = zone(next((str(one["zone"]) for one in shown["people"] if one["zone"]), "UTC"))
    order = {one["id"]: n for n, one in enumerate(shown["messages"], 1)}
    last = len(order) + 1
    told = [*_messages(shown, where), *_events(shown)]
    lines = [(at, order.get(message, 0), rank, words) for at, message, rank, words in told]
    lines += [(at, 0, rank, words) for at, rank, words in (*_deeds(shown), *_runs(shown))]
    lines += [(at, last, rank, words) for at, rank, words in _ledger(shown)]
    return list(dict.fromkeys(f"{_minute(at, where)}  {words}" for at, _, _, words in sorted(lines)))


def _messages(shown: Shown, where: tzinfo) -> Iterator[tuple[str, str, int, str]]:
    named = {one["id"]: one for one in shown["messages"]}
    for one in shown["messages"]:
        campaign = f" of the campaign {one['campaign']}" if one["campaign"] else ""
        yield str(one["created_at"]), one["id"], 1, f"{_a(_kind(one))}{campaign} was prepared ({one['id']})."
    for one in shown["decisions"]:
        message = _kind({**named[one["message_id"]], "channel": one["channel"]}) if one["message_id"] in named else "message"
        because = why(one["code"])
        match one["verdict"]:
            case "defer":
                yield (
                    str(one["at"]),
                    one["message_id"],
                    2,
                    f"The {message} was held until {_minute(one['until'], where)}, because {because}.",
                )
            case "drop":
                yield str(one["at"]), one["message_id"], 2, f"The {message} was dropped, because {because}."
            case "allow":
                yield str(one["at"]), one["message_id"], 2, f"All rules let the {message} leave."
    for one in shown["attempts"]:
        yield str(one["at"]), one["message_id"], 3, f"It was handed to the carrier through {one['account']} (attempt {one['n']})."
        if one["outcome"] and one["outcome"] != "accepted":
            code = f" ({one['kind']}{', code ' + one['code'] if one['code'] else ''})" if one["kind"] else ""
            words = "no answer came, so it was perhaps sent" if one["outcome"] == "uncertain" else "the carrier did not take it"
            yield str(one["finished_at"] or one["at"]), one["message_id"], 4, f"Attempt {one['n']} failed: {words}{code}."
    for one in shown["messages"]:
        if one["state"] in ("cancelled", "expired", "failed") or (one["state"] == "suppressed" and one["planned_at"] is None):
            continue
        if one["planned_at"]:
            yield str(one["planned_at"]), one["id"], 5, f"The {_kind(one)} would have left now, but {why(one['reason'])}."


def _events(shown: Shown) -> Iterator[tuple[str, str, int, str]]:
    for one in shown["events"]:
        words = _TOLD.get(one["type"], f"we were told: {one['type']}")
        code = f" ({one['kind']}{', code ' + one['code'] if one['code'] else ''})" if one["kind"] else ""
        about = f" [{one['message_id']}]" if one["message_id"] else ""
        yield str(one["at"]), one["message_id"] or "", 6, f"{_capital(words)}{code}{about}."


def _deeds(shown: Shown) -> Iterator[tuple[str, int, str]]:
    for one in shown["did"]:
        amount = f" for {one['amount_cents'] / 100:.2f}" if one["amount_cents"] else ""
        yield str(one["at"]), 0, f"{_capital(_DID.get(one['type'], 'in the app: ' + one['type']))}{amount}."


def _runs(shown: Shown) -> Iterator[tuple[str, int, str]]:
    for one in shown["runs"]:
        part = "and are kept without contact, to compare with" if one["holdout"] else f"in the arm {one['arm'] or 'only'}"
        yield str(one["started_at"]), 0, f"They entered the campaign {one['campaign']}, {part}."
        if one["ended"]:
            words = _ENDED.get(one["ended"], f"ended ({one['ended']})")
            yield str(one["ended_at"] or one["started_at"]), 8, f"Their part in the campaign {one['campaign']} {words}."


def _ledger(shown: Shown) -> Iterator[tuple[str, int, str]]:
    for one in shown["suppressions"]:
        words = REASONS.get(one["reason"], one["reason"])
        said = f"; they wrote: “{one['proof']}”" if one.get("proof") else ""
        yield str(one["effective_at"]), 7, f"No more offers {_by(one['channel'])}, because {words} ({one['source']}{said})."
        if one["cleared_at"]:
            yield (
                str(one["cleared_at"]),
                7,
                f"Offers {_by(one['channel'])} are possible again: the stop of {_day(one['effective_at'])} ended.",
            )
    for one in shown["consents"]:
        act = "agreed to offers" if one["granted"] else "took back their consent to offers"
        yield str(one["at"]), 7, f"They {act} {_by(one['channel'])} ({one['source']})."


def _kind(message: Row) -> str:
    purpose = {"marketing": "offer by ", "otp": "code by ", "service": "notice by ", "transactional": "notice by "}
    return purpose.get(str(message["purpose"]), "") + _CHANNELS.get(str(message["channel"]), str(message["channel"]))


def _a(noun: str) -> str:
    return f"An {noun}" if noun[0] in "aeiou" else f"A {noun}"


def _by(channel: str) -> str:
    return "on any channel" if channel == "*" else f"by {_CHANNELS.get(channel, channel)}"


def _minute(at: object, where: tzinfo) -> str:
    return datetime.fromisoformat(str(at)).astimezone(where).strftime("%Y-%m-%d %H:%M")


def _day(at: object) -> str:
    return str(at)[:10]


def _over(at: object, now: datetime) -> bool:
    return at is not None and datetime.fromisoformat(str(at)) <= now


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
