"""Wall time to instants across clock changes, in whole minutes since 1970."""

from datetime import UTC, datetime, timedelta, tzinfo

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall time on purpose
EPOCH_DAY = _EPOCH.toordinal()


def to_utc(local: int, where: tzinfo, *, ending: bool) -> int:
    """UTC minute of a local minute (both since 1970), of a start or, with `ending`, of an end.

    In a gap both mean the first valid instant after it; of a repeated hour, a start means the second, an end the first.
    """
    wall = _EPOCH + timedelta(minutes=local)
    before = _offset(wall.replace(tzinfo=where, fold=0))
    after = _offset(wall.replace(tzinfo=where, fold=1))
    if before == after:
        return local - before
    if before > after:  # the hour comes twice
        return local - (before if ending else after)
    low, high = local - after, local - before  # in a gap: the change lies after low and not after high
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(instant_of(middle).astimezone(where)) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(moment: datetime) -> int:
    offset = moment.utcoffset()
    assert offset is not None
    return offset // timedelta(minutes=1)


def minute_of(instant: datetime) -> int:
    """UTC minute since 1970 that holds an aware instant; ValueError for a naive one."""
    if instant.tzinfo is None:
        raise ValueError("instant: a time without a zone; give an aware datetime")
    return int(instant.timestamp() // 60)


def instant_of(minute: int) -> datetime:
    """The instant at which a UTC minute begins."""
    return datetime.fromtimestamp(minute * 60, UTC)
