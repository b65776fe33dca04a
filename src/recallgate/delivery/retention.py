"""Retention: messages that ended long ago are archived and deleted, a page a transaction."""

import base64
import gzip
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from recallgate.model.clock import to_ms
from recallgate.model.custody import RetentionSettings
from recallgate.model.errors import ConfigError
from recallgate.policies.chain import Chain
from recallgate.policies.combine import parts_of
from recallgate.policies.pruning import HopelessPruning
from recallgate.store import retention
from recallgate.store.engine import Store
from recallgate.store.facts import CAP_HORIZON_MS
from recallgate.store.retention import Rows

_DAY_MS = 86_400_000


@dataclass
class RetentionReport:
    """What went (or, in a dry run, would go): rows by table. `archive` and `manifest` are the files that were written."""

    rows: Counter[str] = field(default_factory=Counter)
    kept_campaigns: list[str] = field(default_factory=list)
    archive: Path | None = None
    manifest: Path | None = None
    dry_run: bool = False


class Retention:
    """Lets go of what settings allow, and never of what a policy or a review still needs."""

    def __init__(
        self, store: Store, now: Callable[[], datetime], *, tenant: str, settings: RetentionSettings, chain: Chain
    ) -> None:
        self._store, self._now, self._tenant, self._settings = store, now, tenant, settings
        parts = [part for one in chain.policies for part in parts_of(one)]
        # plays that brought nobody back are counted by their messages: those of campaigns stay as long as that looks back
        pruned = max((part.window for part in parts if isinstance(part, HopelessPruning)), default=timedelta(0))
        self._campaign_days = max(settings.days, pruned.days)
        self._cap_ms = max(CAP_HORIZON_MS, chain.longest // timedelta(milliseconds=1), settings.days * _DAY_MS)

    async def run(self, *, dry_run: bool = False) -> RetentionReport:
        """Archive and delete; a second run finds nothing more. A run that was cut short is finished by the next."""
        now = to_ms(self._now())
        before = now - self._settings.days * _DAY_MS
        campaigns_before = now - self._campaign_days * _DAY_MS
        report = RetentionReport(dry_run=dry_run)
        report.kept_campaigns = await self._store.run(
            lambda c: retention.open_campaigns(c, self._tenant, before=campaigns_before)
        )
        archive = None if dry_run or self._settings.archive is None else Archive(Path(self._settings.archive), now)
        after = ""
        while True:

            def page(connection: Connection, after: str = after) -> tuple[Counter[str], list[str]]:
                ids = retention.ended(
                    connection,
                    self._tenant,
                    before=before,
                    campaigns_before=campaigns_before,
                    kept=report.kept_campaigns,
                    after=after,
                    most=self._settings.page,
                )
                rows = retention.read(connection, self._tenant, ids) if ids and (dry_run or archive is not None) else {}
                if archive is not None and ids:
                    archive.write(rows)
                if dry_run:
                    return _sizes(rows), ids
                return Counter(retention.delete(connection, self._tenant, ids)) if ids else Counter(), ids

            gone, ids = await self._store.run(page)
            report.rows += gone
            if archive is not None:
                archive.keep(gone)
            if not ids:
                break
            after = ids[-1]
        await self._loose(report, archive, before)
        if not dry_run:
            await self._caps(report, now - self._cap_ms)
        if archive is not None:
            report.archive, report.manifest = archive.close(self._tenant, before)
        return report

    async def _loose(self, report: RetentionReport, archive: "Archive | None", before: int) -> None:
        while True:

            def page(connection: Connection) -> Counter[str]:
                rows = retention.loose(connection, self._tenant, before=before, most=self._settings.page)
                if report.dry_run:
                    return _sizes(rows)
                if archive is not None and any(rows.values()):
                    archive.write(rows)
                return Counter(retention.delete_loose(connection, rows))

            gone = +await self._store.run(page)
            report.rows += gone
            if archive is not None:
                archive.keep(gone)
            if not gone or report.dry_run:
                return

    async def _caps(self, report: RetentionReport, before: int) -> None:
        size = self._settings.page * 4
        while gone := await self._store.run(lambda c: retention.delete_caps(c, self._tenant, before=before, most=size)):
            report.rows["rg_cap_entry"] += gone


class Archive:
    """A file of JSON lines, one gzip member a page, so that what a crash leaves can be read as far as it goes.

    A page is on disk before its rows are deleted; one whose transaction failed is overwritten by the next.
    """

    def __init__(self, folder: Path, now: int) -> None:
        if not folder.is_dir():
            raise ConfigError(f"retention.archive: the folder {folder} does not exist; make it first")
        self.path = folder / f"recallgate-{now}.jsonl.gz"
        self._file = self.path.open("xb")
        self._end = 0
        self._rows: Counter[str] = Counter()

    def write(self, rows: Rows) -> None:
        """Write a page at the end of what is kept."""
        lines = "".join(
            json.dumps({"table": table, "row": row}, ensure_ascii=False, default=_plain) + "\n"
            for table, found in rows.items()
            for row in found
        )
        self._file.seek(self._end)
        self._file.truncate()
        self._file.write(gzip.compress(lines.encode(), mtime=0))
        self._file.flush()
        os.fsync(self._file.fileno())

    def keep(self, rows: Counter[str]) -> None:
        """The page's rows are deleted: what was written stays."""
        self._end = self._file.seek(0, os.SEEK_END)
        self._rows += rows

    def close(self, tenant: str, before: int) -> tuple[Path | None, Path | None]:
        """Finish with a manifest; without any row no file is left."""
        self._file.close()
        if not self._end:
            self.path.unlink()
            return None, None
        manifest = self.path.with_name(self.path.name.replace(".jsonl.gz", ".manifest.json"))
        told = {
            "file": self.path.name,
            "sha256": hashlib.sha256(self.path.read_bytes()).hexdigest(),
            "tenant": tenant,
            "changed_before_ms": before,
            "rows": dict(sorted(self._rows.items())),
        }
        manifest.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        return self.path, manifest


def _sizes(rows: Rows) -> Counter[str]:
    return Counter({table: len(found) for table, found in rows.items() if found})


def _plain(value: Any) -> str:
    if isinstance(value, (bytes, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    raise TypeError(f"a {type(value).__name__} cannot be archived")
