"""The vendor's end of a driver's wire, for contracts: scripted stage by stage, with nothing behind it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Peer:
    """The vendor's end of a driver's wire: at a stage it does once what the script says, else what is usual.

    `taken` is what the vendor took, whole; `opened` and `closed` count connections. Where `hangs_at` names a stage, the
    vendor never answers there.
    """

    script: dict[str, Any] = field(default_factory=dict)
    hangs_at: str | None = None
    taken: list[bytes] = field(default_factory=list)
    opened: int = 0
    closed: int = 0

    async def at(self, stage: str, usual: Any) -> Any:
        """What the vendor says at a stage; an exception in the script is raised."""
        if stage == self.hangs_at:
            await asyncio.Event().wait()
        said = self.script.pop(stage, usual)
        if isinstance(said, Exception):
            raise said
        return said

    async def open(self) -> None:
        """A connection is asked for; raises where the script says so."""
        await self.at("connect", None)
        self.opened += 1

    def close(self) -> None:
        self.closed += 1
