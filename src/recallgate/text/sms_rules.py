"""Content rules for SMS: fixes are applied and named, the rest is reported. Fixing a fixed text changes nothing."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

from recallgate.rules.consent import ConsentLaw
from recallgate.rules.optout import ReplyWords, codes_in_suffix, compact
from recallgate.text.findings import Finding
from recallgate.text.links import find_links, links_in, space_links
from recallgate.text.segments import Encoding, count
from recallgate.text.wording import check_wording
from recallgate.text.words import Words, screened

MAX_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Checked:
    """The text after fixes, its length on the wire, and what was found."""

    text: str
    segments: int
    encoding: Encoding
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What still stands in the way of sending."""
        return tuple(finding for finding in self.findings if finding.level == "error" and not finding.fixed)


def check_sms(
    text: str,
    *,
    country: str | None,
    purpose: str = "marketing",
    signature: str | None = None,
    signature_last: bool = False,
    optout_suffix: str | None = None,
    blocked_words: Words = (),
    max_parts: int | None = None,
    max_items: int = 3,
    reply_path: bool = False,
    per_user_link: bool = True,
    approved_links: Collection[str] = (),
    sender_codes: Iterable[str] | None = None,
    advice: bool = True,
) -> Checked:
    """The text with its fixes, and everything found.

    `signature` is the account's, with or without brackets, put in place for CN. `optout_suffix` is the sender's, put on
    marketing. `blocked_words`: words, words with levels, or a `Screen` of lists. `reply_path`: an answer to the text is read
    as interest. `sender_codes`: reply codes that the inbound parser knows for this sender beside the country's. Without
    `advice` remarks on the wording, which never stop a text, are left out. Raises ValueError for a signature that is none.
    """
    tag = _tag(signature)
    marketing = purpose == "marketing"
    suffix = _suffix(optout_suffix) if optout_suffix and marketing else ""
    findings: list[Finding] = []

    body = text.strip()
    if country == "CN":
        tag = tag or _own_tag(body, last=signature_last)
        findings += _signature(body, tag, given=signature is not None, last=signature_last)
        body = _without(body, tag)
    else:
        tag = ""
    spaced = space_links(body) if _may_link(body) and not _well_spaced(body) else body
    if spaced != body:
        findings.append(Finding("warning", "link.spacing", "spaces were put around the links", fixed=True))
    body = spaced
    if suffix and suffix not in body:
        findings.append(_suffix_added(suffix))
        body = f"{body} {suffix}" if body else suffix
    final = _with_tag(body, tag, last=signature_last)

    said = spaced if suffix and suffix not in spaced else body.replace(suffix, " ") if suffix else body
    if marketing:
        findings += _optout(body, suffix, country, sender_codes)
        findings += _destination(said, country, reply_path=reply_path)
        findings += check_wording(_TAG.sub(" ", _cut_links(said)), max_items=max_items) if advice else ()
        label = _label(country) if advice else None
        if label and not final.startswith(label):
            findings.append(Finding("warning", "label.missing", f"advertising in {country} begins with {label}"))
    if not per_user_link and any(link not in approved_links for link in links_in(said)):
        findings.append(Finding("error", "link.forbidden", "this account sends no links of its own; use the approved one"))
    findings += screened(final, blocked_words, country=country)
    length = count(final, country=country)
    findings += _length(final, length.parts, length.encoding, max_parts)
    return Checked(final, length.parts, length.encoding, tuple(findings))


@lru_cache(maxsize=1024)  # of a sender, the same for all its texts
def _suffix(given: str) -> str:
    return space_links(given.strip())


@lru_cache(maxsize=1024)
def _suffix_added(suffix: str) -> Finding:
    return Finding("info", "optout.suffix_added", f"the opt-out suffix {suffix} was added", fixed=True)


def _may_link(text: str) -> bool:
    """False where no link can be: each has a dot or a scheme."""
    return "." in text or "://" in text


def _well_spaced(text: str) -> bool:
    """True where each link stands at an end of the text or has one space, and then a word, beside it."""
    last = len(text)
    for start, end in find_links(text):
        if start and (text[start - 1] != " " or text[max(start - 2, 0)].isspace()):
            return False
        if end < last and (text[end] != " " or text[min(end + 1, last - 1)].isspace()):
            return False
    return True


@lru_cache(maxsize=512)
def _label(country: str | None) -> str | None:
    return ConsentLaw.default().label(country=country, channel="sms")


_TAG = re.compile(r"【[^【】]{1,30}】")


def _tag(signature: str | None) -> str:
    if signature is None:
        return ""
    name = signature.strip().removeprefix("【").removesuffix("】").strip()
    if not name or "【" in name or "】" in name or len(name) > 30:
        raise ValueError("signature: write the name alone, 1 to 30 characters, for example 某某商城")
    return f"【{name}】"


def _own_tag(body: str, *, last: bool) -> str:
    """The signature that a text brings along at the right place."""
    tags = [match for match in _TAG.finditer(body) if (match.end() == len(body) if last else match.start() == 0)]
    return tags[0].group() if tags else ""


def _signature(body: str, tag: str, *, given: bool, last: bool) -> list[Finding]:
    place = "last" if last else "first"
    if not tag:
        return [Finding("error", "signature.missing", f"a text to mainland China needs a signature 【…】, {place}")]
    found: list[Finding] = []
    if not given or tag in body:
        in_place = body.endswith(tag) if last else body.startswith(tag)
        if not in_place or body.count(tag) > 1:
            found.append(Finding("info", "signature.moved", f"the signature {tag} was put {place}, once", fixed=True))
    else:
        found.append(Finding("info", "signature.added", f"the signature {tag} was put {place}", fixed=True))
    rest = _without(body, tag)
    other = _own_tag(rest, last=last)
    if other:
        found.append(
            Finding("error", "signature.other", f"{other} stands where carriers read the signature; the account's is {tag}")
        )
    return found


