"""Presets of recall: when a user of some product counts as lapsed, and what has worked since. Defaults, all overridable."""

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from recallgate.rules.datafile import read
from recallgate.rules.regulations import Certainty
from recallgate.rules.windows import DAY, EVERY_DAY, Window, minutes

_Frozen = ConfigDict(frozen=True, extra="ignore")


class ChurnPreset(BaseModel):
    """Lapsed when whole days since the last `event` are at least `threshold_days`."""

    model_config = _Frozen
    id: str
    event: str
    threshold_days: int
    product_class: str
    value_type: str
    source: str
    certainty: Certainty


class Ladder(BaseModel):
    """Rungs by days idle; each at most once per lapse, and only the highest one reached fires."""

    model_config = _Frozen
    rungs_days: tuple[int, ...]
    anchor: str


class ChannelOrder(BaseModel):
    """Which channels first: the app is probably gone after `likely_uninstalled_after_days`, so outer channels lead."""

    model_config = _Frozen
    likely_uninstalled_after_days: int
    recent: tuple[str, ...]
    likely_uninstalled: tuple[str, ...]

    def after(self, idle_days: int) -> tuple[str, ...]:
        """The order for someone idle that long."""
        return self.likely_uninstalled if idle_days > self.likely_uninstalled_after_days else self.recent


class ServiceAlert(BaseModel):
    """A timer from one event, cancelled by another, that ends in a service message."""

    model_config = _Frozen
    start_event: str
    cancel_event: str
    after_minutes: int
    escalation: tuple[str, ...]
    purpose: str

    @property
    def after(self) -> timedelta:
        return timedelta(minutes=self.after_minutes)


class Hopeless(BaseModel):
    """Not recalled any more after `failed_plays` without return in `window_days`."""

    model_config = _Frozen
    failed_plays: int
    window_days: int


class PostReturn(BaseModel):
    """What follows a return."""

    model_config = _Frozen
    duration_days: int
    parts: tuple[str, ...]


class Presets(BaseModel):
    """All presets; `marketing_voice_windows` keep calls out of the noon break."""

    model_config = _Frozen
    presets: tuple[ChurnPreset, ...]
    ladder: Ladder
    channel_order_by_lapse: ChannelOrder
    post_return: PostReturn
    hopeless: Hopeless
    service_alert: ServiceAlert
    value_type_by_product: Mapping[str, tuple[str, ...]]
    review_looks_days: tuple[int, ...]
    marketing_voice_windows: tuple[Window, ...]
    as_of: str

    def __getitem__(self, preset_id: str) -> ChurnPreset:
        for preset in self.presets:
            if preset.id == preset_id:
                return preset
        raise KeyError(f"no churn preset {preset_id}; there are {', '.join(preset.id for preset in self.presets)}")


@lru_cache(maxsize=1)
def presets() -> Presets:
    """The presets that come with the package."""
    data = read("churn_presets")
    edges = [0]
    for block in data["timing"]["marketing_voice_blocked"]:
        edges += [minutes(block["start"]), minutes(block["end"])]
    edges.append(DAY)
    open_spans = tuple(Window(EVERY_DAY, start, end) for start, end in zip(edges[::2], edges[1::2], strict=True))
    values = {name: kinds for name, kinds in data["value_type_by_product"].items() if name != "source"}
    return Presets.model_validate({**data, "value_type_by_product": values, "marketing_voice_windows": open_spans})
