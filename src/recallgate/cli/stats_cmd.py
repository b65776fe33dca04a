"""`recallgate stats`: statistics by name."""

from typing import Annotated

import typer

from recallgate.cli.inputs import read_lines
from recallgate.cli.output import JsonFlag, pairs, print_json, say


def stats(
    name: Annotated[str, typer.Argument(help="Such as wilson, newcombe, welch, srm; a wrong name lists them all.")],
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="JSON lines, one object each; stdin when left out.")
    ] = None,
    json_output: JsonFlag = False,
) -> None:
    """Compute a statistic for each JSON object, one a line."""
    from recallgate.model.errors import ConfigError
    from recallgate.stats.catalog import NAMES, evaluate

    if name not in NAMES:
        raise ConfigError(f"{name!r} is no statistic; there are {', '.join(NAMES)}")
    for number, data in read_lines(file):
        try:
            result = evaluate(name, data)
        except ValueError as exc:
            raise ConfigError(f"line {number}: {exc}") from None
        if json_output:
            print_json(result)
        else:
            if number > 1:
                say()
            pairs(result)
