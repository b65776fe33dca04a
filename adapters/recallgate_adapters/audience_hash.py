"""Identifiers as advertising platforms match them: normalised, then SHA-256 as lower-case hexadecimal.

Source: "Customer Match: format your data" (Google Ads), "Customer file custom audiences" (Meta), "Custom audience file"
(TikTok), as known in 2026; not checked against a platform.
Quirk: Google takes dots and what follows a plus out of Gmail addresses, the others do not.
Quirk: Meta hashes a number without its plus, the others with it.
Quirk: ids of devices are matched as they are, in lower case, and not hashed.
"""

import hashlib
from collections.abc import Mapping
from typing import Literal

from recallgate import ErrorKind, Phone, SendError

Platform = Literal["google", "meta", "tiktok"]
Kind = Literal["phone", "email", "device"]
# The name of each kind's column in the platform's file, in the order of the columns.
COLUMNS: Mapping[Platform, Mapping[Kind, str]] = {
    "google": {"email": "Email", "phone": "Phone", "device": "Mobile Device ID"},
    "meta": {"email": "email", "phone": "phone", "device": "madid"},
    "tiktok": {"email": "email", "phone": "phone", "device": "maid"},
}
_GMAIL = ("gmail.com", "googlemail.com")


def hashed(identifier: str, kind: Kind, platform: Platform) -> str:
    """What stands in the file; raises `SendError(INVALID_RECIPIENT)`, which does not show it, for what is no such identifier."""
    plain = normalised(identifier, kind, platform)
    return plain if kind == "device" else hashlib.sha256(plain.encode()).hexdigest()


def normalised(identifier: str, kind: Kind, platform: Platform) -> str:
    """The form that is hashed."""
    text = identifier.strip()
    if kind == "email":
        return _email(text.lower(), platform)
    if kind == "phone":
        try:
            number = Phone(e164="".join(character for character in text if character not in " -().")).e164
        except ValueError:
            raise _unfit("a number in E.164") from None
        return number.removeprefix("+") if platform == "meta" else number
    if not text or not text.isascii() or not text.isprintable() or "," in text:
        raise _unfit("the id of a device")
    return text.lower()


def _email(text: str, platform: Platform) -> str:
    local, _, domain = text.rpartition("@")
    if not local or "." not in domain or any(character.isspace() for character in text):
        raise _unfit("an e-mail address")
    if platform == "google" and domain in _GMAIL:
        local = local.partition("+")[0].replace(".", "")
    return f"{local}@{domain}"


def _unfit(wanted: str) -> SendError:
    return SendError(ErrorKind.INVALID_RECIPIENT, "identifier", f"the identifier is not {wanted}")
