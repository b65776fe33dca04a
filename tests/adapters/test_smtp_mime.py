"""Mail as bytes: whatever went in is what the standard library's parser, and the face, read out of it."""

import base64
import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import given, strategies as st

from recallgate import Attachment, Email, EmailAddress, ErrorKind, IdSource, Message, Purpose, SendError, Taken
from recallgate_adapters.faces.smtp import SmtpFace
from recallgate_adapters.smtp_config import SmtpConfig
from recallgate_adapters.smtp_message import compose
from recallgate_adapters.smtp_mime import header, mailbox, multipart, parse_mailbox, text_part

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
CONFIG = SmtpConfig.model_validate({"host": "127.0.0.1", "port": 25, "security": "none", "sender": "Shop <news@shop.example>"})
FORBIDDEN = "".join(map(chr, [*range(9), *range(10, 32), 0x7F, 0x85, 0x2028, 0x2029]))

LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=FORBIDDEN + "\t"), min_size=1, max_size=200)
BODIES = st.text(st.characters(exclude_categories=["Cs"]), max_size=400) | st.text("ab =.\t\n\ré商🙂-_", max_size=400)


def a_mail(*, name: str | None = None, **content: Any) -> Message:
    body = Email.model_validate({"subject": "S", "text": "T", **content})
    to = EmailAddress(email="ann@example.com", name=name)
    return Message(id="m1", channel="email", to=to, content=body, purpose=Purpose.SERVICE)


def composed(message: Message) -> bytes:
    return compose(message, CONFIG, message_id="<m1@shop.example>", date=NOW)


def read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def taken_by_the_face(raw: bytes) -> Taken:
    code, _, taken = SmtpFace({}).accept("news@shop.example", "ann@example.com", raw, now=NOW, new_id=IdSource("seed"))
    assert code == 250
    assert taken is not None
    return taken


