"""Addresses: where a message goes. Their repr is masked; `.key` is what caps, suppressions and rows use."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, field_validator

from recallgate.model.redaction import mask, mask_email

_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_EMAIL = re.compile(r"[^@\s<>\"(),:;\\\[\]]{1,64}@[^@\s<>\"(),:;\\\[\]]{1,253}")


class _Address(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    type: str

    @property
    def key(self) -> str:
        """The address as one text, equal for equal recipients; stored, indexed, never logged."""
        raise NotImplementedError

    @property
    def masked(self) -> str:
        return mask(self.key)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.masked})"

    __str__ = __repr__


class Phone(_Address):
    """A telephone number in E.164: plus sign, country code, number."""

    type: Literal["phone"] = "phone"
    e164: str

    @field_validator("e164")
    @classmethod
    def _is_e164(cls, value: str) -> str:
        if not _E164.fullmatch(value):
            raise ValueError("not an E.164 number; write a plus sign, the country code and the number: +14155550123")
        return value

    @property
    def key(self) -> str:
        return self.e164


class EmailAddress(_Address):
    """An e-mail address; the display name never takes part in comparison."""

    type: Literal["email"] = "email"
    email: str
    name: str | None = None

    @field_validator("email")
    @classmethod
    def _is_email(cls, value: str) -> str:
        if not _EMAIL.fullmatch(value):
            raise ValueError("not an e-mail address; write local@domain")
        return value

    @field_validator("name")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        if value is not None and any(ord(c) < 32 or c in "\x7f\x85\u2028\u2029" for c in value):
            raise ValueError("the display name has a line break or control character; write it on one line")
        return value

    @property
    def key(self) -> str:
        local, _, domain = self.email.rpartition("@")
        return f"{local}@{domain.lower()}"

    @property
    def masked(self) -> str:
        return mask_email(self.email)


class _Opaque(_Address):
    """An address that is one opaque identifier of some platform."""

    _field: ClassVar[str]

    @property
    def key(self) -> str:
        return str(getattr(self, self._field))


_Identifier = Annotated[str, Field(min_length=1, max_length=4096)]


class PushToken(_Opaque):
    """A device token of a push service; `platform` is what the app reported when it registered."""

    type: Literal["push"] = "push"
    _field: ClassVar[str] = "token"
    token: _Identifier
    platform: Literal["android", "ios", "web", "harmony"] | None = None
    app: str | None = None


class WebPushSubscription(_Opaque):
    """A browser's push subscription."""

    type: Literal["webpush"] = "webpush"
    _field: ClassVar[str] = "endpoint"
    endpoint: _Identifier
    p256dh: str
    auth: str


class WecomUser(_Opaque):
    """A member of a WeCom company, by userid."""

    type: Literal["wecom_user"] = "wecom_user"
    _field: ClassVar[str] = "userid"
    userid: _Identifier


class WecomExternal(_Opaque):
    """A customer of a WeCom company, by external userid, and the member who writes."""

    type: Literal["wecom_external"] = "wecom_external"
    _field: ClassVar[str] = "external_userid"
    external_userid: _Identifier
    sender: str | None = None


class InboxId(_Opaque):
    """A user's inbox inside the app, by the app's own user id."""

    type: Literal["inbox"] = "inbox"
    _field: ClassVar[str] = "user"
    user: _Identifier


class OfficialAccountUser(_Opaque):
    """A follower of an official account, by openid."""

    type: Literal["oa_user"] = "oa_user"
    _field: ClassVar[str] = "openid"
    openid: _Identifier


class Conversation(_Opaque):
    """A group chat behind a robot or a group webhook; the account holds its secret, this names it."""

    type: Literal["conversation"] = "conversation"
    _field: ClassVar[str] = "name"
    name: _Identifier = "default"


class Worker(_Opaque):
    """A queue of people who work through tasks by hand."""

    type: Literal["worker"] = "worker"
    _field: ClassVar[str] = "queue"
    queue: _Identifier = "default"


class Endpoint(_Opaque):
    """An HTTP address that takes a webhook."""

    type: Literal["endpoint"] = "endpoint"
    _field: ClassVar[str] = "url"
    url: _Identifier

    @field_validator("url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("an endpoint starts with https:// (or http:// in tests)")
        return value


class AudienceMember(_Opaque):
    """A person in an audience for advertising platforms, by any identifier; exported hashed only."""

    type: Literal["audience"] = "audience"
    _field: ClassVar[str] = "identifier"
    identifier: _Identifier
    kind: Literal["phone", "email", "device"] = "phone"


Address = Annotated[
    Phone
    | EmailAddress
    | PushToken
    | WebPushSubscription
    | WecomUser
    | WecomExternal
    | InboxId
    | OfficialAccountUser
    | Conversation
    | Worker
    | Endpoint
    | AudienceMember,
    Discriminator("type"),
]
