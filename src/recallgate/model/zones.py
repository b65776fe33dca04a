"""Time zones by IANA name, cached: a lookup reads a file the first time."""

from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone, or ValueError that says what a name looks like."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        raise ValueError(f"timezone: {name!r} is not an IANA zone name; write for example Europe/Berlin") from exc
