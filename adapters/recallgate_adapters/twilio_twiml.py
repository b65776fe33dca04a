"""TwiML: call scripts as the XML that Twilio speaks.

Source: "TwiML for Programmable Voice", vendor documents, read 2026-11-22.
Quirk: `#` ends a Gather and is not told; with an empty finishOnKey it is a digit like the others.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape

from recallgate import Pause, Play, Reply, Say
from recallgate_adapters._call_script import Utterance

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
