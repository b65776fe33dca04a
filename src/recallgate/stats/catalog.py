"""The statistics by name, for JSON in and JSON out: input keys, output keys and which of them may be left out."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recallgate.rules.assignment import bucket
from recallgate.stats.checks import count
from recallgate.stats.churn import knee, p_alive
from recallgate.stats.hypotheses import fisher, holm, srm, srm_critical_value, two_proportion_z
from recallgate.stats.intervals import newcombe, relative_lift, rule_of_three, welch, wilson
from recallgate.stats.money import NOT_BOUNDED, icpr, max_affordable_incentive, roi
from recallgate.stats.power import mde, n_per_arm, power

LENGTHS = {"gsm7": (160, 153), "ucs2": (70, 67)}  # units in a single part, units in each of several
_TABLE = ("k_t", "n_t", "k_c", "n_c")
_MEANS = ("mean_t", "sd_t", "n_t", "mean_c", "sd_c", "n_c")
_TABLE_RULE = "sum of tables no more probable than the observed one"


@dataclass(frozen=True)
class Statistic:
    """One named statistic: keys it needs, keys it may get, keys that only state what it does anyway, and its computation."""

    required: tuple[str, ...]
    compute: Callable[[dict[str, Any]], dict[str, object]]
    optional: tuple[str, ...] = ()
    stated: Mapping[str, object] | None = None

    def __call__(self, name: str, inputs: Mapping[str, object]) -> dict[str, object]:
        """Check the keys of `inputs` and compute."""
        stated = self.stated or {}
        known = (*self.required, *self.optional, *stated)
        for key in self.required:
            if key not in inputs:
                raise ValueError(f"{key} is missing: {name} needs {', '.join(self.required)}")
        for key, value in inputs.items():
            if key not in known:
                raise ValueError(f"{key} is not an input of {name}: it takes {', '.join(known)}")
            if key in stated and (value != stated[key] or type(value) is not type(stated[key])):
                raise ValueError(f"{key} must be {stated[key]!r} or left out: {name} has no other form")
        result = self.compute({key: value for key, value in inputs.items() if key not in stated})
        return {key: _to_json(value) for key, value in result.items()}


def parts_of(units: int, *, encoding: str) -> int:
    """Parts that an SMS of so many units is billed as; an empty text is none.

    Units are septets of `gsm7` (160 alone, 153 each when joined) or code units of `ucs2` (70 and 67).
    Source: 3GPP TS 23.040 9.2.3.24.1.
    """
    units = count("units", units)
    if encoding not in tuple(LENGTHS):
        raise ValueError(f"encoding must be one of {', '.join(LENGTHS)}, got {encoding!r}")
    single, joined = LENGTHS[encoding]
    return min(units, 1) if units <= single else math.ceil(units / joined)


def evaluate(name: str, inputs: Mapping[str, object]) -> dict[str, object]:
    """Compute one statistic by name from plain values, as plain values.

    A limit that does not exist is the words "not bounded" (costs) or None. Raises ValueError that names the field and the
    remedy: an unknown name, a missing or unexpected key, a value out of range.
    """
    if name not in _STATISTICS:
        raise ValueError(f"{name!r} is no statistic; there are {', '.join(NAMES)}")
    if not isinstance(inputs, Mapping):
        raise ValueError(f"inputs must be an object of names and values, got {type(inputs).__name__}")
    statistic = _CRITICAL_VALUE if name == "srm" and "df" in inputs else _STATISTICS[name]
    return statistic(name, inputs)


def _relative_lift(inputs: dict[str, Any]) -> dict[str, object]:
    lift = relative_lift(**inputs)
    return dict.fromkeys(("relative", "low", "high")) if lift is None else vars(lift)


def _wilson(inputs: dict[str, Any]) -> dict[str, object]:
    interval = wilson(**inputs)
    return {"low": interval.low, "high": interval.high}


def _srm(inputs: dict[str, Any]) -> dict[str, object]:
    observed, weights = _list("observed", inputs["observed"]), _list("weights", inputs["weights"])
    return vars(srm(observed, weights))


def _holm(inputs: dict[str, Any]) -> dict[str, object]:
    return vars(holm(**{**inputs, "p": _list("p", inputs["p"])}))


def _icpr(inputs: dict[str, Any]) -> dict[str, object]:
    cost = vars(icpr(**inputs))
    return {key: NOT_BOUNDED if value is None and key.startswith("icpr") else value for key, value in cost.items()}


def _max_affordable_incentive(inputs: dict[str, Any]) -> dict[str, object]:
    benefit = max_affordable_incentive(inputs["V"], inputs["delta"], cost=inputs["c"], p_t=inputs["p_t"], rho=inputs["rho"])
    return {"b": benefit}


def _p_alive(inputs: dict[str, Any]) -> dict[str, object]:
    parameters = {key: inputs[key] for key in ("r", "alpha", "a", "b")}
    return {"p_alive": p_alive(inputs["x"], inputs["t_x"], age=inputs["T"], **parameters)}


def _knee(inputs: dict[str, Any]) -> dict[str, object]:
    n = knee(_list("points", inputs["points"]))
    return {"knee": int(n) if n.is_integer() else n}


def _list(field: str, value: object) -> Sequence[Any]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise ValueError(f"{field} must be a list, got {type(value).__name__}; write it in square brackets")
    return value


def _to_json(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no infinity: t of two means without any spread
    return value


_CRITICAL_VALUE = Statistic(("df",), lambda inputs: {"chi2": srm_critical_value(**inputs)}, ("alpha",))
_STATISTICS: Mapping[str, Statistic] = {
    "wilson": Statistic(("k", "n"), _wilson, ("alpha",)),
    "newcombe": Statistic(_TABLE, lambda inputs: vars(newcombe(**inputs)), ("alpha",)),
    "relative_lift": Statistic(_TABLE, _relative_lift, ("alpha",)),
    "two_proportion_z": Statistic(
        _TABLE, lambda inputs: vars(two_proportion_z(**inputs)), stated={"pooled": True, "two_sided": True}
    ),
    "fisher": Statistic(
        _TABLE, lambda inputs: {"p": fisher(**inputs)}, stated={"two_sided": True, "two_sided_rule": _TABLE_RULE}
    ),
    "n_per_arm": Statistic(("p0", "p1"), lambda inputs: vars(n_per_arm(**inputs)), ("alpha", "power")),
    "power": Statistic(("p0", "p1", "n_per_arm"), lambda inputs: {"power": power(**inputs)}, ("alpha",)),
    "mde": Statistic(("p0", "n_t", "n_c"), lambda inputs: {"mde": mde(**inputs)}, ("alpha", "power")),
    "welch": Statistic(_MEANS, lambda inputs: vars(welch(**inputs)), ("alpha",), {"sd": "sample"}),
    "srm": Statistic(("observed", "weights"), _srm),
    "holm": Statistic(("p",), _holm, ("alpha",)),
    "icpr": Statistic((*_TABLE, "cost"), _icpr, ("alpha",)),
    "roi": Statistic((*_MEANS, "cost"), lambda inputs: vars(roi(**inputs)), ("alpha",)),
    "max_affordable_incentive": Statistic(("V", "delta", "c", "p_t", "rho"), _max_affordable_incentive),
    "rule_of_three": Statistic(("k", "n"), lambda inputs: {"at_most": rule_of_three(**inputs)}),
    "p_alive": Statistic(("r", "alpha", "a", "b", "x", "t_x", "T"), _p_alive),
    "knee": Statistic(("points",), _knee),
    "bucket": Statistic(("salt", "unit"), lambda inputs: {"bucket": bucket(**inputs)}),
    "sms_parts": Statistic(("units", "encoding"), lambda inputs: {"parts": parts_of(**inputs)}),
}
NAMES: tuple[str, ...] = tuple(_STATISTICS)
