"""What content rules answer with."""

from dataclasses import dataclass
from typing import Literal

from recallgate.rules.presets import presets

Level = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark. `error`: the text must not leave as it is. `fixed`: it was so, and the returned text no longer is."""

    level: Level
    code: str
    message: str
    fixed: bool = False


def check_offer(
    *,
    value_type: str | None,
    product_class: str | None = None,
    offer_id: str | None = None,
    landing_offer_id: str | None = None,
) -> tuple[Finding, ...]:
    """Whether a recall message names a benefit, of a kind that fits the product, and the landing page keeps the promise."""
    findings = []
    fitting = presets().value_type_by_product.get(product_class or "")
    if not value_type:
        findings.append(Finding("warning", "offer.no_benefit", "the message gives the user no reason to return; name a benefit"))
    elif fitting is not None and value_type not in fitting:
        findings.append(
            Finding("warning", "offer.value_type", f"{value_type} does not suit {product_class}; usual is {' or '.join(fitting)}")
        )
    if landing_offer_id is not None and landing_offer_id != offer_id:
        findings.append(
            Finding("error", "offer.landing_page", f"the landing page shows offer {landing_offer_id}, not {offer_id}")
        )
    return tuple(findings)