def shown(text: str) -> str:
    """A body as mail carries it: line feeds only, and one at the end."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else f"{text}\n"


def content_of(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


# Properties


@given(subject=LINES)
def test_a_subject_arrives_as_it_was(subject: str) -> None:
    raw = composed(a_mail(subject=subject))

    assert raw.isascii()
    assert str(read(raw)["Subject"]) == subject
    assert taken_by_the_face(raw).data["subject"] == subject


@given(name=LINES)
def test_a_name_arrives_as_it_was_and_is_no_address(name: str) -> None:
    raw = composed(a_mail(name=name))
    # The older reader: the newer one shows a space between two encoded words of a name, against RFC 2047 6.2.
    shown_name, address = parseaddr(message_from_bytes(raw)["To"])

    assert raw.isascii()
    assert (str(make_header(decode_header(shown_name))), address) == (name, "ann@example.com")
    assert [a.addr_spec for a in read(raw)["To"].addresses] == ["ann@example.com"]


@given(text=BODIES, html=BODIES)
def test_bodies_arrive_as_they_were(text: str, html: str) -> None:
    raw = composed(a_mail(text=text, html=html))
    mail = read(raw)

    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert (content_of(mail, "plain"), content_of(mail, "html")) == (shown(text), shown(html))
    assert taken_by_the_face(raw).text == f"S\n{shown(text)}"


@given(text=BODIES)
def test_a_line_is_short_and_ends_with_crlf(text: str) -> None:
    raw = composed(a_mail(text=text))

    assert raw.isascii()
    assert re.search(rb"(?<!\r)\n|\r(?!\n)|\0", raw) is None
    assert max(map(len, raw.split(b"\r\n"))) <= 78


@given(data=st.binary(max_size=300), filename=LINES)
def test_a_file_arrives_as_it_was(data: bytes, filename: str) -> None:
    attachment = Attachment(filename=filename, media_type="image/png", data=base64.b64encode(data).decode())
    raw = composed(a_mail(html="<p>H</p>", attachments=(attachment,)))
    mail = read(raw)
    (part,) = mail.iter_attachments()

    assert mail.get_content_type() == "multipart/mixed"
    # Not `get_filename`, which takes spaces and <> away from what it has read.
    assert part["Content-Disposition"].params["filename"] == filename
    assert (part.get_content_type(), part.get_content()) == ("image/png", data)
    assert (content_of(mail, "plain"), content_of(mail, "html")) == ("T\n", "<p>H</p>\n")
    assert taken_by_the_face(raw).text == "S\nT\n"


@given(
    raw=st.binary(max_size=200)
    | st.lists(
        st.sampled_from(
            [
                b"Content-Type: multipart/mixed; boundary=b\n",
                b"Content-Type: text/plain; charset=x\n",
                b"\n--b\n",
                b"\n--b--\n",
                b"\n",
                b"Content-Transfer-Encoding: base64\n",
                b"From: a\n",
                b"Message-ID: =?u?b?!?=\n",
                b"x",
                b"\r\n",
                b"charset=a\0b\n",
            ]
        ),
        max_size=20,
    ).map(b"".join)
)
def test_the_face_answers_any_bytes(raw: bytes) -> None:
    code, _, taken = SmtpFace({}).accept("a@b.example", "c@d.example", raw, now=NOW, new_id=IdSource("seed"))

    assert (code, taken is None) in ((250, False), (550, True))


# Edges


@pytest.mark.parametrize("subject", ["=?utf-8?q?boo?=", " led by a space", "a  b", "x" * 998, "安" * 300, "🙂" * 100])
def test_an_odd_subject_arrives_as_it_was(subject: str) -> None:
    raw = composed(a_mail(subject=subject))

    assert str(read(raw)["Subject"]) == subject
    assert max(map(len, raw.split(b"\r\n"))) <= 78


@pytest.mark.parametrize("character", [*FORBIDDEN])
def test_no_header_takes_a_control_character(character: str) -> None:
    bad = f"a{character}b"
    names = EmailAddress.model_construct(email="ann@example.com", name=bad)
    file = Attachment.model_construct(filename=bad, media_type="image/png", data="")
    contents = [
        Email.model_construct(subject=bad, text="T"),
        Email.model_construct(subject="S", text="T", headers={"X-A": bad}),
        Email.model_construct(subject="S", text="T", reply_to=f"{bad} <c@d.example>"),
        Email.model_construct(subject="S", text="T", reply_to=f"{bad}安 <c@d.example>"),
        Email.model_construct(subject="S", text="T", attachments=(file,)),
    ]

    for message in [
        *(a_mail().model_copy(update={"content": content}) for content in contents),
        a_mail().model_copy(update={"to": names}),
    ]:
        with pytest.raises(SendError) as caught:
            composed(message)
        assert (caught.value.kind, caught.value.code) == (ErrorKind.UNSUPPORTED, "headers")


@pytest.mark.parametrize("address", ["a,b@x.example", "a b@x.example", "a@b@x.example", "a@x.example>", "a@x y", "(a)@x.example"])
def test_two_addresses_are_not_one(address: str) -> None:
    message = a_mail().model_copy(update={"to": EmailAddress.model_construct(email=address, name=None)})

    with pytest.raises(SendError) as caught:
        composed(message)

    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_a_reply_address_keeps_its_name() -> None:
    mail = read(composed(a_mail(reply_to="商店 <help@bücher.example>, Bo <bo@shop.example>")))

    assert [(a.display_name, a.addr_spec) for a in mail["Reply-To"].addresses] == [
        ("商店", "help@xn--bcher-kva.example"),
        ("Bo", "bo@shop.example"),
    ]


def test_a_wrong_reply_address_is_not_the_recipients_fault() -> None:
    with pytest.raises(SendError) as caught:
        composed(a_mail(reply_to="商店"))

    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_two_addresses_too_long_for_a_line_are_folded_between_them() -> None:
    first, second = "<https://a.example/" + "t" * 600 + ">", "<https://b.example/" + "t" * 600 + ">"

    assert header("List-Unsubscribe", f"{first}, {second}") == f"List-Unsubscribe: {first},\r\n {second}"
    with pytest.raises(ValueError, match="too long"):
        header("List-Unsubscribe", "<https://a.example/" + "t" * 1000 + ">")


def test_a_boundary_is_in_no_part() -> None:
    plain = text_part("--=_alternative0_\n--=_alternative1_--", "plain")

    mail = read(bytes(multipart("alternative", [plain, text_part("<p>", "html")])))

    assert [str(part.get_content()).replace("\r\n", "\n") for part in mail.iter_parts()] == [
        "--=_alternative0_\n--=_alternative1_--\n",
        "<p>\n",
    ]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("a" * 78, "7bit"),
        ("a" * 79, "quoted-printable"),
        ("a\x00", "quoted-printable"),
        ("Grüße aus Köln und bis bald im Laden", "quoted-printable"),
        ("好久不见", "base64"),
    ],
)
def test_a_body_has_the_shortest_encoding_that_every_server_takes(text: str, encoding: str) -> None:
    assert text_part(text, "plain").headers[1] == f"Content-Transfer-Encoding: {encoding}"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("", "a@b.example"),
        ("Ann Lee", "Ann Lee <a@b.example>"),
        ("Lee, Ann", '"Lee, Ann" <a@b.example>'),
        ('A "B" \\', '"A \\"B\\" \\\\" <a@b.example>'),
        ("安", "=?utf-8?b?5a6J?= <a@b.example>"),
    ],
)
def test_a_mailbox_is_written(name: str, written: str) -> None:
    assert mailbox(name, "a@b.example", column=4) == written


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("Shop <a@b.example>", ("Shop", "a@b.example")),
        ("商店 Ü <a@b.example>", ("商店 Ü", "a@b.example")),
        ('"Shop, Inc." <a@b.example>', ("Shop, Inc.", "a@b.example")),
        ("a@b.example", ("", "a@b.example")),
        ("<a@b.example>", ("", "a@b.example")),
        ("Shop (the) <a@b.example>", ("Shop (the)", "a@b.example")),
        ("nobody", ("", "nobody")),
    ],
)
def test_a_mailbox_is_read(value: str, parts: tuple[str, str]) -> None:
    assert parse_mailbox(value) == parts


# The face

FOREIGN = """\
From: a@b.example
Message-ID:
 <1@b.example>
