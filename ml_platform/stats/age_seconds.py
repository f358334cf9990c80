"""Age: how long ago the newest data came to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement

if TYPE_CHECKING:
    import datetime as dt


def age_seconds(newest: dt.datetime | None, now: dt.datetime, *, subject: str = "") -> Measurement:
    """Return the seconds from a moment until now, both with a time zone.

    Undefined when there is no moment, and when it lies after now: data from the future have no age, and a negative
    one would pass any limit. ValueError when a moment has no time zone. Source: ISO/IEC 25024:2015 (currentness).

    >>> import datetime as dt
    >>> now = dt.datetime(2013, 5, 1, tzinfo=dt.timezone.utc)
    >>> age_seconds(now - dt.timedelta(hours=2), now).text()
    'age_seconds = 7,200 s (n = 1)'
    """
    for name, moment in (("newest", newest), ("now", now)):
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"{name}: is {moment} without a time zone; a moment is needed; say which zone it is in")
    age = None if newest is None else (now - newest).total_seconds()
    reason = "no newest moment" if age is None else ("" if age >= 0 else f"the newest moment is {-age:.0f} s after now")
    return Measurement(
        metric="age_seconds",
        value=None if reason else age,
        n=0 if newest is None else 1,
        unit="s",
        subject=subject,
        reason=reason,
    )
