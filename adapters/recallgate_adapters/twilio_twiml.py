"""TwiML: call scripts as the XML that Twilio speaks, and the packed answers that travel in a signed action URL.

Source: "TwiML for Programmable Voice", vendor documents, read 2026-11-22.
Quirk: `#` ends a Gather and is not told; with an empty finishOnKey it is a digit like the others.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from recallgate import CallScript, KeyAnswer, Pause, Play, Reply, Say

Utterance = Say | Play | Pause
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
HANG_UP = "<Hangup/>"


def document(*verbs: str) -> str:
    """A whole TwiML document; without verbs it says nothing and ends."""
    return f"<Response>{''.join(verbs)}</Response>" if verbs else "<Response/>"


def reply(*verbs: str) -> Reply:
    """The document as the answer to a callback."""
    return Reply(200, {"content-type": "text/xml"}, document(*verbs).encode())


def spoken(utterances: Sequence[Utterance]) -> str:
    """The verbs that say, play or keep silent, in order."""
    return "".join(map(_verb, utterances))


def menu(said: str, action_url: str, *, wait_s: int) -> str:
    """What is said while one key is awaited; silence for `wait_s` seconds afterwards goes on behind it."""
    attributes = _attributes(
        {"numDigits": "1", "finishOnKey": "", "timeout": str(wait_s), "action": action_url, "method": "POST"}
    )
    return f"<Gather{attributes}>{said}</Gather>"


def pack(script: CallScript, *, whole: bool = False) -> str:
    """The answers to the keys of a script in compact base64url, for an URL.

    What is said first goes along where a key repeats it, or when `whole` asks for it.
    """
    packed: dict[str, Any] = {"k": {key: [answer.action, _packed(answer.say)] for key, answer in script.keys.items()}}
    if whole or any(answer.action == "repeat" for answer in script.keys.values()):
        packed |= {"s": _packed(script.say), "w": script.key_wait_s}
    text = json.dumps(packed, ensure_ascii=False, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unpack(text: str) -> CallScript | None:
    """The script behind `pack`, empty of words where they did not travel; None when the text is none of ours."""
    try:
        packed = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        keys = {key: KeyAnswer(action=action, say=_unpacked(say)) for key, (action, say) in packed["k"].items()}
        say = _unpacked(packed["s"]) if "s" in packed else (Pause(),)
        return CallScript(say=say, keys=keys, key_wait_s=packed.get("w", 5))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _verb(utterance: Utterance) -> str:
    match utterance:
        case Say(text=text, language=language, voice=voice):
            attributes = _attributes({"language": language, "voice": voice})
            return f"<Say{attributes}>{escape(_NOT_XML.sub('', text), quote=False)}</Say>"
        case Play(url=url):
            return f"<Play>{escape(url, quote=False)}</Play>"
        case Pause(seconds=seconds):
            return f'<Pause length="{seconds}"/>'


def _attributes(values: Mapping[str, str | None]) -> str:
    return "".join(f' {name}="{escape(_NOT_XML.sub("", value))}"' for name, value in values.items() if value is not None)


def _packed(utterances: Sequence[Utterance]) -> list[list[Any]]:
    packed: list[list[Any]] = []
    for utterance in utterances:
        match utterance:
            case Say(text=text, language=language, voice=voice):
                packed.append(["s", text, language, voice] if voice else ["s", text, language])
            case Play(url=url):
                packed.append(["p", url])
            case Pause(seconds=seconds):
                packed.append(["w", seconds])
    return packed


def _unpacked(packed: Sequence[Sequence[Any]]) -> tuple[Utterance, ...]:
    utterances: list[Utterance] = []
    for kind, value, *more in packed:
        if kind == "s":
            utterances.append(Say(text=value, language=more[0], voice=more[1] if len(more) > 1 else None))
        elif kind == "p":
            utterances.append(Play(url=value))
        else:
            utterances.append(Pause(seconds=value))
    return tuple(utterances)
