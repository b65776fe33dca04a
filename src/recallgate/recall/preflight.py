"""Preflight: go, no go or a warning before anything is sent, with the numbers that the answer rests on."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

from recallgate.model.errors import ConfigError
from recallgate.model.purpose import Purpose
from recallgate.recall.campaign import Campaign
from recallgate.recall.churn import value_types
from recallgate.stats.money import max_affordable_incentive
from recallgate.stats.power import mde, n_per_arm

SMALLEST_HOLDOUT = 100
# Channels without hours of law: marketing on them is only kept out of the night by hours of the tenant or the play.
WITHOUT_HOURS = ("push", "wecom")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What is expected of a campaign. Money is in one unit; rates and shares lie between 0 and 1.

    `audience` are the people who would be assigned, `lost` how many have lapsed at all. `base_rate` is the share who come
    back by themselves, `expected_lift` what contact adds. `value` is the margin of one further return, `cost_per_person`
    messages and labour for one assigned person, `fixed_cost` the rest of a pass, `incentive` the planned benefit for one
    redeemer, `redeem_share` the share of returners who redeem. `cac` is what a new user costs.
    """

    audience: int
    base_rate: float
    expected_lift: float
    value: float
    cost_per_person: float
    holdout_bp: int = 1000
    lost: int | None = None
    fixed_cost: float = 0.0
    incentive: float = 0.0
    redeem_share: float = 1.0
    min_attractive: float = 0.0
    cac: float | None = None
    budget: float | None = None
    alpha: float = 0.05
    power: float = 0.8

    def __post_init__(self) -> None:
        if self.audience < 1:
            raise ConfigError("audience: at least 1 person")
        if not 0 <= self.holdout_bp <= 10_000:
            raise ConfigError("holdout_bp: 0 to 10000 basis points; 10 % is 1000")
        if not 0 < self.base_rate < 1:
            raise ConfigError("base_rate: a share above 0 and below 1; 5 % is 0.05")
        if not 0 < self.base_rate + self.expected_lift <= 1:
            raise ConfigError("expected_lift: base_rate plus lift stays above 0 and at most 1; 2 points are 0.02")
        if not 0 < self.redeem_share <= 1:
            raise ConfigError("redeem_share: a share above 0 and at most 1")
        for name in ("value", "cost_per_person", "fixed_cost", "incentive", "min_attractive"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name}: at least 0")

    @classmethod
    def read(cls, data: Mapping[str, object]) -> "Figures":
        """Figures from a mapping such as a JSON object; raises ConfigError that names the key at fault."""
        names = {item.name for item in fields(cls)}
        if strange := sorted(set(data) - names):
            raise ConfigError(f"preflight: unknown key {', '.join(strange)}; there are {', '.join(sorted(names))}")
        for name, value in data.items():
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise ConfigError(f"{name}: a number, not a {type(value).__name__}")
        try:
            return cls(**data)  # type: ignore[arg-type]  # checked in the loop above
        except TypeError:
            needed = ("audience", "base_rate", "expected_lift", "value", "cost_per_person")
            missing = [name for name in needed if data.get(name) is None]
            raise ConfigError(f"preflight: missing {', '.join(missing) or 'a number'}") from None


@dataclass(frozen=True)
class Reason:
    """One reason for the answer."""

    level: Literal["no_go", "warn"]
    code: str
    text: str


@dataclass(frozen=True)
class Preflight:
    """The answer, its reasons and every number used; a number is None where it does not exist."""

    verdict: Literal["go", "no_go", "warn"]
    reasons: tuple[Reason, ...]
    numbers: Mapping[str, float | None]


def preflight(figures: Figures, *, campaign: Campaign | None = None, tenant_windows: bool = False) -> Preflight:
    """Judge the figures, and the campaign when it is given; `tenant_windows` says that the tenant has hours of its own."""
    numbers = _numbers(figures)
    reasons = [*_no_go(figures, numbers), *_weak(figures, numbers)]
    if campaign is not None:
        reasons += _of_campaign(campaign, tenant_windows=tenant_windows)
    levels = {reason.level for reason in reasons}
    verdict: Literal["go", "no_go", "warn"] = "no_go" if "no_go" in levels else "warn" if "warn" in levels else "go"
    return Preflight(verdict, tuple(reasons), numbers)


