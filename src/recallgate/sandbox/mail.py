"""The sandbox's mail server: a submission server on a real socket whose mails go to a face."""

import asyncio
import hmac
import warnings
from typing import Any

from recallgate.sandbox.vendors import Vendor, Vendors

_MOST_BYTES = 30 * 1024 * 1024


async def serve_mail(vendors: Vendors, vendor: Vendor, *, host: str, port: int) -> asyncio.Server:
    """Listen for mail in this event loop; port 0 takes a free one. Needs the extra `sandbox`.

    Where the account has a user name and a password, clients must log in with them; the connection itself is not secured.
    """
    from aiosmtpd.smtp import SMTP

    user, password = vendor.settings.get("username"), vendor.settings.get("password")
    handler = _Handler(vendors, vendor)
    options: dict[str, Any] = {"data_size_limit": _MOST_BYTES, "enable_SMTPUTF8": True, "ident": "recallgate sandbox"}
    if user:
        options |= {"authenticator": _authenticator(user, password or ""), "auth_required": True, "auth_require_tls": False}
    loop = asyncio.get_running_loop()

    def session() -> Any:
        with warnings.catch_warnings():  # a log-in without encryption is what a sandbox on this machine wants
            warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
            return SMTP(handler, loop=loop, **options)

    return await loop.create_server(session, host, port)


class _Handler:
    """What aiosmtpd asks when a mail is complete."""

    def __init__(self, vendors: Vendors, vendor: Vendor) -> None:
        self._vendors = vendors
        self._vendor = vendor

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        """Each recipient is asked; the worst answer is the one that the client hears."""
        raw = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        worst = (250, "2.0.0 Ok")
        for recipient in envelope.rcpt_tos:
            reply = self._vendors.accept(self._vendor, envelope.mail_from or "", recipient, raw)
            if reply[0] == 0:
                server.transport.abort()
                return "421 4.3.2 closing"
            worst = max(worst, reply, key=lambda one: one[0])
        return f"{worst[0]} {worst[1]}"


def _authenticator(user: str, password: str) -> Any:
    from aiosmtpd.smtp import AuthResult, LoginPassword

    def check(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> Any:
        right = (
            isinstance(given, LoginPassword)
            and hmac.compare_digest(given.login, user.encode())
            and hmac.compare_digest(given.password, password.encode())
        )
        return AuthResult(success=right, handled=right)

    return check
