"""The web room: an ASGI application for vendors' callbacks, short links and unsubscribe pages."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {"gateway_app": "recallgate.web.app", "inbox_routes": "recallgate.web.inbox"}

__all__ = ["gateway_app", "inbox_routes"]

if TYPE_CHECKING:
    from recallgate.web.app import gateway_app as gateway_app
    from recallgate.web.inbox import inbox_routes as inbox_routes


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'recallgate.web' has no attribute {name!r}")
    return getattr(import_module(home), name)
