"""What ended long ago goes, archived first; what decisions and reviews still need stays."""

import asyncio
import gzip
import hashlib
import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.ground import DAY, NUMBER, Ground, ground, live, marketing, of
from recallgate import ConfigError, Event, EventType, Gateway, GatewayConfig, Origin
from recallgate.delivery.retention import Archive
from recallgate.model.clock import to_ms
from recallgate.model.custody import RetentionSettings
from recallgate.store import retention

KEPT = {"retention": RetentionSettings(days=60)}
RUN = (
    "insert into rg_run (tenant, campaign, person, run, version, holdout, position, state, ended, ended_at, started_at, data)"
    " values ('default', :campaign, :person, 1, '1', :holdout, 0, :state, :ended, :at, :at, '{}')"
)


def archived(path: Path) -> list[dict[str, Any]]:
    """The lines of an archive."""
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().splitlines()]


def all_archived(folder: Path) -> list[dict[str, Any]]:
    return [line for path in folder.glob("*.gz") for line in archived(path)]


async def past(here: Ground, days: int, **fields: Any) -> str:
    """A message that was delivered so many days ago, with its rows; answers its id."""
    message = of("service", **fields)
    await here.gateway.send(message)
    await here.gateway.apply([Event(EventType.DELIVERED, message_id=message.id)], account="a")
    at = to_ms(here.clock.now() - days * DAY)
    await here.rows_changed("update rg_message set updated_at = :at where id = :id", at=at, id=message.id)
    return message.id


async def ids(here: Ground) -> set[str]:
    return {identity for (identity,) in await here.rows("select id from rg_message")}


@live
async def test_final_messages_go_after_their_time_with_all_their_rows() -> None:
    async with ground(**KEPT) as here:
        old, young = await past(here, 61), await past(here, 59)

        trial = await here.gateway.retain(dry_run=True)
        assert trial.rows["rg_message"] == 1
        assert await ids(here) == {old, young}
        done = await here.gateway.retain()

        assert trial.rows == done.rows == Counter(rg_message=1, rg_attempt=1, rg_decision=1, rg_event=1)
        assert await ids(here) == {young}
        assert (await here.gateway.audit()).differences == []
        assert (await here.gateway.retain()).rows.total() == 0


@pytest.mark.parametrize("state", ["queued", "held", "sending", "uncertain"])
@live
async def test_what_is_not_over_never_goes(state: str) -> None:
    async with ground(**KEPT) as here:
        old = await past(here, 400)
        await here.rows_changed("update rg_message set state = :state, settle_at = 1 where id = :id", state=state, id=old)

        assert (await here.gateway.retain()).rows["rg_message"] == 0


@live
async def test_a_campaign_stays_whole_until_its_last_run_is_over_for_long() -> None:
    async with ground(**KEPT) as here:
        await past(here, 200, origin=Origin(campaign="going", run=1), person="ann")
        await past(here, 200, origin=Origin(campaign="over", run=1), person="bo")
        at = to_ms(here.clock.now())
        for campaign, person, state, days in (("going", "ann", "active", 200), ("over", "bo", "ended", 190)):
            await here.rows_changed(
                RUN, campaign=campaign, person=person, holdout=0, state=state, ended="completed", at=at - days * 86_400_000
            )

        done = await here.gateway.retain()

        assert done.kept_campaigns == ["going"]
        assert await here.rows("select campaign from rg_message") == [("going",)]
        assert len(await here.rows("select 1 from rg_run")) == 2


@live
async def test_plays_without_effect_are_counted_as_long_as_they_are_looked_back_on() -> None:
    async with ground(**KEPT) as here:  # hopeless pruning looks back half a year
        await past(here, 100, origin=Origin(campaign="over", run=1), person="bo")

        assert (await here.gateway.retain()).rows["rg_message"] == 0


@live
async def test_a_held_out_person_goes_with_their_campaign_and_not_before() -> None:
    async with ground(**KEPT) as here:
        held_out = await past(here, 200, origin=Origin(campaign="going", run=1), person="cy")
        await here.rows_changed(
            "update rg_message set state = 'suppressed', reason = 'holdout.play', planned_at = 1 where id = :id", id=held_out
        )
        fresh = await past(here, 1, origin=Origin(campaign="going", run=1), person="ann")

        await here.gateway.retain()

        assert await ids(here) == {held_out, fresh}


