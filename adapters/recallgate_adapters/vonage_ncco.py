"""NCCO: call scripts as the JSON that Vonage speaks, and what a pressed key is answered with.

Source: vonage-voice 1.5.1 (models of NCCO actions) and "NCCO reference", vendor documents, read 2026-11-22.
Quirk: a talk has at most 1,500 characters.
Quirk: Chinese is cmn-CN and cmn-TW, not zh-CN and zh-TW.
Quirk: the vendor waits at most 10 seconds for a key; a longer wait is cut to that.
Quirk: a voice is a number, called style.
"""

import json
from collections.abc import Sequence
from typing import Any

from recallgate import ErrorKind, Pause, Play, Reply, Say, SendError
from recallgate_adapters._call_script import Utterance

LONGEST_TALK = 1500
LONGEST_KEY_WAIT_S = 10
_LANGUAGES = {"zh-CN": "cmn-CN", "zh-TW": "cmn-TW"}
Action = dict[str, Any]


def spoken(utterances: Sequence[Utterance]) -> list[Action]:
    """The actions that say, play or keep silent, in order; raises `SendError` for what the vendor cannot say."""
    return [_action(utterance) for utterance in utterances]


def menu(said: Sequence[Action], action_url: str, *, wait_s: int) -> list[Action]:
    """What is said while one key is awaited: a key may be pressed before the words are over."""
    heard = [{**action, "bargeIn": True} if action["action"] in ("talk", "stream") else action for action in said]
    dtmf = {"timeOut": min(wait_s, LONGEST_KEY_WAIT_S), "maxDigits": 1}
    return [*heard, {"action": "input", "type": ["dtmf"], "dtmf": dtmf, "eventUrl": [action_url], "eventMethod": "POST"}]


def reply(actions: Sequence[Action] = ()) -> Reply:
    """The document as the answer to a key; an empty one ends the call."""
    return Reply(200, {"content-type": "application/json"}, json.dumps(actions, ensure_ascii=False).encode())


def _action(utterance: Utterance) -> Action:
    match utterance:
        case Say(text=text, language=language, voice=voice):
            if len(text) > LONGEST_TALK:
                raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, "script", f"say: a text has more than {LONGEST_TALK} characters")
            talk: Action = {"action": "talk", "text": text, "language": _LANGUAGES.get(language, language)}
            if voice is None:
                return talk
            if not (voice.isascii() and voice.isdigit()):
                raise SendError(ErrorKind.UNSUPPORTED, "voice", "voice: the vendor numbers its voices; give a number such as 2")
            return {**talk, "style": int(voice)}
        case Play(url=url):
            return {"action": "stream", "streamUrl": [url]}
        case Pause(seconds=seconds):
            return {"action": "wait", "timeout": seconds}
