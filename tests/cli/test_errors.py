"""Bad input: one line that names the field and the remedy, exit code 2, never a traceback."""

import json

import pytest

from recallgate.cli.app import app
from recallgate.cli.errors import is_expected, line_of
from recallgate.model.errors import ConfigError

TWILIO = {"account_sid": "AC1", "auth_token": "very-secret-token", "sender": "+15005550006"}
SMS = {
    "channel": "sms",
    "to": {"type": "phone", "e164": "+14155550123"},
    "content": {"type": "text", "text": "Hi"},
    "purpose": "otp",
}
REQUEST = ("adapters", "request", "twilio.sms", "--config", "C", "--message", "M", "--json")


@pytest.mark.parametrize(
    ("arguments", "config", "message", "words"),
    [
        (REQUEST, {**TWILIO, "auth_tokn": "very-secret-token"}, SMS, "auth_tokn is not a setting; there are account_sid, "),
        (REQUEST, {"auth_token": "very-secret-token"}, SMS, "account_sid is missing"),
        (REQUEST, {**TWILIO, "messaging_service_sid": "MG1"}, SMS, "sender, messaging_service_sid: give one of them"),
        (REQUEST, TWILIO, {**SMS, "to": {"type": "phone", "e164": "4155550123"}}, "not an E.164 number"),
        (REQUEST, TWILIO, {**SMS, "purpose": "fun"}, "message: purpose: "),
        (REQUEST, TWILIO, {**SMS, "colour": "red"}, "message: colour is not known"),
        (REQUEST, TWILIO, {key: value for key, value in SMS.items() if key != "purpose"}, "message: purpose is missing"),
        (REQUEST, TWILIO, {**SMS, "options": {"twilio.sms": {"smart": True}}}, "options[twilio.sms].smart: "),
        (REQUEST, TWILIO, {**SMS, "content": {"type": "text", "text": "x" * 1601}}, "more than 1600 characters"),
        (
            REQUEST,
            TWILIO,
            {**SMS, "channel": "email", "to": {"type": "email", "email": "a@b.example"}},
            "content: channel email takes content of type email or template, not text",
        ),
        (
            REQUEST,
            TWILIO,
            {**SMS, "channel": "voice", "content": {"type": "call", "say": [{"type": "say", "text": "Hi"}]}},
            "channel is voice, but twilio.sms serves sms",
        ),
        (REQUEST, "{not json", SMS, "line 1 column 2: not JSON"),
        (REQUEST, '{"a": 1,\n "b": }', SMS, "line 2 column 7: not JSON"),
        (REQUEST, "", SMS, "line 1 column 1: not JSON"),
        (REQUEST, "[]", SMS, "config: "),
        (REQUEST, TWILIO, "7", "holds a number; write one JSON object"),
        ((*REQUEST, "--now", "yesterday"), TWILIO, SMS, "now: not an instant; write 2026-11-22T10:00:00Z"),
        ((*REQUEST, "--now", "2026-11-22T10:00:00"), TWILIO, SMS, "now: the instant has no time zone"),
        ((*REQUEST, "--public-url", "app.example"), TWILIO, SMS, "public_url: write the whole address"),
        (("adapters", "show", "twillio.sms"), {}, {}, "adapter 'twillio.sms' is not known; there are: "),
        (("stats", "wilsen"), {}, {}, "'wilsen' is no statistic; there are wilson"),
        (("stats", "wilson", "nowhere.jsonl"), {}, {}, "file: there is no file nowhere.jsonl"),
        (("decide", "."), {}, {}, "file: . cannot be read"),
        (("segment", "nowhere.csv", "--as-of", "2026-01-01"), {}, {}, "there is no file nowhere.csv"),
        (("segment", "x.csv", "--as-of", "01.02.2026"), {}, {}, "as_of: not an instant"),
        (("segment", "x.csv", "--as-of", "2026-01-01", "--lapsed-after", "soon"), {}, {}, "lapsed_after: not a span"),
        (("segment", "x.csv", "--as-of", "2026-01-01", "--lapsed-after", "36h"), {}, {}, "lapsed_after: whole days"),
        (("lint", "sms", "Hi", "--country", "China"), {}, {}, "country: write two letters"),
        (("lint", "sms", "Hi", "--purpose", "fun"), {}, {}, "purpose: 'fun' is none of otp, "),
        (("lint", "sms", "Hi", "--country", "CN", "--signature", "【】"), {}, {}, "signature: write the name alone"),
        (("lint", "sms", "Hi", "--max-parts", "0"), {}, {}, "Invalid value for '--max-parts'"),
        (("review",), {}, {}, "review: give one of a campaign of the store and --counts"),
        (("review", "--counts", "nowhere.json"), {}, {}, "counts: there is no file nowhere.json"),
        (("review", "spring"), {}, {}, "store: none is named"),
        (("explain",), {}, {}, "explain: give one of a message's ID"),
        (("explain", "m1", "--person", "p"), {}, {}, "explain: give one of a message's ID"),
        (("explain", "m1", "--store", "sqlite:///nowhere.sqlite"), {}, {}, "store: there is no file nowhere.sqlite"),
        (("explain", "m1", "--store", "mysql://x"), {}, {}, "store: mysql is not a store of this release"),
        (("explain", "m1", "--config", "nowhere.toml"), {}, {}, "config: nowhere.toml does not exist"),
        (("send",), {}, {}, "message: give one of --message M.json and --sms TO TEXT"),
        (("send", "--sms", "+14155550123", "Hi"), {}, {}, "purpose: give --purpose otp"),
        (("send", "--sms", "4155", "Hi", "--purpose", "otp"), {}, {}, "not an E.164 number"),
        (("send", "--sms", "+14155550123", "Hi", "--purpose", "otp", "--dsn", "env:NO_SUCH"), {}, {}, "NO_SUCH is not set"),
        (("send", "--sms", "+14155550123", "Hi", "--purpose", "otp", "--dsn", "twilio"), {}, {}, "dsn: write vendor.channel://"),
        (("worker", "--store", "sqlite://"), {}, {}, "store: one in memory is not seen by other processes"),
        (("db", "upgrade"), {}, {}, "store: none is named"),
        (("db", "upgrade", "--store", "sqlite://"), {}, {}, "store: only a database in a file can be migrated"),
        (("pause", "planet", "mars", "--store", "sqlite://"), {}, {}, "scope: 'planet' is none of campaign, account, channel"),
        (("pause", "channel", "smoke", "--store", "sqlite://"), {}, {}, "channel 'smoke' is not known"),
        (("rules", "show", "France"), {}, {}, "country: write two letters"),
        (("rules", "show", "FR", "--channel", "smoke"), {}, {}, "channel 'smoke' is not known"),
        (("preflight", "nowhere.json"), {}, {}, "figures: there is no file nowhere.json"),
        (("sandbox", "--config", "nowhere.toml"), {}, {}, "config: nowhere.toml does not exist"),
        (("sandbox", "--http-port", "x"), {}, {}, "Invalid value for '--http-port'"),
        (("frobnicate",), {}, {}, "No such command 'frobnicate'"),
        (("stats", "wilson", "--jsn"), {}, {}, "No such option"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else None,
)
def test_bad_input_is_one_line(run, file, monkeypatch, tmp_path, arguments, config, message, words):
    monkeypatch.chdir(tmp_path)
    given = {"C": file(config, "C.json"), "M": file(message, "M.json")}

    ran = run(*(given.get(one, one) for one in arguments), input="")

    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert words in ran.err
    assert "very-secret-token" not in ran.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[gateway]\nstoer = 'x'\n", "stoer is not a setting"),
        ("[gatway]\n", "unknown table [gatway]"),
        ("[gateway\n", "is not TOML"),
        ("[accounts.a]\nadapter = 'twillio.sms'\n", "adapter 'twillio.sms' is not known"),
        ("[accounts.a]\nsender = 'x'\n", "accounts.a.adapter is missing"),
        ("[accounts.a]\nadapter = 'twilio.sms'\nauth_token = 'env:NO_SUCH'\n", "the environment variable NO_SUCH is not set"),
        ("[accounts.a]\nadapter = 'twilio.sms'\naccount_sid = 'AC1'\nauth_token = 't'\nrate = 0\n", "rate: "),
    ],
)
def test_a_wrong_setting_is_named(run, file, text, words):
    ran = run("status", "--config", file(text, "recallgate.toml"))

    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("fault", [KeyError("x"), IndexError("x"), TypeError("x"), ZeroDivisionError()])
