"""While the store judges a page the loop stands still: for so long and no longer, and never for good."""

import asyncio
import threading
import time

import pytest

from gateway.ground import live
from recallgate.store import turns
from recallgate.store.engine import Store
from recallgate.store.turns import stand_still


@live
async def test_the_loop_stands_still_for_heavy_work_and_goes_on_after_it() -> None:
    seen: list[str] = []
    loop = asyncio.get_running_loop()

    def work(_: object) -> None:
        loop.call_soon_threadsafe(seen.append, "loop")
        time.sleep(0.05)
        seen.append("work")

    store = Store()
    await store.open()
    await store.run(work, heavy=True)
    await asyncio.sleep(0)
    assert seen == ["work", "loop"]
    seen.clear()
    await store.run(work)
    assert seen == ["loop", "work"]
    await store.close()


@live
async def test_a_fault_of_the_work_lets_the_loop_go_on() -> None:
    store = Store()
    await store.open()

    def work(_: object) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await store.run(work, heavy=True)
    await asyncio.wait_for(asyncio.sleep(0.01), 5)
    await store.close()


@live
async def test_a_loop_that_is_busy_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_PATIENCE_S", 0.01)
    done = threading.Event()

    def elsewhere() -> None:
        with stand_still(loop):
            done.set()

    loop = asyncio.get_running_loop()
    thread = threading.Thread(target=elsewhere)
    thread.start()
    assert done.wait(10)  # this loop does nothing else meanwhile: with a thread that waits for it, neither would go on
    thread.join()
    await asyncio.wait_for(asyncio.sleep(0.01), 5)


@live
async def test_work_that_asks_the_loop_itself_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_LONGEST_S", 0.01)
    loop = asyncio.get_running_loop()

    def work(_: object) -> str:
        return asyncio.run_coroutine_threadsafe(asyncio.sleep(0, "answer"), loop).result(10)

    store = Store()
    await store.open()
    assert await store.run(work, heavy=True) == "answer"
    await store.close()


def test_a_closed_loop_is_no_fault() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    with stand_still(loop):
        pass
