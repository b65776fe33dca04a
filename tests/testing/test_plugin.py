"""The plugin in a project of its own: pytest runs in a process of its own, with nothing but the entry point."""

import subprocess
import sys
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import dedent

import pytest

import recallgate.testing
from recallgate import FrozenClock
from recallgate.testing import Outbox
from recallgate.testing.outbox import NOW


def run_pytest(folder: Path, test: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run pytest on one file in an empty project."""
    (folder / "test_it.py").write_text(dedent(test), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_plugin_is_found_by_pytest() -> None:
    (point,) = (point for point in entry_points(group="pytest11") if point.name == "recallgate")

    assert point.value == "recallgate.testing.plugin"


def test_loading_the_plugin_loads_nothing_heavy() -> None:
    script = (
        "import sys, pytest; before = set(sys.modules); import recallgate.testing.plugin; "
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before} "
        "- set(sys.stdlib_module_names)), sorted(name for name in sys.modules if name.startswith('recallgate')))"
    )

    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert told.strip() == "['recallgate'] ['recallgate', 'recallgate.testing', 'recallgate.testing.plugin']"


def test_the_fixtures_work_in_an_empty_project(tmp_path: Path) -> None:
    done = run_pytest(
        tmp_path,
        """
        import asyncio
        from recallgate import Message
        from recallgate.testing import assert_sent

        def test_outbox(recallgate_outbox, recallgate_clock):
            asyncio.run(recallgate_outbox.gateway.send(Message.sms("+14155550123", "Code 4821", purpose="otp")))
            assert assert_sent(recallgate_outbox, containing="4821").to.e164 == "+14155550123"
            assert recallgate_outbox.gateway.clock is recallgate_clock

        def test_http(recallgate_http):
            import httpx
            recallgate_http.get("https://vendor.example/").respond(204)
            assert httpx.get("https://vendor.example/").status_code == 204
        """,
    )

    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_a_project_without_respx_is_not_broken(tmp_path: Path) -> None:
    done = run_pytest(
        tmp_path,
        """
        import sys
        sys.modules["respx"] = None

        def test_of_its_own(): pass
        def test_outbox(recallgate_outbox): pass
        def test_http(recallgate_http): pass
        """,
        "-p",
        "no:respx",
    )

    assert "2 passed, 1 error" in done.stdout, done.stdout + done.stderr
    assert "pip install 'recallgate[testing]'" in done.stdout


def test_a_failing_test_shows_which_request_had_no_mock(tmp_path: Path) -> None:
    done = run_pytest(
        tmp_path,
        """
        import httpx

        def test_it(recallgate_http):
            try:
                httpx.get("https://vendor.example/secret?token=abc")
            except AssertionError:
                pass
            assert False
        """,
    )

    assert "not mocked: GET vendor.example" in done.stdout


def test_a_project_may_bring_its_own_config(tmp_path: Path) -> None:
    done = run_pytest(
        tmp_path,
        """
        import pytest
        from recallgate import GatewayConfig

        @pytest.fixture
        def recallgate_config():
            return GatewayConfig(tenant="shop")

        def test_it(recallgate_outbox):
            assert recallgate_outbox.gateway.config.tenant == "shop"
        """,
    )

    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_a_failing_assertion_of_a_kit_shows_its_values(tmp_path: Path) -> None:
    done = run_pytest(
        tmp_path,
        """
        from recallgate.store.engine import Store
        from recallgate.testing import StoreContract

        class TestMine(StoreContract):
            def make_store(self, folder):
                return Store("sqlite://")

            def do(self, work):
                found = super().do(work)
                return 41 if found is None else found
        """,
        "-k",
        "next_due",
    )

    assert "assert 41 is None" in done.stdout, done.stdout + done.stderr


def test_every_module_with_cases_is_registered_for_rewriting() -> None:
    folder = Path(recallgate.testing.__file__).parent
    modules = {f"recallgate.testing.{path.stem}" for path in folder.glob("*.py") if path.stem.startswith(("kit", "store_"))}
    plugin = (folder / "plugin.py").read_text(encoding="utf-8")

    assert modules
    assert not [module for module in modules if f'"{module}"' not in plugin]


def test_every_public_name_is_there() -> None:
    assert [name for name in recallgate.testing.__all__ if not hasattr(recallgate.testing, name)] == []
    with pytest.raises(AttributeError, match="no_such_name"):
        recallgate.testing.no_such_name  # noqa: B018 - the access is the test


def test_the_clock_stands_still_until_it_is_told(recallgate_clock: FrozenClock) -> None:
    assert recallgate_clock.now() == recallgate_clock.now() == NOW
    assert recallgate_clock.advance(timedelta(hours=1)) == NOW + timedelta(hours=1)


def test_the_outbox_runs_by_the_clock_fixture(recallgate_outbox: Outbox, recallgate_clock: FrozenClock) -> None:
    assert recallgate_outbox.gateway.clock is recallgate_clock
