"""`recallgate adapters new`: the package of a new adapter, complete but for marked blanks."""

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer

from recallgate.cli.output import say, table

_NAME = re.compile(r"([a-z][a-z0-9]*)\.([a-z][a-z0-9_]*)")
_ID = "01890a5d-ac96-774b-bcce-b302099a8057"  # of the message of every table
_REPORTS = f"https://app.example/callbacks/acme/s3cret?m={_ID}&k=status"  # what the kit's tools make of it
BLANKS: Mapping[str, str] = {
    "FILL_SOURCE": "title of the vendor's page and the day you read it",
    "FILL_BASE_URL": "where its API is, such as https://api.acme.example",
    "FILL_HOST": "the host in it, such as api.acme.example",
    "FILL_PATH": "the path that takes a message, such as /v1/messages",
    "FILL_URL": "both together, such as https://api.acme.example/v1/messages",
    "FILL_TO_FIELD": "field of the request that holds the recipient",
    "FILL_TEXT_FIELD": "field that holds the text",
    "FILL_SUBJECT_FIELD": "field that holds the subject",
    "FILL_TITLE_FIELD": "field that holds the title",
    "FILL_DATA_FIELD": "field that holds the data",
    "FILL_TEMPLATE_FIELD": "field that holds the template's name",
    "FILL_VARIABLES_FIELD": "field that holds the template's variables",
    "FILL_REFERENCE_FIELD": "field that takes our own id of the message",
    "FILL_CALLBACK_FIELD": "field that takes the address for reports",
    "FILL_CODE_FIELD": "field of the answer that holds the code",
    "FILL_SUCCESS": "the code of success",
    "FILL_BAD_ADDRESS": "the code for a recipient that does not exist",
    "FILL_TOO_FAST": "the code for too many requests",
    "FILL_ID_FIELD": "field that holds the vendor's id, in answers and reports",
    "FILL_STATUS_FIELD": "field of a report that holds the status",
    "FILL_ON_ITS_WAY": "a status that is no news",
    "FILL_DELIVERED": "the status of a message that arrived",
    "FILL_NOT_DELIVERED": "the status of one that did not",
}
# what is sent of a content: the blank for the field's name, and the attribute; the last one is what people read
_SAID: Mapping[str, tuple[tuple[str, str], ...]] = {
    "text": (("FILL_TEXT_FIELD", "text"),),
    "email": (("FILL_SUBJECT_FIELD", "subject"), ("FILL_TEXT_FIELD", "text")),
    "push": (("FILL_TITLE_FIELD", "title"), ("FILL_TEXT_FIELD", "body")),
    "inapp": (("FILL_TITLE_FIELD", "title"), ("FILL_TEXT_FIELD", "body")),
    "template": (("FILL_VARIABLES_FIELD", "variables"), ("FILL_TEMPLATE_FIELD", "template")),
    "payload": (("FILL_DATA_FIELD", "data"),),
    "task": (("FILL_TITLE_FIELD", "title"),),
}


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="vendor.channel or vendor.product, such as acme.sms.")],
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Where to write; ./acme_sms when left out.")] = None,
    channel: Annotated[str | None, typer.Option(help="The channel of a vendor.product, such as sms.")] = None,
) -> None:
    """Write the package of a new adapter: adapter, table of exchanges, face, test. Blanks in it begin with FILL_."""
    from recallgate.model.errors import ConfigError

    written = scaffold(name, channel)
    folder = Path(out) if out is not None else Path(name.replace(".", "_"))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"out: {folder} is there already; choose another folder")
    for path, text in written.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        say(f"wrote {file}")
    table(("blank", "what belongs there"), [(blank, BLANKS[blank]) for blank in blanks_of(written)])
    say(f"Next: fill them in, then: cd {folder} && pip install -e '.[test]' && recallgate adapters check {name}")


