"""Audience export: people as hashed rows of files for advertising platforms, one file an audience; nothing leaves by itself.

Source: the platforms' own pages on customer files, see `audience_hash`.
Quirk: sharing data with a platform is a purpose of its own: without a recorded consent for `audience` nobody is written.
Quirk: a platform keeps who is no longer in the file, so removals are listed in a file of their own.
Quirk: taking somebody out needs no consent; send it as `service`, since marketing to who opted out is stopped before.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recallgate import (
    AdapterConfig,
    AudienceMember,
    Capabilities,
    Driver,
    ErrorKind,
    Message,
    Payload,
    Receipt,
    SendError,
    Tools,
    channels,
)
from recallgate_adapters._shared import unsupported
from recallgate_adapters.audience_book import Book, FileBook, Format
from recallgate_adapters.audience_hash import COLUMNS, Platform, hashed

ERRORS = {
    "consent.missing": ErrorKind.UNSUPPORTED,
    "consent.withdrawn": ErrorKind.UNSUPPORTED,
    "consent.unknown": ErrorKind.UNSUPPORTED,
    "identifier": ErrorKind.INVALID_RECIPIENT,
}
_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"

Consented = Callable[[Message], Awaitable[str | None]]
"""Asks the ledger: None for a recorded consent that stands, else the code of the refusal."""


class AudienceConfig(AdapterConfig):
    """Where the files are written and for which platform; `folder` should be readable by nobody else."""

    folder: str = Field(min_length=1)
    platform: Platform = "google"
    format: Format = "csv"


class AudiencePayload(BaseModel):
    """The content of a message: which audience, and whether the person comes or goes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    audience: str = Field(pattern=f"^{_NAME}$")
    action: Literal["add", "remove"] = "add"


class AudienceExport(Driver):
    """Writes members of audiences, hashed. `consented` is handed in; without it everybody is refused.

    `open_book` opens the file of an audience and can be replaced.
    """

    vendor, channel, product = "audience", channels.AUDIENCE, "export"
    Config = AudienceConfig
    errors = ERRORS
    capabilities = Capabilities()
    config: AudienceConfig

    def __init__(self, config: AudienceConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.consented: Consented | None = None
        self.open_book: Callable[[str], Awaitable[Book]] = self._file
        self._books: dict[str, Book] = {}
        self._turn = asyncio.Lock()

    async def send(self, message: Message) -> Receipt:
        """Add a person to an audience, or take them out of it; a write that failed leaves it open (UNCERTAIN)."""
        self.options(message)
        wanted, row = self._row(message)
        async with self._turn:
            try:
                book = self._books.get(wanted.audience) or await self.open_book(wanted.audience)
                self._books[wanted.audience] = book
                if wanted.action == "add":
                    await self._ask(message)
            except OSError as exc:
                self._drop(wanted.audience)
                raise SendError(ErrorKind.UNAVAILABLE, "folder", f"the file cannot be used ({type(exc).__name__})") from None
            try:
                await (book.add if wanted.action == "add" else book.remove)(row, ref=message.id)
            except OSError as exc:
                self._drop(wanted.audience)
                raise SendError(ErrorKind.UNCERTAIN, "folder", f"the row may be written or not ({type(exc).__name__})") from None
            except BaseException:
                self._drop(wanted.audience)
                raise
        return Receipt(message_id=message.id, vendor_id=message.id, note=f"{wanted.action} {wanted.audience}")

    async def forget(self, members: Sequence[AudienceMember]) -> int:
        """Take people out of every audience of this account; answers how many rows went."""
        rows = [row for member in members if (row := self._known_as(member)) is not None]
        gone = 0
        async with self._turn:
            names = await asyncio.to_thread(_audiences, Path(self.config.folder), f".{self.config.format}")
            for name in sorted({*names, *self._books}):
                book = self._books.get(name) or await self.open_book(name)
                self._books[name] = book
                gone += await book.forget(rows)
        return gone

    async def close(self) -> None:
        for name in list(self._books):
            self._drop(name)

    def _row(self, message: Message) -> tuple[AudiencePayload, Mapping[str, str]]:
        if not isinstance(message.content, Payload):
            raise unsupported(message, "audience.export", 'a payload {"audience": NAME}')
        if not isinstance(message.to, AudienceMember):
            raise SendError(ErrorKind.UNSUPPORTED, "address", f"to: a member of an audience is needed, not {message.to.type}")
        try:
            wanted = AudiencePayload.model_validate(dict(message.content.data))
        except ValidationError as exc:
            fault = exc.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in fault["loc"])
            raise SendError(ErrorKind.UNSUPPORTED, "content", f"content.data.{where}: {fault['msg']}") from None
        return wanted, self._hashed(message.to)

    def _hashed(self, member: AudienceMember) -> Mapping[str, str]:
        names = COLUMNS[self.config.platform]
        value = hashed(member.identifier, member.kind, self.config.platform)
        return {name: value if kind == member.kind else "" for kind, name in names.items()}

    def _known_as(self, member: AudienceMember) -> Mapping[str, str] | None:
        """The row of somebody; None for what is no such identifier, which is in no file."""
        try:
            return self._hashed(member)
        except SendError:
            return None

    async def _ask(self, message: Message) -> None:
        """Raise unless a consent for this channel is recorded and stands."""
        refused = await self.consented(message) if self.consented is not None else "consent.unknown"
        if refused is None:
            return
        words = {
            "consent.missing": "no consent for channel audience is recorded; see gateway.consent(channel='audience', …)",
            "consent.withdrawn": "the person has withdrawn the consent, or opted out",
            "consent.unknown": "no ledger of consents is at hand, so that nobody is exported; use it through a gateway",
        }
        raise SendError(ERRORS.get(refused, ErrorKind.UNKNOWN), refused, words.get(refused, "there is no consent"))

    async def _file(self, audience: str) -> Book:
        config = self.config
        columns = tuple(COLUMNS[config.platform].values())
        return await asyncio.to_thread(FileBook, Path(config.folder), audience, columns, config.format)

    def _drop(self, audience: str) -> None:
        book: Any = self._books.pop(audience, None)
        if book is not None:
            book.close()


def _audiences(folder: Path, suffix: str) -> list[str]:
    """The names of the audiences that have a file; lists of removals have a dot in theirs."""
    names = (path.name.removesuffix(suffix) for path in folder.glob(f"*{suffix}"))
    return sorted(name for name in names if re.fullmatch(_NAME, name))
