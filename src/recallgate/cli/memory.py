"""The garbage collector of a process that runs for long."""

import gc


def steady_heap() -> None:
    """Leave what was imported and built so far alone, and look for cycles less often.

    A worker makes many small objects that end by themselves; looking at all others again and again is a seventh of its time.
    For programs of their own, not for libraries: it is set for the whole process.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
