"""Settings of rules and policies: what a gateway's configuration says of law, consent, words and further policies."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recallgate.model.errors import ConfigError
from recallgate.text.words import BlockedWords, WordList

TABLES = ("rules", "holidays", "words", "policies")


class RuleSettings(BaseModel):
    """What holds for a tenant's messages.

    `registry_required`: numbers are compared with do-not-call registries, and marketing waits for the comparison where the law
    asks for it. `revoke_scope`: an opt-out in somebody's own words is from all marketing on the channel, or from the program
    (the account) that it was told to. `confirm_opt_outs` and `help_text`: STOP and HELP are answered, in the name of `brand`;
    leave them off where the vendor answers. `test_addresses` are numbers and mail addresses to which a campaign is sent before
    its launch. `rules` changes rows of law by id, `rules_warn_days` is the age from which a row is
    old. `holidays` lists dates by country or region, `words` are lists of blocked words, `policies` further policies by names
    of their own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    consent_required: bool = False
    consents_lift_hours: bool = False
    registry_required: bool = False
    revoke_scope: Literal["all", "program"] = "all"
    confirm_opt_outs: bool = False
    help_text: str | None = Field(default=None, min_length=1, max_length=300)
    brand: str | None = None
    test_addresses: tuple[str, ...] = ()
    rules: Mapping[str, Any] = Field(default_factory=dict)
    rules_warn_days: int = Field(default=365, ge=1)
    holidays: Mapping[str, tuple[date, ...]] = Field(default_factory=dict)
    holidays_package: bool = True
    words: tuple[WordList, ...] = ()
    policies: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)


def rule_tables(data: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The fields behind the tables `TABLES` of a settings file; those that are not there are left out. Raises ConfigError.

    `[rules.ROW]` changes a row of law, `[rules] warn_days` is the age of an old one; `[holidays]` has lists of dates by country
    or region, and `package = false`; `[words.LIST]` is a list of words, or has a `file` of lists; `[policies.NAME]` has the
    settings of a policy, and `use`, where that is not its name.
    """
    found: dict[str, Any] = {}
    if rules := dict(data.get("rules", {})):
        if "warn_days" in rules:
            found["rules_warn_days"] = rules.pop("warn_days")
        found["rules"] = rules
    if holidays := dict(data.get("holidays", {})):
        if "package" in holidays:
            found["holidays_package"] = holidays.pop("package")
        found["holidays"] = holidays
    if words := data.get("words"):
        found["words"] = tuple(one for name, table in words.items() for one in _word_lists(name, table, source))
    if policies := data.get("policies"):
        found["policies"] = policies
    return found


def _word_lists(name: str, table: Any, source: str) -> tuple[WordList, ...]:
    if not isinstance(table, Mapping):
        raise ConfigError(f"{source}: words.{name}: write a table with words, or with a file of lists")
    if "file" in table:
        return BlockedWords.read(str(table["file"])).lists
    try:
        return (WordList.model_validate({**table, "id": name}),)
    except ValidationError as exc:
        fault = exc.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise ConfigError(f"{source}: words.{name}.{where}: {fault['msg']}") from None
