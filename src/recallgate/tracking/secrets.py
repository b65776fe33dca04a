"""Secrets of callback addresses: one per account, given or derived from the gateway's own secret."""

import hashlib
import hmac

from recallgate.config import GatewayConfig
from recallgate.model.chance import Chance


def account_secrets(config: GatewayConfig, chance: Chance) -> dict[str, tuple[str, ...]]:
    """Account name -> secrets that its callbacks may carry, the one for new addresses first.

    Derived by HMAC from `gateway.secret`, so that every process of a deployment agrees; without one they are fresh, and
    callbacks for messages of an earlier process are then refused.
    """
    root = config.secret.get_secret_value() if config.secret is not None else chance.nonce(32)
    found: dict[str, tuple[str, ...]] = {}
    for account in config.accounts:
        derived = hmac.new(root.encode(), f"callback:{account.name}".encode(), hashlib.sha256).hexdigest()[:32]
        own = account.callback_secret.get_secret_value() if account.callback_secret is not None else None
        found[account.name] = (own, derived) if own is not None else (derived,)
    return found