def _without(body: str, tag: str) -> str:
    while tag and tag in body:
        body = body.replace(tag, "").strip()
    return body


def _with_tag(body: str, tag: str, *, last: bool) -> str:
    """Body and signature; a link next to the bracket keeps its space."""
    if not tag:
        return body
    links = find_links(body)
    if last:
        return f"{body}{' ' if links and links[-1][1] == len(body) else ''}{tag}"
    return f"{tag}{' ' if links and links[0][0] == 0 else ''}{body}"


_WAY_OUT = re.compile(
    r"退订|拒收|unsubscribe|opt[ -]?out|(?:reply|text|send)\W{0,3}\w{1,12}\W{0,3}\s+(?:to|for)\s+(?:end|stop|cancel|quit)"
    r"|\bstop\b",
    re.I,
)


def _optout(body: str, suffix: str, country: str | None, sender_codes: Iterable[str] | None) -> list[Finding]:
    if not suffix and not _WAY_OUT.search(unicodedata.normalize("NFKC", body)):
        return [
            Finding("error", "optout.missing", "marketing needs a way to opt out; give the sender's suffix, for example 回T退订")
        ]
    return list(_way_out(suffix or _sentence_of_way_out(body), bool(suffix), country, tuple(sender_codes or ())))


@lru_cache(maxsize=1024)  # of a sender's suffix, which is the same for all its texts
def _way_out(way: str, is_suffix: bool, country: str | None, sender_codes: tuple[str, ...]) -> tuple[Finding, ...]:
    codes = codes_in_suffix(way)
    if not codes:
        if links_in(way) or not is_suffix:
            return ()
        return (Finding("error", "optout.no_code", f"the opt-out suffix {way} names neither a reply code nor a link"),)
    own = {compact(code) for code in sender_codes}
    words = ReplyWords.default()
    unknown = [code for code in codes if code not in own and not words.knows(code, country=country)]
    return tuple(
        Finding(
            "error",
            "optout.unknown_code",
            f"the inbound parser does not know the reply code {code.upper()}; add it to the account",
        )
        for code in unknown
    )


def _sentence_of_way_out(body: str) -> str:
    """The clause around an opt-out that the text words itself."""
    plain = unicodedata.normalize("NFKC", body)
    match = _WAY_OUT.search(plain)
    if match is None:
        return ""
    start = max((plain.rfind(mark, 0, match.start()) for mark in ",.;!?。、\n "), default=-1) + 1
    if match.group()[0] not in "退拒":
        start = max((plain.rfind(mark, 0, match.start()) for mark in ",.;!?\n"), default=-1) + 1
    ends = [at for mark in ",.;!?。\n" if (at := plain.find(mark, match.end())) >= 0]
    return plain[start : min(ends, default=len(plain))]


_TELEPHONE = re.compile(
    r"(?<![\w+\-])(?:\+\d[\d\- ]{6,16}\d|[48]00[- ]?\d{3}[- ]?\d{4}|1[3-9]\d{9}|0\d{2,3}-?\d{7,8})(?!\d)", re.ASCII
)
_REPLY = re.compile(r"(?:回复?|reply(?:\s+with)?|text)\W{0,2}[A-Za-z0-9]+|直接回复|reply to this", re.I)


def _destination(said: str, country: str | None, *, reply_path: bool) -> list[Finding]:
    links: Collection[str] = ()
    without_links = said
    if _may_link(said):
        links = set(links_in(said))
        without_links = _cut_links(said)
    goals = len(links) + len({re.sub(r"\D", "", number) for number in _TELEPHONE.findall(without_links)})
    if goals > 1:
        return [Finding("error", "destination.many", f"{goals} places to tap; a recall text leads to exactly one")]
    if goals or reply_path or any(not _leaves(ask, country) for ask in _REPLY.finditer(without_links)):
        return []
    return [Finding("error", "destination.none", "nothing to tap and no reply path; give one link")]


_TO_LEAVE = re.compile(r"\W{0,2}\s*to\s+(?:opt|unsub|end|stop|cancel|quit)", re.I)


def _leaves(ask: re.Match[str], country: str | None) -> bool:
    """True when the reply asked for is the opt-out, which is no reply path."""
    around = ask.string[max(0, ask.start() - 4) : ask.end() + 3]
    if "退订" in around or "拒收" in around or _TO_LEAVE.match(ask.string, ask.end()):
        return True
    return any(ReplyWords.default().knows(code, country=country) for code in codes_in_suffix(ask.group()))


def _length(text: str, parts: int, encoding: Encoding, max_parts: int | None) -> list[Finding]:
    found: list[Finding] = []
    if parts == 1 and len(text) <= MAX_CHARACTERS and (max_parts is None or max_parts >= 1):
        return found
    if len(text) > MAX_CHARACTERS:
        found.append(Finding("error", "length.over_limit", f"{len(text)} characters; at most {MAX_CHARACTERS} are sent"))
    if max_parts is not None and parts > max_parts:
        found.append(Finding("warning", "length.over_budget", f"{parts} parts ({encoding}), the budget is {max_parts}"))
    elif parts > 1:
        found.append(Finding("info", "length.parts", f"{parts} parts ({encoding}), each is billed"))
    return found


def _cut_links(text: str) -> str:
    out, at = "", 0
    for start, end in find_links(text):
        out += text[at:start] + " "
        at = end
    return out + text[at:]
