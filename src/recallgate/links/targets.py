"""Which targets a short link may lead to, so that nobody borrows our domain."""

from urllib.parse import urlsplit

import httpx


def safe_target(target: str, hosts: frozenset[str] = frozenset()) -> str | None:
    """The target as it is stored, its host in ASCII; None where no short link may lead.

    Http(s) only, with a host and without user or password, control characters and backslashes (browsers read them as
    slashes). `hosts`, when there are any, are the only ones, with their subdomains.
    """
    if "\\" in target or not target.isprintable():
        return None
    try:
        parts = urlsplit(target)
        _ = parts.port  # a port that is none raises here
        host = parts.hostname or ""
        if not host.isascii():
            host = httpx.URL(f"http://{host}").raw_host.decode()
            port = f":{parts.port}" if parts.port is not None else ""
            target = parts._replace(netloc=f"{host}{port}").geturl()
    except (ValueError, httpx.InvalidURL):
        return None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return None
    if hosts and not any(host == known or host.endswith(f".{known}") for known in hosts):
        return None
    return target
