"""`recallgate decide`: the default chain's decision on each line."""

from typing import Annotated

import typer

from recallgate.cli.inputs import read_lines
from recallgate.cli.output import JsonFlag, print_json, say

Lines = Annotated[str | None, typer.Argument(metavar="[FILE]", help="JSON lines, one case each; stdin when left out.")]


def decide(file: Lines = None, json_output: JsonFlag = False) -> None:
    """Say for each line {"now","channel","purpose",…} whether a message may leave, waits or is dropped, and why.

    Keys that are absent or null were not given. Reading ends at the first line that is wrong.
    """
    from recallgate.model.errors import ConfigError
    from recallgate.policies.lines import decide_line

    for number, data in read_lines(file):
        if not isinstance(data, dict):
            raise ConfigError(f"line {number}: not a JSON object; write {{…}} on each line")
        try:
            answer = decide_line(data)
        except ValueError as exc:
            raise ConfigError(f"line {number}: {_words(exc)}") from None
        if json_output:
            print_json(answer)
        else:
            say(_sentence(answer))


def _words(exc: ValueError) -> str:
    from recallgate.cli.errors import line_of

    return line_of(exc)


def _sentence(answer: dict[str, object]) -> str:
    until = f" until {answer['until']}" if answer["until"] else ""
    because = f" ({answer['policy']}: {answer['code']})" if answer["code"] else ""
    rule = f", rule {answer['rule_id']}" if answer["rule_id"] else ""
    return f"{answer['verdict']} {answer['channel']}{until}{because}{rule}"
