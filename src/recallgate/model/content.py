"""Content: what a message says, one model a form. Reprs name the form and the size, never the words."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, field_validator, model_validator


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    type: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    __str__ = __repr__


def _no_control(value: str | None) -> str | None:
    if value is not None and any(c in value for c in "\r\n\v\f\x00\x85\u2028\u2029"):
        raise ValueError("has a line break or control character; write it on one line")
    return value


class Text(_Content):
    """A plain text, as for sms."""

    type: Literal["text"] = "text"
    text: str = Field(min_length=1, max_length=20_000)


class Template(_Content):
    """A template registered at a vendor: our name for it, ordered variables, and the text it renders to.

    `preview` is what content rules, segments and cost are computed on; without it they are skipped and said so.
    """

    type: Literal["template"] = "template"
    template: str = Field(min_length=1)
    variables: Mapping[str, str] = Field(default_factory=dict)
    preview: str | None = None


class Attachment(_Content):
    """A file of an e-mail, base64 in `data`."""

    type: Literal["attachment"] = "attachment"
    filename: str
    media_type: str = "application/octet-stream"
    data: str

    _one_line = field_validator("filename", "media_type")(_no_control)


class Email(_Content):
    """An e-mail: at least one of text and html."""

    type: Literal["email"] = "email"
    subject: str = Field(min_length=1, max_length=998)
    text: str | None = None
    html: str | None = None
    preheader: str | None = None
    reply_to: str | None = None
    headers: Mapping[str, str] = Field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()

    _one_line = field_validator("subject", "reply_to")(_no_control)

    @field_validator("headers")
    @classmethod
    def _headers_one_line(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name, text in value.items():
            _no_control(name)
            _no_control(text)
        return value

    @model_validator(mode="after")
    def _has_a_body(self) -> "Email":
        if self.text is None and self.html is None:
            raise ValueError("an email needs text, html or both")
        return self


class Push(_Content):
    """A push notification; `link` opens on tap, `data` goes to the app, a newer `collapse_key` replaces an older."""

    type: Literal["push"] = "push"
    title: str = Field(min_length=1)
    body: str = Field(min_length=1)
    image: str | None = None
    link: str | None = None
    data: Mapping[str, str] = Field(default_factory=dict)
    collapse_key: str | None = None
    badge: int | None = Field(default=None, ge=0)
    sound: str | None = None
    category: str | None = None
    urgency: Literal["normal", "high"] = "high"


class Say(_Content):
    """Words spoken by the machine; `language` is a BCP 47 tag such as en-US."""

    type: Literal["say"] = "say"
    text: str = Field(min_length=1)
    language: str = "en-US"
    voice: str | None = None


class Play(_Content):
    """A recording played into the call."""

    type: Literal["play"] = "play"
    url: str


class Pause(_Content):
    """Silence, in whole seconds."""

    type: Literal["pause"] = "pause"
    seconds: int = Field(default=1, ge=1, le=60)


Utterance = Annotated[Say | Play | Pause, Discriminator("type")]


class KeyAnswer(_Content):
    """What follows a pressed key: words, then hang-up or the menu again; `action` is what the key means to us."""

    type: Literal["key"] = "key"
    say: tuple[Utterance, ...] = ()
    action: Literal["confirm", "opt_out", "repeat", "callback", "none"] = "none"


class CallScript(_Content):
    """An outbound call: what is said, which keys are understood, what a machine that picks up gets to hear."""

    type: Literal["call"] = "call"
    say: tuple[Utterance, ...] = Field(min_length=1)
    keys: Mapping[str, KeyAnswer] = Field(default_factory=dict)
    key_wait_s: int = Field(default=5, ge=1, le=60)
    on_machine: Literal["ignore", "hangup", "speak"] = "ignore"
    ring_s: int = Field(default=30, ge=5, le=600)

    @field_validator("keys")
    @classmethod
    def _single_keys(cls, value: Mapping[str, KeyAnswer]) -> Mapping[str, KeyAnswer]:
        for key in value:
            if len(key) != 1 or key not in "0123456789*#":
                raise ValueError("keys: each key is one of 0-9, * and #")
        return value


class Card(_Content):
    """A titled card with one destination, as in WeCom or robots."""

    type: Literal["card"] = "card"
    title: str = Field(min_length=1)
    description: str = ""
    url: str
    button: str | None = None
    image: str | None = None


class News(_Content):
    """A list of cards."""

    type: Literal["news"] = "news"
    articles: tuple[Card, ...] = Field(min_length=1, max_length=8)


class Markdown(_Content):
    """Markdown in the dialect of the vendor; `title` is what a list view shows."""

    type: Literal["markdown"] = "markdown"
    text: str = Field(min_length=1)
    title: str | None = None


class Media(_Content):
    """A picture, sound, film or file: by vendor media id, by URL, or base64 in `data` (uploaded where needed)."""

    type: Literal["media"] = "media"
    kind: Literal["image", "voice", "video", "file"]
    media_id: str | None = None
    url: str | None = None
    data: str | None = None
    filename: str | None = None
    title: str | None = None
    description: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "Media":
        if sum(source is not None for source in (self.media_id, self.url, self.data)) != 1:
            raise ValueError("media needs exactly one of media_id, url and data")
        return self


class MiniProgram(_Content):
    """A notice that opens a mini program."""

    type: Literal["miniprogram"] = "miniprogram"
    appid: str
    page: str | None = None
    title: str
    description: str | None = None
    items: tuple[tuple[str, str], ...] = ()
    emphasis_first_item: bool = False


class InappAction(_Content):
    """A button of an in-app message."""

    type: Literal["action"] = "action"
    id: str
    label: str
    url: str | None = None
    dismisses: bool = False


class Inapp(_Content):
    """A message shown inside the app at the next visit."""

    type: Literal["inapp"] = "inapp"
    placement: Literal["inbox", "banner", "modal", "toast", "card"] = "inbox"
    title: str = ""
    body: str = Field(min_length=1)
    image: str | None = None
    link: str | None = None
    actions: tuple[InappAction, ...] = ()
    data: Mapping[str, str] = Field(default_factory=dict)
    collapse_key: str | None = None
    max_impressions: int | None = Field(default=None, ge=1)


class Task(_Content):
    """Work for a human: who to call or write to, why, and what to say."""

    type: Literal["task"] = "task"
    title: str
    notes: str = ""
    script: str = ""
    phone: str | None = None
    vip: bool = False


class Payload(_Content):
    """A JSON document passed on as it is: webhooks, vendor cards."""

    type: Literal["payload"] = "payload"
    data: Mapping[str, Any]


Content = Annotated[
    Text | Template | Email | Push | CallScript | Card | News | Markdown | Media | MiniProgram | Inapp | Task | Payload,
    Discriminator("type"),
]
