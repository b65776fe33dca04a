"""The campaign: hypothesis, churn, segment, offer, play, experiment and what comes after the return, in one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from recallgate.model.errors import ConfigError
from recallgate.recall.condition import FIELDS, Condition
from recallgate.recall.content import VARIABLES, check_way, variables_in
from recallgate.recall.definition import definition_of, version_of
from recallgate.recall.experiment import Experiment
from recallgate.recall.lapse import Churn
from recallgate.recall.offer import Offer
from recallgate.recall.play import Play
from recallgate.recall.program import Program, compile_play
from recallgate.recall.tier import TierRule


class Goal(StrEnum):
    """What the campaign is for; each sends differently. Not the purpose of a message."""

    ACQUIRE = "acquire"
    ACTIVATE = "activate"
    WIN_BACK = "win_back"

    @property
    def primary(self) -> str:
        """The metric that decides when the experiment names none."""
        return {"acquire": "converted", "activate": "core_action", "win_back": "returned"}[self.value]


class ChurnCause(StrEnum):
    """Why people left, as far as it is guessed."""

    END_OF_LIFE = "end_of_life"
    BAD_FIRST_EXPERIENCE = "bad_first_experience"
    USABILITY_OBSTACLE = "usability_obstacle"
    COMPETITOR = "competitor"
    OTHER = "other"


@dataclass(frozen=True)
class Cause:
    """A cause and the evidence for it; `competitor` and `other` need words, because activity data cannot show them."""

    kind: ChurnCause
    evidence: str = ""

    def __post_init__(self) -> None:
        if self.kind in (ChurnCause.COMPETITOR, ChurnCause.OTHER) and not self.evidence.strip():
            raise ConfigError(f"cause {self.kind}: say what the evidence is; activity alone shows only that it fell")


@dataclass(frozen=True)
class Costs:
    """What contact costs, in the smallest unit of the campaign's currency; incentives are costed by the offer.

    `per_part` is by channel: a part of an sms, a call, a mail. `labour_minutes` are of one human contact.
    """

    per_part: Mapping[str, int] = field(default_factory=dict)
    labour_minutes: float = 0
    labour_per_minute: float = 0
    fixed: int = 0


@dataclass(frozen=True)
class Campaign:
    """Everything that is decided before the first message; build it directly or step by step with `Draft`.

    `goal` is required. `hypothesis` and `what_changed` may be empty, and then preflight warns. `person_fields` are the
    further fields that the app gives for each person and that texts may use. The experiment gets the campaign's id for
    its salts and the goal's metric where it names none.
    """

    id: str
    goal: Goal
    churn: Churn
    segment: Condition
    play: Play
    offer: Offer | None = None
    hypothesis: str = ""
    what_changed: str = ""
    cause: Cause | None = None
    product_class: str = ""
    tiers: TierRule = field(default_factory=TierRule.none)
    experiment: Experiment = field(default_factory=Experiment)
    after_return: Play | None = None
    costs: Costs = field(default_factory=Costs)
    currency: str = "CNY"
    brand: str = ""
    person_fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.id or any(sign in self.id for sign in ": \n"):
            raise ConfigError("campaign id: it is needed, without colons and blanks")
        object.__setattr__(self, "goal", Goal(self.goal))
        if len(self.currency) != 3 or not self.currency.isupper():
            raise ConfigError("currency: three capital letters, such as CNY")
        primary = self.experiment.primary or self.goal.primary
        object.__setattr__(self, "experiment", replace(self.experiment, play=self.id, primary=primary))
        for play in (self.play, *((self.after_return,) if self.after_return else ())):
            self._check(play)

    def _check(self, play: Play) -> None:
        if not play.exit_on:
            raise ConfigError(f"play {play.name}: it has no exit; name the events that end it, such as returned")
        known = VARIABLES | set(FIELDS) | set(self.person_fields)
        for send in play.sends():
            for way in send.ways:
                check_way(way)
                if strange := sorted(variables_in(way) - known):
                    raise ConfigError(
                        f"step {send.name}, {way.channel}: nothing fills {', '.join(strange)}; name it in person_fields "
                        f"or use one of {', '.join(sorted(VARIABLES))}"
                    )

    @cached_property
    def program(self) -> Program:
        """The play as a program."""
        return compile_play(self.play)

    def definition(self) -> dict[str, object]:
        """The whole campaign as JSON-able data, without the codes of a pool."""
        shown = definition_of(self)
        assert isinstance(shown, dict)
        return shown

    @property
    def version(self) -> str:
        """Changes with anything in the definition."""
        return version_of(self.definition())


@dataclass(frozen=True)
class Draft:
    """A campaign in the making, in four steps: define, layer, incentive, reach.

    Each step answers with a new draft; `build` says which steps are missing.
    """

    id: str
    goal: Goal | None = None
    churn: Churn | None = None
    segment: Condition | None = None
    offer: Offer | None = None
    no_offer: bool = False
    play: Play | None = None
    after_return: Play | None = None
    hypothesis: str = ""
    what_changed: str = ""
    cause: Cause | None = None
    product_class: str = ""
    tiers: TierRule = field(default_factory=TierRule.none)

    def define(
        self,
        goal: Goal | str,
        churn: Churn,
        *,
        hypothesis: str = "",
        what_changed: str = "",
        cause: Cause | None = None,
        product_class: str = "",
    ) -> "Draft":
        """First: what the campaign is for, what lapsed means, why people left and what is better now."""
        return replace(
            self,
            goal=Goal(goal),
            churn=churn,
            hypothesis=hypothesis,
            what_changed=what_changed,
            cause=cause,
            product_class=product_class,
        )

    def layer(self, segment: Condition, *, tiers: TierRule | None = None) -> "Draft":
        """Second: who is meant, and in which tiers."""
        self._needs("layer", define=self.goal is not None)
        return replace(self, segment=segment, tiers=tiers or TierRule.none())

    def incentive(self, offer: Offer | None) -> "Draft":
        """Third: what people get; None says on purpose that the news itself is the value."""
        self._needs("incentive", define=self.goal is not None, layer=self.segment is not None)
        return replace(self, offer=offer, no_offer=offer is None)

    def reach(self, play: Play, *, after_return: Play | None = None) -> "Draft":
        """Fourth: channels and copy, and the play that follows a return."""
        chosen = self.offer is not None or self.no_offer
        self._needs("reach", define=self.goal is not None, layer=self.segment is not None, incentive=chosen)
        return replace(self, play=play, after_return=after_return)

    def build(
        self,
        *,
        experiment: Experiment | None = None,
        costs: Costs | None = None,
        currency: str = "CNY",
        brand: str = "",
        person_fields: tuple[str, ...] = (),
    ) -> Campaign:
        """The campaign; raises ConfigError that names the missing steps."""
        chosen = self.offer is not None or self.no_offer
        given = {"define": self.goal is not None, "layer": self.segment is not None, "incentive": chosen}
        self._needs("build", **given, reach=self.play is not None)
        assert self.goal is not None
        assert self.churn is not None
        assert self.segment is not None
        assert self.play is not None
        return Campaign(
            self.id,
            self.goal,
            self.churn,
            self.segment,
            self.play,
            offer=self.offer,
            hypothesis=self.hypothesis,
            what_changed=self.what_changed,
            cause=self.cause,
            product_class=self.product_class,
            tiers=self.tiers,
            experiment=experiment or Experiment(),
            after_return=self.after_return,
            costs=costs or Costs(),
            currency=currency,
            brand=brand,
            person_fields=person_fields,
        )

    def _needs(self, step: str, **given: bool) -> None:
        missing = [name for name, done in given.items() if not done]
        if missing:
            raise ConfigError(f"campaign {self.id}: {step} comes after {', '.join(given)}; missing: {', '.join(missing)}")
