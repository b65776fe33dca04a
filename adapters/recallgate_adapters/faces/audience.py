"""An advertising platform's half of audiences: rows of hashes in memory in the place of files, so that nothing is written.

Source: the platforms' own pages on customer files, see `audience_hash`: a row has one value, and it is a hash or a device's id.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from recallgate import Fault, IdSource, Taken, VendorFace, WorldEvent

_HASH = re.compile(r"[0-9a-f]{64}")
_DEVICES = ("Mobile Device ID", "madid", "maid")


class AudienceExportFace(VendorFace):
    """`members` are the rows of each audience by name. A row that is no hash is not taken, as a platform would match nobody."""

    adapter = "audience.export"

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.members: dict[str, dict[str, None]] = {}

    def submit(self, content: bytes, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> tuple[bool, Taken | None]:
        """Whether the row is written."""
        told = json.loads(content)
        value = next((text for text in told["row"].values() if text), "")
        column = next((name for name, text in told["row"].items() if text), "")
        if fault is not None or not (_HASH.fullmatch(value) or (column in _DEVICES and value)):
            return False, None
        rows = self.members.setdefault(told["audience"], {})
        if told["action"] == "add":
            rows[value] = None
        else:
            rows.pop(value, None)
        return True, Taken(told["ref"], value, "audience", f"{told['action']} {told['audience']}")

    def attach(self, driver: Any, submit: Callable[[bytes], bool | None]) -> None:
        async def opened(audience: str) -> _Page:
            return _Page(self, audience, submit)

        driver.open_book = opened

    def deliveries(self, happening: WorldEvent | str, taken: Taken) -> Sequence[bytes]:
        return ()

    async def deliver(self, body: bytes) -> None:
        return None


class _Page:
    """One audience, as the driver writes it."""

    def __init__(self, face: AudienceExportFace, audience: str, submit: Callable[[bytes], bool | None]) -> None:
        self._face, self._audience, self._submit = face, audience, submit

    async def add(self, row: Mapping[str, str], *, ref: str) -> None:
        self._ask("add", row, ref)

    async def remove(self, row: Mapping[str, str], *, ref: str) -> None:
        self._ask("remove", row, ref)

    async def forget(self, rows: Sequence[Mapping[str, str]]) -> int:
        members = self._face.members.get(self._audience, {})
        gone = {value for row in rows for value in row.values() if value in members}
        for value in gone:
            del members[value]
        return len(gone)

    def close(self) -> None:
        return None

    def _ask(self, action: str, row: Mapping[str, str], ref: str) -> None:
        told = {"audience": self._audience, "action": action, "row": dict(row), "ref": ref}
        if not self._submit(json.dumps(told, sort_keys=True).encode()):
            raise OSError("the platform's answer did not come")
