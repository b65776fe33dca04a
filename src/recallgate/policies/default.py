"""The chain that holds without any configuration."""

from collections.abc import Iterable
from datetime import timedelta

from recallgate.policies.chain import JITTER, Chain
from recallgate.policies.consent import ConsentPolicy, RegistryAge
from recallgate.policies.deliverability import DeliverabilityGuard
from recallgate.policies.exit_on_return import ExitOnReturn
from recallgate.policies.expiry import Expiry
from recallgate.policies.frequency_cap import FrequencyCap, OnExceed, OwnCaps
from recallgate.policies.holdout import HoldoutPolicy
from recallgate.policies.number_reputation import NumberReputation
from recallgate.policies.pause import Pause
from recallgate.policies.policy import Policy
from recallgate.policies.pruning import HopelessPruning
from recallgate.policies.quiet_hours import QuietHours
from recallgate.policies.refusal_cooldown import RefusalCooldown
from recallgate.policies.region_block import RegionBlock
from recallgate.policies.regulation_limits import RegulationLimits
from recallgate.policies.suppression import SuppressionPolicy
from recallgate.rules.regulations import RuleBook


def default_caps(*, on_exceed: OnExceed = "drop") -> tuple[FrequencyCap, ...]:
    """Marketing over all channels: 1 in any 24 hours and 3 in any 7 days. A product default, not law."""
    return (
        FrequencyCap(limit=1, window=timedelta(hours=24), on_exceed=on_exceed),
        FrequencyCap(limit=3, window=timedelta(days=7), on_exceed=on_exceed),
    )


def default_policies(*, book: RuleBook | None = None, on_exceed: OnExceed = "drop") -> tuple[Policy, ...]:
    """The policies of the default chain, to add to or choose from."""
    rows = book or RuleBook.default()
    return (
        SuppressionPolicy(),
        ConsentPolicy(),
        RegistryAge(rows),
        ExitOnReturn(),
        HopelessPruning(),
        Pause(),
        Expiry(),
        HoldoutPolicy(),
        RegionBlock(),
        NumberReputation(),
        DeliverabilityGuard(),
        RefusalCooldown(rows),
        QuietHours(rows),
        RegulationLimits(rows, on_exceed),
        *default_caps(on_exceed=on_exceed),
        OwnCaps(),
    )


def default_chain(
    extra: Iterable[Policy] = (), *, book: RuleBook | None = None, on_exceed: OnExceed = "drop", jitter: timedelta = JITTER
) -> Chain:
    """The default policies and further ones; a further one can only make the chain stricter."""
    return Chain((*default_policies(book=book, on_exceed=on_exceed), *extra), jitter=jitter)
