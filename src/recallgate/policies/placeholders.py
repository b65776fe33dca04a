"""An address and a content for each channel, where only the rules are asked and nothing is sent."""

from collections.abc import Mapping

_TEXT = {"type": "text", "text": "…"}
_PAYLOAD: dict[str, object] = {"type": "payload", "data": {}}

ADDRESSES: Mapping[str, Mapping[str, object]] = {
    "sms": {"type": "phone", "e164": "+15005550006"},
    "voice": {"type": "phone", "e164": "+15005550006"},
    "push": {"type": "push", "token": "device"},
    "email": {"type": "email", "email": "someone@example.com"},
    "wecom": {"type": "wecom_external", "external_userid": "someone"},
    "inapp": {"type": "inbox", "user": "someone"},
    "robot": {"type": "conversation"},
    "oa": {"type": "oa_user", "openid": "someone"},
    "webhook": {"type": "endpoint", "url": "https://example.com/"},
    "worklist": {"type": "worker"},
    "audience": {"type": "audience", "identifier": "someone"},
}
CONTENTS: Mapping[str, Mapping[str, object]] = {
    "sms": _TEXT,
    "voice": {"type": "call", "say": [{"type": "say", "text": "…"}]},
    "push": {"type": "push", "title": "…", "body": "…"},
    "email": {"type": "email", "subject": "…", "text": "…"},
    "wecom": _TEXT,
    "inapp": {"type": "inapp", "title": "…", "body": "…"},
    "robot": _TEXT,
    "oa": _TEXT,
    "webhook": _TEXT,
    "worklist": {"type": "task", "title": "…"},
    "audience": _PAYLOAD,
}