Subject: =?ISO-8859-1?Q?Gr=FC=DFe_aus?=
 =?utf-8?b?IEvDtmxu?= !
List-Unsubscribe: <mailto:a@b.example>,
\t<https://b.example/u>
Content-Type: multipart/mixed;
\tboundary=outer

preamble
--outer
Content-Type: multipart/alternative; boundary="in ner"

--in ner
Content-Disposition: attachment

not this
--in ner
Content-Type: TEXT/Plain; charset=iso-8859-1
Content-Transfer-Encoding: Quoted-Printable

Gr=FC=DFe http://b.example/1?a=3D1
--outerer
--in ner
Content-Type: text/html

<a href='http://b.example/2'>
--in ner--

--outer--
http://b.example/epilogue
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_face_reads_mail_that_others_write(end: str) -> None:
    raw = FOREIGN.replace("\n", end).encode()

    taken = taken_by_the_face(raw)

    assert taken.vendor_id == "<1@b.example>"
    assert taken.text == "Grüße aus Köln !\nGrüße http://b.example/1?a=1\n--outerer"
    assert taken.links == ("http://b.example/1?a=1", "http://b.example/2")
    assert taken.unsubscribe_url == "https://b.example/u"


def test_marketing_is_what_the_face_offers_to_leave() -> None:
    message = a_mail().model_copy(update={"purpose": Purpose.MARKETING})
    url = "https://app.example/u/" + "t" * 300
    raw = compose(message, CONFIG, message_id="<m1@shop.example>", date=NOW, unsubscribe_url=url)

    assert taken_by_the_face(raw).unsubscribe_url == url