def scaffold(name: str, channel: str | None = None) -> dict[str, str]:
    """The files of a package for a new adapter, by their path in it. Raises ConfigError for a name that will not do."""
    from recallgate.model.channels import BUILT_IN
    from recallgate.model.errors import ConfigError
    from recallgate.registry import ADAPTERS, names

    parts = _NAME.fullmatch(name)
    if parts is None:
        raise ConfigError("name: write vendor.channel in small letters, such as acme.sms")
    if name in names(ADAPTERS):
        raise ConfigError(f"name: {name} is installed already; choose another name")
    vendor, product = parts.groups()
    medium = BUILT_IN.get(channel or product)
    if medium is None:
        raise ConfigError(f"channel: {channel or product} is no channel; give --channel, one of {', '.join(BUILT_IN)}")
    content = next((one for one in medium.contents if one in _SAID), None)
    if content is None:
        raise ConfigError(f"channel: no pattern is known for {medium.name}; begin with the package of another channel")
    cls, package = "".join(part.title() for part in (vendor, *product.split("_"))), name.replace(".", "_")
    known = ["type", *(attribute for _, attribute in _SAID[content]), *(["preview"] if content == "template" else [])]
    words = {
        "name": name,
        "title": f"{vendor.title()} {product.replace('_', ' ')}",
        "vendor": vendor,
        "cls": cls,
        "package": package,
        "dashed": package.replace("_", "-"),
        "channel": f"channels.{medium.name.upper()}",
        "medium": medium.name,
        "product": f'    product = "{product}"\n' if product != medium.name else "",
        "content": content,
        "known": "{" + ", ".join(f'"{one}"' for one in known) + "}",
        "fields": "".join(f"            {blank}: content.{attribute},\n" for blank, attribute in _SAID[content]),
        "text": _SAID[content][-1][0],
    }
    made = {
        f"{package}/__init__.py": f'"""{words["title"]} for recallgate."""\n',
        f"{package}/py.typed": "",
        f"{package}/adapter.py": _filled("adapter.py", words),
        f"{package}/face.py": _filled("face.py", words),
        f"tests/{name}.json": json.dumps(exchanges(medium, content), ensure_ascii=False, indent=1) + "\n",
        f"tests/test_{package}.py": _filled("test.py", words),
        "pyproject.toml": _filled("pyproject.toml", words),
    }
    told = "\n".join(
        ["| blank | what belongs there |", "| --- | --- |", *(f"| `{one}` | {BLANKS[one]} |" for one in blanks_of(made))]
    )
    return {**made, "README.md": _filled("README.md", {**words, "blanks": told})}


def blanks_of(written: Mapping[str, str]) -> list[str]:
    """The blanks in a package, in the order in which they are best filled."""
    used = {blank for text in written.values() for blank in re.findall(r"\bFILL_[A-Z_]+\b", text)}
    return [blank for blank in BLANKS if blank in used]


def exchanges(medium: Any, content: str) -> dict[str, Any]:
    """The table of a new adapter: one message, one answer, refusals, reports."""
    from recallgate.cli.examples import example_message

    message = example_message(medium, content)
    said = message["content"]
    sent = {
        "FILL_TO_FIELD": message["to"].get("e164") or next(value for key, value in message["to"].items() if key != "type"),
        **{blank: said[attribute] for blank, attribute in _SAID[content]},
        "FILL_REFERENCE_FIELD": _ID,
        "FILL_CALLBACK_FIELD": _REPORTS,
    }

    def report(title: str, status: str, *events: dict[str, str]) -> dict[str, Any]:
        body = json.dumps({"FILL_ID_FIELD": "id-1", "FILL_STATUS_FIELD": status})
        headers = {"content-type": "application/json"}
        common = {"message_id": _ID, "vendor_id": "id-1", "vendor_event_id": f"id-1:{status}", "status": status}
        request = {"method": "POST", "url": _REPORTS, "headers": headers, "body": body}
        return {"name": title, "request": request, "events": [{**common, **event} for event in events], "reply": {"status": 200}}

    return {
        "config": {"token": "a-token"},
        "message": message,
        "codes": {"FILL_BAD_ADDRESS": "invalid_recipient", "FILL_TOO_FAST": "rate_limited"},
        "statuses": {"FILL_ON_ITS_WAY": None, "FILL_DELIVERED": "delivered", "FILL_NOT_DELIVERED": "undelivered"},
        "refusal": {"status": 400, "body": {"FILL_CODE_FIELD": "$code", "words": "cannot send to $to"}},
        "requests": [
            {
                "name": "a message",
                "expected": {
                    "method": "POST",
                    "url": "FILL_URL",
                    "headers": {"authorization": "Bearer a-token", "content-type": "application/json"},
                    "json": sent,
                },
            }
        ],
        "answers": [
            {
                "name": "taken",
                "status": 200,
                "body": {"FILL_CODE_FIELD": "FILL_SUCCESS", "FILL_ID_FIELD": "id-1"},
                "receipt": {"vendor_id": "id-1"},
            }
        ],
        "callbacks": [
            report("delivered", "FILL_DELIVERED", {"type": "delivered"}),
            report("not delivered", "FILL_NOT_DELIVERED", {"type": "undelivered", "kind": "unknown"}),
            report("on its way", "FILL_ON_ITS_WAY"),
            report("never seen", "a status of next year", {"type": "unknown"}),
        ],
    }


def _filled(name: str, words: Mapping[str, str]) -> str:
    text = (files("recallgate.cli") / "scaffold" / f"{name}.txt").read_text("utf-8")
    return re.sub(rf"\{{({'|'.join(words)})\}}", lambda found: words[found[1]], text)
