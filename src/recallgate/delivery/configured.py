"""Rules and policies from settings: rows of law changed, the default chain with the policies that the settings name."""

from datetime import date, timedelta

from recallgate.config import GatewayConfig
from recallgate.policies.chain import Chain
from recallgate.policies.default import default_chain
from recallgate.registry import policy
from recallgate.rules.overrides import overridden, warn_of_old_rows
from recallgate.rules.regulations import RuleBook


def rules_of(config: GatewayConfig, today: date) -> RuleBook:
    """The rows of the package with the settings' changes; rows that nobody looked at for long are told in the log."""
    book = overridden(RuleBook.default(), config.rules) if config.rules else RuleBook.default()
    warn_of_old_rows(book, today, age=timedelta(days=config.rules_warn_days))
    return book


def chain_of(config: GatewayConfig, book: RuleBook) -> Chain:
    """The default chain over a book, and the policies of the settings; ConfigError names what cannot be built."""
    if config.policies:  # most gateways name none, and need not import what can be named
        from recallgate.policies.named import policy_of

        extra = [policy_of(name, settings, find=policy) for name, settings in config.policies.items()]
    else:
        extra = []
    return default_chain(extra, book=book, jitter=timedelta(minutes=config.jitter_minutes))
