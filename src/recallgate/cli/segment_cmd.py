"""`recallgate segment`: who is in a file of activity as of a day."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, cast

import typer

from recallgate.cli.inputs import day_or_instant, span
from recallgate.cli.output import JsonFlag, pairs, print_json, say, table


def segment(
    file: Annotated[str, typer.Argument(help="CSV (may be gzipped) or Parquet with a person, a date, perhaps an amount.")],
    as_of: Annotated[str, typer.Option(help="The day that is now, such as 1998-06-30, or an instant.")],
    lapsed_after: Annotated[str, typer.Option(help="Away for at least so long is lapsed: 30d, 6w.")] = "30d",
    person: Annotated[str | None, typer.Option(help="Only this person's features and scores.")] = None,
    json_output: JsonFlag = False,
) -> None:
    """Count customers, the lapsed by how long they have been away, RFM scores and cells."""
    from recallgate.model.errors import ConfigError
    from recallgate.recall.segment import segment_summary

    away = span(lapsed_after, "lapsed_after")
    if away % timedelta(days=1):
        raise ConfigError("lapsed_after: whole days, for example 30d")
    found = segment_summary(file, day_or_instant(as_of, "as_of"), lapsed_after=away.days, person=person)
    if json_output:
        print_json(found)
    elif person is not None:
        pairs(found)
    else:
        say(f"{found['customers']} customers, {found['lapsed']} lapsed")
        table(("days away", "people"), cast("Mapping[str, int]", found["lapse_buckets"]).items())
        scores = cast("Mapping[str, Mapping[str, int]]", found["score_counts"])
        table(("score", "1", "2", "3", "4", "5"), [(name, *counts.values()) for name, counts in scores.items()])
