"""Begins worker processes: everything is loaded once, each line on the input forks one that runs the command."""

import asyncio
import os
import signal
import sys
import warnings

from recallgate import Gateway, Message
from recallgate.cli import main
from recallgate.testing.fakes import fake_account


async def warm() -> None:
    """Send one message, so that rules, zones and statements are read before the first fork."""
    async with Gateway(fake_account("sms")) as gateway:
        await gateway.submit([Message.sms("+14155550123", "Hello", purpose="service", country="US", timezone="America/New_York")])
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.3, stop.set)
        await gateway.run(stop)


def begin(arguments: list[str]) -> None:
    """The command, in a process of its own that answers to nobody's input."""
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)
    if "KILL_VERBOSE" not in os.environ:
        os.dup2(0, 2)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.argv = ["recallgate", "worker", *arguments]
    main()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    asyncio.run(warm())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the dead
    for _ in sys.stdin:
        process = os.fork()
        if process == 0:
            begin(sys.argv[1:])
            os._exit(0)
        sys.stdout.write(f"{process}\n")
        sys.stdout.flush()