@live
async def test_caps_suppressions_and_refusals_outlive_their_message() -> None:
    async with ground(**KEPT) as here:
        message = marketing(person="ann")
        await here.gateway.send(message)
        await here.gateway.apply([Event(EventType.REFUSED, message_id=message.id)], account="a")
        await here.gateway.suppress(address=NUMBER, reason="opt_out")
        await here.rows_changed("update rg_message set updated_at = 1")

        await here.gateway.retain()

        assert await ids(here) == set()
        assert await here.rows("select distinct state from rg_cap_entry") == [("counted",)]
        assert (f"a:{NUMBER}", "*", "opt_out") in await here.suppressions()
        assert await here.rows("select person, message_id from rg_event where type = 'refused'") == [("ann", None)]
        assert (await here.gateway.audit()).differences == []

        here.clock.advance(400 * DAY)
        done = await here.gateway.retain()
        assert done.rows["rg_cap_entry"] == 2


@live
async def test_news_of_nothing_and_unreadable_callbacks_go_too() -> None:
    async with ground(**KEPT) as here:
        await here.gateway.apply([Event(EventType.DELIVERED, vendor_id="nobody's")], account="a")
        await here.rows_changed(
            "insert into rg_callback (tenant, account, received_at, method, url, headers, body, error)"
            " values ('default', 'a', 1, 'POST', 'u', '{}', '\\x00', 'e')"
        )
        here.clock.advance(61 * DAY)

        assert (await here.gateway.retain()).rows == Counter(rg_event=1, rg_callback=1)


@live
async def test_pages_are_small_transactions_and_everything_is_in_the_archive(tmp_path: Path) -> None:
    settings = RetentionSettings(days=60, archive=str(tmp_path), page=2)
    async with ground(retention=settings) as here:
        gone = {await past(here, 90, to=f"+1415555{n:04}") for n in range(5)}

        done = await here.gateway.retain()

        assert done.archive is not None
        assert done.manifest is not None
        lines = archived(done.archive)
        told = json.loads(done.manifest.read_bytes())
        assert {one["row"]["id"] for one in lines if one["table"] == "rg_message"} == gone
        assert Counter(one["table"] for one in lines) == told["rows"] == done.rows
        assert told["sha256"] == hashlib.sha256(done.archive.read_bytes()).hexdigest()
        assert await ids(here) == set()


@live
async def test_a_page_whose_transaction_failed_is_archived_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = RetentionSettings(days=60, archive=str(tmp_path), page=2)
    async with ground(retention=settings) as here:
        all_ = {await past(here, 90, to=f"+1415555{n:04}") for n in range(4)}
        real, calls = retention.delete, []

        def breaks(*args: Any) -> Any:
            calls.append(args)
            if len(calls) == 2:
                raise RuntimeError("power cut")
            return real(*args)

        monkeypatch.setattr(retention, "delete", breaks)
        with pytest.raises(RuntimeError):
            await here.gateway.retain()
        left = await ids(here)
        here.clock.advance(timedelta(seconds=1))
        done = await here.gateway.retain()

        assert len(left) == 2
        assert done.archive is not None
        found = [one["row"]["id"] for one in all_archived(tmp_path) if one["table"] == "rg_message"]
        assert set(found) == all_
        assert await ids(here) == set()


def test_a_page_that_is_written_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    archive = Archive(tmp_path, 1)
    archive.write({"rg_message": [{"id": "1"}]})
    archive.keep(Counter(rg_message=1))
    archive.write({"rg_message": [{"id": "2"}, {"id": "lost"}]})
    archive.write({"rg_message": [{"id": "2"}]})
    archive.keep(Counter(rg_message=1))
    path, _ = archive.close("default", 1)

    assert path is not None
    assert [one["row"]["id"] for one in archived(path)] == ["1", "2"]


def test_fewer_than_sixty_days_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"retention\.days"):
        GatewayConfig.from_mapping({"retention": {"days": 30}})


@live
async def test_without_settings_nothing_goes() -> None:
    async with ground() as here:
        with pytest.raises(ConfigError, match="retention: it is not set"):
            await here.gateway.retain()


def test_a_missing_archive_folder_is_told_before_anything_goes(tmp_path: Path) -> None:
    settings = GatewayConfig(retention=RetentionSettings(days=60, archive=str(tmp_path / "nowhere")))

    async def run() -> None:
        async with Gateway(config=settings, store="sqlite://") as gateway:
            await gateway.store.run(lambda c: c.execute(text("select 1")))
            await gateway.retain()

    with pytest.raises(ConfigError, match="does not exist; make it first"):
        asyncio.run(run())
