"""Experiments: who is held out, who gets which arm; sticky by construction, the same in every process."""

from dataclasses import dataclass, replace

from recallgate.model.errors import ConfigError
from recallgate.policies.case import Holdout
from recallgate.rules.assignment import arm_of, in_holdout

SMALL_AUDIENCE = 2000
LOOKS_DAYS = (0, 1, 3, 7)


@dataclass(frozen=True)
class Arm:
    """One of the compared treatments: an offer, a copy, a channel or a time slot; plays choose by its name."""

    name: str
    weight: int = 1

    def __post_init__(self) -> None:
        if not self.name:
            raise ConfigError("arm: it has no name")
        if self.weight < 1:
            raise ConfigError(f"arm {self.name}: the weight is a whole number of at least 1")


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where a cluster of people belongs: `holdout` is global, play or None; `arm` is None for held-out people."""

    holdout: str | None
    arm: str | None

    @property
    def treated(self) -> bool:
        return self.holdout is None


def default_holdout_bp(audience: int) -> int:
    """The share kept without contact in basis points: 10 %, and 50 % for an audience under 2,000."""
    return 5000 if audience < SMALL_AUDIENCE else 1000


@dataclass(frozen=True)
class Experiment:
    """A holdout and arms with one primary metric, declared before the start.

    `holdout_bp` is the play's share in basis points; None takes the default for the size of the audience when the
    campaign is planned (see `sized`). An empty `primary` is the metric of the campaign's goal. `play` and `version` make
    the salts, so a change of weights needs a new version. `global_holdout_bp` with `period` is the tenant's own holdout.
    Looks are at `looks_days` only.
    """

    holdout_bp: int | None = None
    arms: tuple[Arm, ...] = (Arm("treatment"),)
    version: str = "1"
    primary: str = ""
    window_days: int = 7
    play: str = ""
    global_holdout_bp: int = 0
    period: str = ""
    looks_days: tuple[int, ...] = LOOKS_DAYS

    def __post_init__(self) -> None:
        if not self.arms or len({arm.name for arm in self.arms}) != len(self.arms):
            raise ConfigError("arms: at least one, each with a name of its own")
        for name, share in (("holdout_bp", self.holdout_bp), ("global_holdout_bp", self.global_holdout_bp)):
            if share is not None and not 0 <= share <= 10_000:
                raise ConfigError(f"{name}: 0 to 10000 basis points; 10 % is 1000")
        if self.global_holdout_bp and not self.period:
            raise ConfigError("period: a global holdout needs its period, such as 2026q4; a new one reshuffles it")
        if self.window_days < 1:
            raise ConfigError("window_days: at least 1")

    @property
    def arm_salt(self) -> str:
        return f"arm:{self._play}:{self.version}"

    def sized(self, audience: int) -> "Experiment":
        """The experiment with its holdout share settled for an audience of so many people."""
        return self if self.holdout_bp is not None else replace(self, holdout_bp=default_holdout_bp(audience))

    def holdouts(self) -> tuple[Holdout, ...]:
        """The holdouts in the order in which they are asked: the global one, then the play's."""
        share = self._share
        found = []
        if self.global_holdout_bp:
            found.append(Holdout("global", f"holdout.global:{self.period}", self.global_holdout_bp))
        if share:
            found.append(Holdout("play", f"holdout.play:{self._play}", share))
        return tuple(found)

    def assign(self, cluster: str) -> Assignment:
        """Where a cluster belongs; equal for equal salts, shares and weights, for ever."""
        for holdout in self.holdouts():
            if in_holdout(holdout.salt, cluster, share_bp=holdout.share_bp):
                return Assignment(holdout.kind, None)
        place = arm_of(self.arm_salt, cluster, weights=tuple(arm.weight for arm in self.arms))
        return Assignment(None, self.arms[place].name)

    @property
    def _play(self) -> str:
        if not self.play:
            raise ConfigError("experiment play: the salts need the campaign's id; a campaign sets it, or use replace(…, play=…)")
        return self.play

    @property
    def _share(self) -> int:
        if self.holdout_bp is None:
            raise ConfigError("holdout_bp: not settled yet; call sized(audience) or give a share")
        return self.holdout_bp


def split_salt(play: str, version: str, *, step: str) -> str:
    """The salt of a split inside a play; another one than the experiment's, so that the two are independent."""
    return f"split:{play}:{version}:{step}"
