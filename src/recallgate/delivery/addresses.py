"""Where vendors write to: a callback address for each account, with its secret; and what adapters may know of the world."""

import hmac
from urllib.parse import quote, urlencode

from recallgate.adapter import Callback, Tools
from recallgate.config import GatewayConfig
from recallgate.model.chance import Chance
from recallgate.model.clock import Clock, to_ms
from recallgate.model.message import Message
from recallgate.store import events as event_rows
from recallgate.store.engine import Store
from recallgate.tracking.secrets import account_secrets


class CallbackAddresses:
    """The addresses of a gateway's accounts. `secrets` are those by account, the one for new addresses first."""

    def __init__(self, config: GatewayConfig, clock: Clock, chance: Chance) -> None:
        self._config = config
        self._clock = clock
        self._chance = chance
        self.secrets = account_secrets(config, chance)

    def url(self, account: str, message: Message | None = None, kind: str = "status", **extra: str) -> str | None:
        """Where a vendor tells news of a message; None without a public address."""
        if self._config.public_url is None or not self.secrets.get(account):
            return None
        query = urlencode({**({"m": message.id} if message is not None else {}), "k": kind, **extra})
        return f"{self._config.public_url}/callbacks/{quote(account)}/{self.secrets[account][0]}?{query}"

    def check(self, account: str, secret: str) -> bool:
        """Whether an address has the account's secret; the old one counts during rotation."""
        known = self.secrets.get(account, ())
        # every secret is compared, so that the time taken does not tell which one was close
        return sum(hmac.compare_digest(one.encode(), secret.encode()) for one in known) > 0

    def tools(self, account: str) -> Tools:
        """What the account's adapter may know."""

        def url(message: Message | None = None, kind: str = "status", **extra: str) -> str | None:
            return self.url(account, message, kind, **extra)

        return Tools(now=self._clock.now, nonce=self._chance.nonce, callback_url=url)


async def keep_raw(store: Store, callback: Callback, *, tenant: str, account: str, error: str) -> None:
    """Keep a genuine callback that could not be read, as it came."""
    values = {
        "tenant": tenant,
        "account": account,
        "received_at": to_ms(callback.received_at),
        "method": callback.method,
        "url": callback.url,
        "headers": dict(callback.headers),
        "body": callback.body,
        "error": error,
    }
    await store.run(lambda c: event_rows.keep_raw(c, values), small=True)
