"""What importing costs: CPU of fresh processes, the least of nine, beside `import httpx, pydantic`.

All modules are compiled before, as they are once a package was used.
Usage: python benchmarks/imports.py [--runs 9]
"""

import argparse
import os
import subprocess
import sys
import tempfile

_BASE = "import httpx, pydantic"
_MESSAGE = "from recallgate import Message, channels"
_SEND = """
import asyncio, warnings
from recallgate import Gateway, Message
warnings.simplefilter("ignore")
async def main():
    async with Gateway("inbox.inapp://default") as gateway:
        delivery = await gateway.send(Message.inapp("u1", "Welcome back", purpose="service"))
        assert delivery.state == "accepted", delivery
asyncio.run(main())
"""


def least(code: str, runs: int, cache: str) -> float:
    """CPU seconds, user and system, of a fresh interpreter that runs `code`; the first run compiles into `cache`."""
    found = []
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(runs + 1):
        process = subprocess.Popen([sys.executable, "-c", code], env={**settings, "PYTHONPYCACHEPREFIX": cache})
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"failed: {code.strip().splitlines()[0]}")
        found.append(usage.ru_utime + usage.ru_stime)
    return min(found[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as cache:
        nothing = least("pass", runs, cache)
        base = least(_BASE, runs, cache)
        for name, code in ((_MESSAGE, _MESSAGE), ("a Gateway and one send", _SEND)):
            spent = least(code, runs, cache)
            print(f"{name:42s} {spent * 1000:6.0f} ms   {spent / base:5.2f} x `{_BASE}`")
    print(f"{_BASE:42s} {base * 1000:6.0f} ms")
    print(f"{'an empty interpreter':42s} {nothing * 1000:6.0f} ms, in all of these")


if __name__ == "__main__":
    main()
