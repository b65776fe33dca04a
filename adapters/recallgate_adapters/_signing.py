"""Request signatures that several vendors share: Aliyun (ACS3, RPC), Tencent (TC3) and the family of AWS's version 4.

Source: alibabacloud_tea_openapi 0.4.6, tencentcloud-sdk-python-common 3.1.195, volcengine 1.0.229 and huaweicloudsdkcore
3.1.219, and the vendors' own worked examples, read 2026-11-22.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

import httpx

FORM = "application/x-www-form-urlencoded"


def encode(text: str) -> str:
    """A text in the encoding of RFC 3986: a space is %20, a star %2A, a tilde stays."""
    return quote(text, safe="")


def encode_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Pairs as a query or a form body, in the order given."""
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in pairs)


def sha256_hex(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def derived_key(secret: str, *steps: str) -> bytes:
    """The key at the end of a chain: each step is signed with the key before it."""
    key = secret.encode()
    for step in steps:
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return key


def hmac_hex(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def canonical_query(url: httpx.URL) -> str:
    """The query sorted by name and value, every part encoded anew."""
    return encode_pairs(sorted(parse_qsl(url.query.decode(), keep_blank_values=True)))


def canonical_request(
    request: httpx.Request, signed: Iterable[str], *, path: str, payload_hash: str, lower: bool = False
) -> tuple[str, str]:
    """The canonical text of a request and the names of its signed headers, joined; `signed` are names in lower case.

    With `lower` the values of headers are written in lower case too.
    """
    names = sorted(signed)
    lines = "".join(f"{name}:{request.headers[name].strip()}\n" for name in names)
    lines = lines.lower() if lower else lines
    joined = ";".join(names)
    return "\n".join((request.method, path, canonical_query(request.url), lines, joined, payload_hash)), joined


def path_of(url: httpx.URL) -> str:
    return url.raw_path.decode().partition("?")[0] or "/"


# Aliyun


def acs3(
    request: httpx.Request, *, key_id: str, secret: str, now: datetime, nonce: str, token: str | None = None
) -> httpx.Request:
    """The request with Aliyun's ACS3-HMAC-SHA256 on it; `x-acs-action` and `x-acs-version` stand on it already."""
    request.headers["x-acs-date"] = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    request.headers["x-acs-signature-nonce"] = nonce
    request.headers["x-acs-content-sha256"] = sha256_hex(request.content)
    if token:
        request.headers["x-acs-accesskey-id"] = key_id
        request.headers["x-acs-security-token"] = token
    signed = [name for name in request.headers if name in ("host", "content-type") or name.startswith("x-acs-")]
    request.headers["authorization"] = acs3_authorization(request, signed, key_id=key_id, secret=secret)
    return request


def acs3_authorization(request: httpx.Request, signed: Iterable[str], *, key_id: str, secret: str) -> str:
    payload_hash = sha256_hex(request.content)
    canonical, names = canonical_request(request, signed, path=path_of(request.url), payload_hash=payload_hash)
    signature = hmac_hex(secret.encode(), f"ACS3-HMAC-SHA256\n{sha256_hex(canonical.encode())}")
    return f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={signature}"


def rpc_signature(method: str, params: Mapping[str, str], *, secret: str) -> str:
    """Aliyun's older signature (version 1.0, HMAC-SHA1) over all parameters, wherever they travel."""
    text = f"{method}&%2F&{encode(encode_pairs(sorted(params.items())))}"
    return b64encode(hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()).decode()


def acs_rpc(
    request: httpx.Request, *, key_id: str, secret: str, now: datetime, nonce: str, token: str | None = None
) -> httpx.Request:
    """A request made for `acs3` in the older style: action, time, key and signature in the query, the form body unchanged."""
    system = {
        "Action": request.headers["x-acs-action"],
        "Version": request.headers["x-acs-version"],
        "Format": "json",
        "AccessKeyId": key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": nonce,
        "Timestamp": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **({"SecurityToken": token} if token else {}),
    }
    business = dict(parse_qsl(request.content.decode(), keep_blank_values=True))
    system["Signature"] = rpc_signature(request.method, {**system, **business}, secret=secret)
    headers = {"content-type": request.headers.get("content-type", FORM)}
    url = request.url.copy_with(query=encode_pairs(system.items()).encode())
    return httpx.Request(request.method, url, headers=headers, content=request.content)


# Tencent Cloud


def tc3(
    request: httpx.Request, *, key_id: str, secret: str, service: str, now: datetime, token: str | None = None
) -> httpx.Request:
    """The request with Tencent's TC3-HMAC-SHA256 on it. The day of the scope is the one in UTC."""
    request.headers["x-tc-timestamp"] = str(int(now.timestamp()))
    if token:
        request.headers["x-tc-token"] = token
    request.headers["authorization"] = tc3_authorization(
        request, ("content-type", "host"), key_id=key_id, secret=secret, service=service
    )
    return request


def tc3_authorization(request: httpx.Request, signed: Iterable[str], *, key_id: str, secret: str, service: str) -> str:
    stamp = request.headers["x-tc-timestamp"]
    day = datetime.fromtimestamp(int(stamp), UTC).strftime("%Y-%m-%d")
    payload_hash = sha256_hex(request.content)
    canonical, names = canonical_request(request, signed, path="/", payload_hash=payload_hash, lower=True)
    scope = f"{day}/{service}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{sha256_hex(canonical.encode())}"
    signature = hmac_hex(derived_key(f"TC3{secret}", day, service, "tc3_request"), text)
    return f"TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"


# Volcengine


def volcengine(
    request: httpx.Request, *, key_id: str, secret: str, service: str, region: str, now: datetime, token: str | None = None
) -> httpx.Request:
    """The request with Volcengine's HMAC-SHA256 on it: a chain as in AWS's version 4, with no prefix before the secret."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    payload_hash = sha256_hex(request.content)
    request.headers["x-date"] = stamp
    request.headers["x-content-sha256"] = payload_hash
    if token:
        request.headers["x-security-token"] = token
    signed = ["content-type", "host", "x-content-sha256", "x-date", *(["x-security-token"] if token else [])]
    canonical, names = canonical_request(request, signed, path=path_of(request.url), payload_hash=payload_hash)
    steps = (stamp[:8], region, service, "request")
    text = f"HMAC-SHA256\n{stamp}\n{'/'.join(steps)}\n{sha256_hex(canonical.encode())}"
    signature = hmac_hex(derived_key(secret, *steps), text)
    request.headers["authorization"] = (
        f"HMAC-SHA256 Credential={key_id}/{'/'.join(steps)}, SignedHeaders={names}, Signature={signature}"
    )
    return request


# Huawei Cloud


def huawei(request: httpx.Request, *, key_id: str, secret: str, now: datetime) -> httpx.Request:
    """The request with Huawei Cloud's SDK-HMAC-SHA256 on it; the body of a form is told as unsigned, as the SDK does."""
    request.headers["x-sdk-date"] = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    if request.headers["content-type"].startswith(FORM):
        request.headers["x-sdk-content-sha256"] = "UNSIGNED-PAYLOAD"
    signed = [name for name in request.headers if name in ("content-type", "host") or name.startswith("x-sdk-")]
    request.headers["authorization"] = huawei_authorization(request, signed, key_id=key_id, secret=secret)
    return request


def huawei_authorization(request: httpx.Request, signed: Iterable[str], *, key_id: str, secret: str) -> str:
    """Header of SDK-HMAC-SHA256 for a request that has its `x-sdk-date`; the path always ends with a slash."""
    payload_hash = request.headers.get("x-sdk-content-sha256") or sha256_hex(request.content)
    path = path_of(request.url)
    canonical, names = canonical_request(
        request, signed, path=path if path.endswith("/") else f"{path}/", payload_hash=payload_hash
    )
    text = f"SDK-HMAC-SHA256\n{request.headers['x-sdk-date']}\n{sha256_hex(canonical.encode())}"
    return f"SDK-HMAC-SHA256 Access={key_id}, SignedHeaders={names}, Signature={hmac_hex(secret.encode(), text)}"


def wsse(request: httpx.Request, *, key_id: str, secret: str, now: datetime, nonce: str) -> httpx.Request:
    """The request with Huawei Cloud's older X-WSSE: the digest is Base64 of the hash's hexadecimal text, not of its bytes."""
    created = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = b64encode(sha256_hex(f"{nonce}{created}{secret}".encode()).encode()).decode()
    told = f'UsernameToken Username="{key_id}",PasswordDigest="{digest}",Nonce="{nonce}",Created="{created}"'
    request.headers["authorization"] = 'WSSE realm="SDP",profile="UsernameToken",type="Appkey"'
    request.headers["x-wsse"] = told
    return request