def test_faults_of_the_program_are_not_hidden(fault):
    assert not is_expected(fault)


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (ConfigError("two\nlines"), "two lines"),
        (PermissionError(13, "Permission denied", "a.json"), "a.json: Permission denied"),
        (LookupError("two packages offer 'x'"), "two packages offer 'x'"),
        (RecursionError(), "input: nested too deeply"),
        (ValueError(), "ValueError"),
    ],
)
def test_expected_fault_is_one_line(fault, line):
    assert is_expected(fault)
    assert line_of(fault) == line


def test_no_arguments_show_the_commands(run):
    ran = run()

    assert ran.code == 2
    assert "decide" in ran.out + ran.err


def test_version_is_the_packages(run):
    from recallgate import __version__

    assert run("--version").out == f"recallgate {__version__}\n"


def test_every_command_explains_itself(run):
    names = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]

    assert len(names) > 10
    for name in (*names, "adapters", "lint", "suppressions", "rules", "db"):
        ran = run(name, "--help")
        assert ran.code == 0
        assert f" {name} " in ran.out


@pytest.mark.parametrize("value", ["\ud800", "好久不见", "a\u2028b", "\x00"])
def test_any_text_can_be_written_as_one_line_of_json(value):
    from recallgate.cli.output import as_json

    line = as_json({"text": value})

    assert json.loads(line) == {"text": value}
    assert "\n" not in line
    line.encode()
