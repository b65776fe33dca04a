"""Call scripts in an URL: what a key is answered with travels in the address that hears the key, so nothing is stored."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from recallgate import CallScript, KeyAnswer, Pause, Play, Say

Utterance = Say | Play | Pause


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
