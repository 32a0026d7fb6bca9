"""Small scenarios with claims whose truth is known by hand."""

from __future__ import annotations

import datetime as dt

from standoff.record import Event, Record
from standoff.scenario import Builder

START = dt.date(2020, 1, 1)

DECIDED = {"left": {"choice": "me.go"}, "is": "above", "right": 0.5}
"""True where going pays more than staying, in `chooser`."""


def chooser(claims, *, gain=(0.0, 1.0), stay=0.3, noise=0, periods=1):
    """One player goes, for `gain` (uniform prior), or stays, for `stay`; `noise` further parameters matter little. `claims` are tests by name."""
    builder = Builder("chooser").clock(periods=periods).parameter("precision", 5).parameter("gain", prior={"uniform": list(gain)})
    for i in range(noise):
        builder.parameter(f"noise{i}", prior={"uniform": [0, 1]})
    little = "".join(f" + 1e-9 * noise{i}" for i in range(noise))
    builder.player("me").payoff("me", "taste", on={"me.go": f"gain{little}", "me.stay": stay}).turn("me", options={"go": {}, "stay": {}})
    for name, test in claims.items():
        builder.claim(name, f"Claim {name}", test=test)
    return builder.scenario()


def watched(claims=None, *, weeks=3, eagerness=(-1.0, 3.0)):
    """Each week a mover goes or stays; a hawk likes going by `eagerness` (uniform prior) more than a dove, who is indifferent."""
    builder = Builder("watched").clock(start=START, step="1 week", end=START + dt.timedelta(weeks=weeks)).parameter("precision", 1)
    builder.parameter("eagerness", prior={"uniform": list(eagerness)}).player("mover", types={"hawk": 0.25, "dove": "rest"})
    builder.payoff("mover", "taste", on={"mover.go": "eagerness if type == hawk else 0"})
    builder.turn("mover", options={"go": {}, "stay": {}}, silent="stay").record({"mover.go": [{"action": "go"}]})
    for name, test in (claims or {}).items():
        builder.claim(name, f"Claim {name}", test=test)
    return builder.scenario()


def going(*weeks):
    """A record in which the mover goes in these weeks."""
    events = [Event(id=f"w{week}", date=START + dt.timedelta(weeks=week), actor="mover", action="go") for week in weeks]
    return Record(tuple(events), sha256="-".join(map(str, weeks)))
