"""Two rivals with secrets who arm or wait at the same moment: the game, its solution by both engines, and what can be counted on its histories."""

from __future__ import annotations

import datetime as dt

from games import ways
from one_shot import behaviour_of, judge
from standoff.game import build
from standoff.record import Event, Record
from standoff.scenario import Builder
from standoff.solve import exact, solve
from standoff.solve.grid import box

START = dt.date(2020, 1, 1)
MOTIVES = ["arms", "strain", "help"]


def rivals(claims=None, *, weeks=2, precision=2.0):
    """Each week two rivals arm or wait at the same moment, then a patron, who would rather help a dove, helps one of them or neither."""
    end = START + dt.timedelta(weeks=weeks)
    builder = Builder("rivals").clock(start=START, step="1 week", end=end).parameter("precision", precision)
    builder.parameter("greed", prior={"uniform": [0.5, 1.5]}).state("arms", range=(0, 4), start=0)
    for name, other, doves in (("east", "west", 0.4), ("west", "east", 0.3)):
        builder.player(name, types={"dove": doves, "hawk": "rest"})
        builder.payoff(name, "arms", on={f"{name}.arm": "greed + 2 if type == hawk else 0.2", f"{other}.arm": "-0.8 if type == dove else -0.3"})
        # Twice as many arms are more than twice as bad, so that what one does hangs on what it expects of the other.
        builder.payoff(name, "strain", each_period="-0.8 * arms * arms")
        builder.payoff(name, "help", on={f"patron.help_{name}": 2, f"patron.help_{other}": -1})
    builder.player("patron").payoff("patron", "trust", ends={"time_up": "-0.5 * arms"}, on={"patron.neither": 0.1})
    builder.payoff("patron", "tie", on={"patron.help_east": "0.3 - 0.5 * arms", "patron.help_west": "0.2 - 0.25 * arms"})
    armed = {"set": {"arms": "min(arms + 1, 4)"}}
    builder.turn("east", name="first", options={"arm": armed, "wait": {}}, silent="wait")
    builder.turn("west", name="second", options={"arm": armed, "wait": {}, "talk": {}}, silent="wait", at_once=True)
    builder.turn("patron", options={"help_east": {}, "help_west": {}, "neither": {}}, silent="neither")
    # What the patron does moves no belief; which rival gains by it hangs on the beliefs, as hawks are costly at the end.
    builder.event("test", at="end", outcomes={"war": {"chance": "0.4 if type(east) == hawk else 0.1"}, "peace": {"chance": "rest"}}, silent="peace")
    builder.record({f"{name}.arm": [{"actor": name, "action": "arm"}] for name in ("east", "west")})
    for name, test in (claims or {}).items():
        builder.claim(name, f"Claim {name}", test=test)
    return builder.scenario()


def solved_rivals():
    """Return the game solved on its histories and on a belief grid."""
    game = build(rivals())
    return exact(game), solve(game, engine="grid", levels=box((4, 4)), workers=1)


def chances(truth, reached):
    """Return the sum of the probabilities of the ends that `reached` picks by the observations that led there."""
    game, tree = truth.game, truth.tree
    judged = judge(game, tree, behaviour_of(truth))
    return sum(float(judged.reach[h]) for h, way in enumerate(ways(game, tree)) if tree.child[h] < 0 and reached(way))


def arming(*moves):
    """A record in which players arm on these days."""
    return Record(tuple(Event(id=f"{who}{day}", date=START + dt.timedelta(days=day), actor=who, action="arm") for who, day in moves))
