"""The message: one content to one address, for one purpose."""

from collections.abc import Mapping
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from recallgate.model.address import Address, EmailAddress, InboxId, Phone, PushToken, WecomUser
from recallgate.model.channels import BUILT_IN
from recallgate.model.content import Attachment, CallScript, Card, Content, Email, Inapp, Push, Say, Text, Utterance
from recallgate.model.ids import new_id
from recallgate.model.purpose import Purpose
from recallgate.model.zones import zone


class Origin(BaseModel):
    """Where a message comes from: the campaign's parts that the review counts by."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    campaign: str | None = None
    step: str | None = None
    arm: str | None = None
    offer: str | None = None
    run: int = 0


class Alternative(BaseModel):
    """Another way to say the same to the same person, taken when a policy reroutes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    channel: str
    to: Address
    content: Content


class Message(BaseModel):
    """One content to one address.

    `purpose` is required: rules depend on it. `person` is the app's id of the recipient; without one the address stands
    for the person. `not_before` and `expires_at` are aware instants. `timezone` (IANA name), `country` (ISO 3166-1) and
    `region` (ISO 3166-2, such as US-TX) are what the app knows of the recipient; what is absent is worked out.
    `priority` 0-9, higher leaves first. `alternatives` are tried in order when a policy reroutes. `options` are typed by
    the adapter they are named after. Equal messages with one `idempotency_key` are one message.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: str = Field(default_factory=new_id, min_length=1, max_length=64)
    tenant: str = Field(default="default", min_length=1, max_length=64)
    channel: str = Field(min_length=1, max_length=32)
    to: Address
    content: Content
    purpose: Purpose
    brand: str | None = None
    topic: str | None = None
    person: str | None = Field(default=None, min_length=1, max_length=255)
    sender: str | None = None
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=255)
    not_before: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    locale: str | None = None
    timezone: str | None = None
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    region: str | None = Field(default=None, pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}$")
    priority: int = Field(default=5, ge=0, le=9)
    tags: frozenset[str] = frozenset()
    origin: Origin | None = None
    alternatives: tuple[Alternative, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            zone(value)
        return value

    @model_validator(mode="after")
    def _fits(self) -> "Message":
        ways: tuple[Message | Alternative, ...] = (self, *self.alternatives)
        for one in ways:
            known = BUILT_IN.get(one.channel)
            if known and (fault := known.accepts(one.to.type, one.content.type)):
                raise ValueError(fault)
        if self.not_before and self.expires_at and self.expires_at <= self.not_before:
            raise ValueError("expires_at: it is not after not_before; the message could never leave")
        return self

    @property
    def text(self) -> str:
        """The words of a text content (of a template: its preview); empty where the content has none."""
        content = self.content
        if content.type == "text" or content.type == "markdown":
            return content.text
        if content.type == "template":
            return content.preview or ""
        return ""

    @property
    def unit(self) -> str:
        """The person, or the address where no person is named: what caps, holdouts and suppressions are counted on."""
        return self.person if self.person is not None else self.to.key

    def __repr__(self) -> str:
        return f"Message({self.id}, {self.channel}, {self.purpose}, to={self.to!r})"

    __str__ = __repr__

    @classmethod
    def sms(cls, to: str | Phone, text: str, *, purpose: str, **fields: Any) -> "Message":
        """A text to a phone number in E.164; further fields as in `Message`."""
        return cls(channel="sms", to=_phone(to), content=Text(text=text), purpose=Purpose(purpose), **fields)

    @classmethod
    def voice(cls, to: str | Phone, say: "str | tuple[Utterance, ...] | CallScript", *, purpose: str, **fields: Any) -> "Message":
        """A call that says something: words, utterances, or a whole script with keys."""
        if isinstance(say, str):
            say = (Say(text=say),)
        script = say if isinstance(say, CallScript) else CallScript(say=say)
        return cls(channel="voice", to=_phone(to), content=script, purpose=Purpose(purpose), **fields)

    @classmethod
    def push(cls, to: str | PushToken, title: str, body: str, *, purpose: str, **fields: Any) -> "Message":
        """A push notification to a device token; `link` and `data` among the further fields go to the content."""
        content = Push(title=title, body=body, link=fields.pop("link", None), data=fields.pop("data", {}))
        address = PushToken(token=to) if isinstance(to, str) else to
        return cls(channel="push", to=address, content=content, purpose=Purpose(purpose), **fields)

    @classmethod
    def email(
        cls,
        to: str | EmailAddress,
        subject: str,
        *,
        purpose: str,
        text: str | None = None,
        html: str | None = None,
        attachments: tuple[Attachment, ...] = (),
        **fields: Any,
    ) -> "Message":
        """An e-mail with text, html or both."""
        address = EmailAddress(email=to) if isinstance(to, str) else to
        content = Email(subject=subject, text=text, html=html, attachments=attachments)
        return cls(channel="email", to=address, content=content, purpose=Purpose(purpose), **fields)

    @classmethod
    def wecom(cls, to: str | WecomUser, content: "str | Text | Card", *, purpose: str, **fields: Any) -> "Message":
        """A WeCom message to a member: a text or a card."""
        address = WecomUser(userid=to) if isinstance(to, str) else to
        body = Text(text=content) if isinstance(content, str) else content
        return cls(channel="wecom", to=address, content=body, purpose=Purpose(purpose), **fields)

    @classmethod
    def inapp(cls, to: str | InboxId, body: str, *, purpose: str, title: str = "", **fields: Any) -> "Message":
        """A message for the app's own inbox, shown at the next visit."""
        address = InboxId(user=to) if isinstance(to, str) else to
        content = Inapp(title=title, body=body, link=fields.pop("link", None))
        return cls(channel="inapp", to=address, content=content, purpose=Purpose(purpose), **fields)


def refuse_nul(message: Message) -> None:
    """Raise a ValueError that names the field of a message that has the character NUL."""
    if (field := _with_nul(message.__dict__)) is not None:
        raise ValueError(f"{field}: it has the character NUL, which databases and vendors refuse; take it out")


def _with_nul(values: Mapping[Any, Any]) -> str | None:
    """The name of the first value that has the character NUL, at any depth."""
    for name, value in values.items():
        kind = type(value)
        if kind is str:
            if "\0" in value:
                return str(name)
        elif isinstance(value, BaseModel):
            if (inner := _with_nul(value.__dict__)) is not None:
                return f"{name}.{inner}"
        elif isinstance(value, Mapping):
            if value and (any("\0" in str(key) for key in value) or _with_nul(value) is not None):
                return str(name)
        elif (kind is tuple or kind is frozenset or kind is list) and value and _with_nul(dict(enumerate(value))) is not None:
            return str(name)
    return None


def _phone(to: str | Phone) -> Phone:
    return Phone(e164=to) if isinstance(to, str) else to