def _numbers(f: Figures) -> dict[str, float | None]:
    held_out = f.audience * f.holdout_bp // 10_000
    treated = f.audience - held_out
    p_t = f.base_rate + f.expected_lift
    one_pass = treated * f.cost_per_person + f.fixed_cost
    total = one_pass + treated * p_t * f.redeem_share * f.incentive
    returns = treated * f.expected_lift
    return {
        "lost": f.lost,
        "audience": f.audience,
        "treated": treated,
        "held_out": held_out,
        "base_rate": f.base_rate,
        "expected_lift": f.expected_lift,
        "incremental_returns": returns,
        "cost_of_one_pass": one_pass,
        "expected_cost": total,
        "expected_icpr": total / returns if returns > 0 else None,
        "value_per_person": f.value * f.expected_lift,
        "cost_per_person": f.cost_per_person,
        "max_incentive": max_affordable_incentive(f.value, f.expected_lift, cost=f.cost_per_person, p_t=p_t, rho=f.redeem_share),
        "min_attractive": f.min_attractive,
        "mde": mde(f.base_rate, treated, n_c=held_out, alpha=f.alpha, power=f.power) if held_out and treated else None,
        "n_per_arm": n_per_arm(f.base_rate, p_t, alpha=f.alpha, power=f.power).n_per_arm if f.expected_lift else None,
        "cac": f.cac,
        "budget": f.budget,
    }


def _no_go(f: Figures, numbers: Mapping[str, float | None]) -> list[Reason]:
    found = []
    icpr, one_pass, gain = numbers["expected_icpr"], numbers["cost_of_one_pass"], f.value * f.expected_lift
    if f.cac is not None and (icpr is None or icpr > f.cac) and gain <= f.cost_per_person:
        cost = "is not bounded" if icpr is None else f"is {icpr:g}"
        found.append(
            Reason(
                "no_go",
                "icpr_above_cac",
                f"one further return {cost}, a new user costs {f.cac:g}, and a gain of {gain:g} a person does not cover the cost",
            )
        )
    if f.budget is not None and one_pass is not None and f.budget < one_pass:
        found.append(Reason("no_go", "budget_too_small", f"one full pass costs {one_pass:g}, the budget is {f.budget:g}"))
    if not numbers["max_incentive"]:
        found.append(
            Reason(
                "no_go",
                "no_affordable_incentive",
                "at break-even nothing is left to give; raise value or lift, or lower the cost",
            )
        )
    return found


def _weak(f: Figures, numbers: Mapping[str, float | None]) -> list[Reason]:
    found = []
    shown, most, held_out = numbers["mde"], numbers["max_incentive"] or 0.0, numbers["held_out"] or 0
    if shown is None or shown > f.expected_lift:
        least = (
            "without a holdout no effect can be shown" if shown is None else f"the least effect that can be shown is {shown:.4f}"
        )
        found.append(Reason("warn", "underpowered", f"{least}, expected is {f.expected_lift:.4f}"))
    if f.min_attractive > most:
        found.append(
            Reason(
                "warn", "incentive_too_small", f"at most {most:g} can be given, and less than {f.min_attractive:g} moves nobody"
            )
        )
    if held_out < SMALLEST_HOLDOUT:
        found.append(
            Reason(
                "warn", "small_holdout", f"{held_out:g} people held out; below {SMALLEST_HOLDOUT} single users move the result"
            )
        )
    return found


def _of_campaign(campaign: Campaign, *, tenant_windows: bool) -> list[Reason]:
    found = []
    for name in ("hypothesis", "what_changed"):
        if not getattr(campaign, name).strip():
            found.append(Reason("warn", f"no_{name}", f"{name} is empty: without a fix people leave again"))
    offer, fitting = campaign.offer, value_types(campaign.product_class)
    if offer is not None and fitting and offer.value_type not in fitting:
        words = f"{offer.value_type} does not fit {campaign.product_class}; {', '.join(fitting)} does"
        found.append(Reason("warn", "value_type", words))
    for channel in WITHOUT_HOURS:
        used = any(
            way.channel == channel for send in campaign.play.sends() if send.purpose is Purpose.MARKETING for way in send.ways
        )
        if used and not tenant_windows and not campaign.play.windows_for(channel):
            found.append(Reason("warn", "no_hours", f"{channel} has no hours of law; set hours of the tenant or the play"))
    return found
