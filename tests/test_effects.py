"""What moves do to the state: for good, later, several times, in which order. Small games whose states are written down by hand."""

from __future__ import annotations

import pytest

import standoff as so
from standoff.errors import BuildError, ScenarioError
from standoff.game import DECISION, END
from standoff.scenario import Builder, check

pytestmark = pytest.mark.paper


def played(periods, state, turns, events=(), **more):
    """A game of one player, built; `turns` are options by the period in which they are there, `events` their outcomes by name."""
    builder = Builder("effects").clock(periods=periods).parameter("precision", 1).player("a").payoff("a", "p", each_period=0)
    for name, variable in state.items():
        builder.state(name, **variable)
    for position, (when, options) in enumerate(turns):
        builder.turn("a", name=f"turn{position}", when=when, options=options, **more)
    for name, event in dict(events).items():
        builder.event(name, **event)
    return so.build(builder.scenario())


def follow(game, *chosen, until=None):
    """The state in words at the start of a period, or the end, after these moves or outcomes; single ones need not be named."""
    s = game.structure
    node, left = int(s.roots[0]), list(chosen)
    while s.kind[node] != END and (until is None or s.period[node] < until):
        first, last = int(s.observation_start[node]), int(s.observation_start[node + 1])
        seen = {s.address(row).split(".")[-1].split("/")[-1]: row for row in range(first, last)}
        if last - first == 1 and (not left or left[0] not in seen):
            node = int(s.target[first])
            continue
        node = int(s.target[seen[left.pop(0)]])
    assert until is not None or not left, f"{left} found no turn"
    return s.labels(node)


def menus(game, period):
    """The options that are there in a period, by the states in which somebody chooses."""
    s = game.structure
    nodes = [n for n in range(s.n_nodes) if s.kind[n] == DECISION and s.period[n] == period]
    rows = [range(s.observation_start[n], s.observation_start[n + 1]) for n in nodes]
    return {tuple(s.labels(n).values()): {s.address(row).removeprefix("a.") for row in found} for n, found in zip(nodes, rows, strict=True)}


BRIDGE = {"bridge": {"values": ["whole", "burnt"], "start": "whole"}}
DOOR = {"door": {"values": ["open", "shut"], "start": "open", "resets": True}}
REBUILD = {"rebuild": {"set": {"bridge": "whole"}}, "leave": {}}


# --- for good ------------------------------------------------------------------------------------------------------------------------------


def test_what_a_delayed_effect_does_for_good_stays():
    """The fuse is lit in period 0 and the bridge burns in period 1: from then on nobody rebuilds it, and before that anybody may."""
    light = {"light": {"later": {"after": 1, "set": {"bridge": "burnt"}}, "irreversible": True}, "wait": {}}
    game = played(3, BRIDGE, [("period == 0", light), ("true", REBUILD)])
    assert menus(game, 1) == {("whole",): {"rebuild", "leave"}, ("burnt",): {"leave"}}
    assert menus(game, 2) == menus(game, 1)


def test_a_delayed_effect_that_is_not_for_good_can_be_undone():
    light = {"light": {"later": {"after": 1, "set": {"bridge": "burnt"}}}, "wait": {}}
    game = played(2, BRIDGE, [("period == 0", light), ("period == 1", REBUILD)])
    assert menus(game, 1) == {("whole",): {"rebuild", "leave"}, ("burnt",): {"rebuild", "leave"}}


def test_what_is_on_its_way_does_not_undo_what_was_done_for_good():
    """Repair is ordered in period 0 and due in 2; in period 1 the bridge burns for good."""
    order = {"order": {"later": {"after": 2, "set": {"bridge": "whole"}}}}
    burn = {"burn": {"set": {"bridge": "burnt"}, "irreversible": True}, "wait": {}}
    game = played(3, BRIDGE, [("period == 0", order), ("period == 1", burn)])
    assert follow(game, "burn") == {"bridge": "burnt"}


def test_a_reset_leaves_alone_what_was_set_for_good():
    game = played(2, DOOR, [("true", {"shut": {"set": {"door": "shut"}, "irreversible": True}, "wait": {}})])
    assert follow(game, "shut", until=1) == {"door": "shut"}
    assert follow(game, "wait", until=1) == {"door": "open"}


def test_a_reset_comes_before_what_is_due_and_what_is_due_for_good_is_not_reset():
    shut = {"later": {"after": 1, "set": {"door": "shut"}}}
    game = played(3, DOOR, [("period == 0", {"once": shut, "for_good": shut | {"irreversible": True}})])
    assert (follow(game, "once", until=1), follow(game, "once", until=2)) == ({"door": "shut"}, {"door": "open"})
    assert follow(game, "for_good", until=2) == {"door": "shut"}


@pytest.mark.parametrize("at", ["start", "end"])
def test_chance_leaves_alone_what_was_set_for_good(at):
    events = {
        "storm": {"at": at, "outcomes": {"washed": {"chance": 1, "set": {"bridge": "burnt"}, "later": {"after": 1, "set": {"bridge": "burnt"}}}}}
    }
    keep = {"guard": {"set": {"bridge": "whole"}, "irreversible": True}}
    game = played(3, BRIDGE, [("period == 0", keep)], events)
    assert follow(game) == {"bridge": "whole"}


def test_what_an_event_does_for_good_stays():
    flood = {"at": "start", "when": "period == 0", "outcomes": {"flood": {"chance": 1, "set": {"bridge": "burnt"}, "irreversible": True}}}
    game = played(2, BRIDGE, [("true", REBUILD)], {"flood": flood})
    assert menus(game, 0) == menus(game, 1) == {("burnt",): {"leave"}}


def test_an_assignment_that_is_held_back_shows_the_value_that_stays():
    """Outcome: bridge to whole, which is frozen as burnt, and `seen` to what the bridge then is."""
    state = BRIDGE | {"seen": {"values": ["whole", "burnt"], "start": "whole"}}
    look = {"outcomes": {"look": {"chance": 1, "set": {"bridge": "whole", "seen": "whole if bridge == whole else burnt"}}}}
    game = played(1, state, [("true", {"burn": {"set": {"bridge": "burnt"}, "irreversible": True}}), ("true", {"go": look})])
    assert follow(game) == {"bridge": "burnt", "seen": "burnt"}


@pytest.mark.parametrize(
    ("after", "field", "severity"),
    [
        ({"later": {"after": 1, "set": {"bridge": "whole"}}}, "later.set.bridge", "error"),
        ({"outcomes": {"x": {"chance": 1, "set": {"bridge": "whole"}}}}, "outcomes.x.set.bridge", "warning"),
        ({"outcomes": {"x": {"chance": 1, "later": {"after": 1, "set": {"bridge": "whole"}}}}}, "outcomes.x.later.set.bridge", "warning"),
    ],
)
def test_an_effect_that_undoes_what_it_does_for_good_is_told(after, field, severity):
    builder = Builder("effects").clock(periods=2).parameter("precision", 1).player("a").state("bridge", **BRIDGE["bridge"])
    builder.turn("a", options={"go": {"set": {"bridge": "burnt"}, "irreversible": True} | after})
    try:
        faults = check(builder.scenario())
    except ScenarioError as error:
        faults = error.faults
    told = [(fault.field, fault.severity) for fault in faults if "never changes here" in fault.problem]
    assert told == [(f"turns.0.options.go.{field}", severity)]


# --- several orders ------------------------------------------------------------------------------------------------------------------------

STOCK = {"stock": {"range": (0, 8), "start": 0}}


def test_orders_of_the_same_delayed_effect_add_up_each_in_its_time():
    """Ordered in periods 0 and 1, delivered in 2 and 3."""
    game = played(5, STOCK, [("period < 2", {"order": {"later": {"after": 2, "set": {"stock": "stock + 1"}}}, "wait": {}})])
    assert [follow(game, "order", "order", until=period)["stock"] for period in range(1, 5)] == [0, 1, 2, 2]
    assert [follow(game, "wait", "order", until=period)["stock"] for period in range(1, 5)] == [0, 0, 1, 1]


def test_orders_for_the_same_date_add_up():
    builder = Builder("dated").clock(periods=4).date("market", 3).parameter("precision", 1).player("a").state("stock", range=(0, 3), start=0)
    builder.turn("a", options={"order": {"later": {"on": "market", "set": {"stock": "stock + 1"}}}, "wait": {}})
    game = so.build(builder.scenario())
    assert follow(game, "order", "order", "order", until=3) == {"stock": 3}
    assert follow(game, "order", "wait", "order", until=3) == {"stock": 2}
    # On the day itself, and after it, there is nothing left to wait for.
    assert follow(game, "wait", "wait", "wait", "order") == {"stock": 0}


def test_orders_that_only_do_the_same_twice_are_one_state():
    state = {"flag": {"values": [False, True], "start": False}}
    builder = Builder("flags").clock(periods=12).date("day", 11).parameter("precision", 1).player("a").state("flag", **state["flag"])
    builder.turn("a", when="period < 11", options={"raise_it": {"later": {"on": "day", "set": {"flag": True}}}, "wait": {}})
    game = so.build(builder.scenario())
    assert len(game.structure.nodes_at("turn:a")) == 1 + 2 * 10


def test_what_is_on_its_way_has_the_same_name_in_every_game_of_a_scenario():
    """A game that meets the orders in another order, as one with fewer choices does, still calls them alike."""
    deliver = {"later": {"after": 2, "set": {"stock": "stock + 1"}}}
    builder = Builder("named").clock(periods=3).parameter("precision", 1).parameter("early", 1).player("a").state("stock", **STOCK["stock"])
    builder.turn("a", options={"order": {"when": "early == 1 or period == 1"} | deliver, "wait": {}})
    scenario = builder.scenario()
    both, one = ({tuple(row) for row in so.build(scenario, {"early": early}).structure.state} for early in (1, 0))
    assert one < both


def test_a_game_without_end_keeps_its_orders():
    builder = Builder("supply").clock(open_ended=True, discount=0.5).parameter("precision", 1).state("stock", range=(0, 3), start=0)
    builder.player("a").payoff("a", "p", each_period="stock")
    builder.turn("a", options={"order": {"later": {"after": 2, "set": {"stock": "min(stock + 1, 3)"}}}, "wait": {}})
    # When a choice is made a delivery is due next period or not, whatever the stock.
    assert len(so.build(builder.scenario()).structure.nodes_at("turn:a")) == 4 * 2


# --- in which order ------------------------------------------------------------------------------------------------------------------------

X = {"x": {"range": (0, 40), "start": 1}}


def test_effects_due_together_happen_in_the_order_in_which_they_were_ordered():
    """Tripled was ordered first, then three more: 1 * 3 + 3; declared the other way round."""
    add = {"add": {"later": {"after": 1, "set": {"x": "x + 3"}}}}
    triple = {"triple": {"later": {"after": 2, "set": {"x": "x * 3"}}}}
    assert follow(played(3, X, [("period == 1", add), ("period == 0", triple)])) == {"x": 6}
    swapped = {"add": {"later": {"after": 2, "set": {"x": "x + 3"}}}}, {"triple": {"later": {"after": 1, "set": {"x": "x * 3"}}}}
    assert follow(played(3, X, [("period == 1", swapped[1]), ("period == 0", swapped[0])])) == {"x": 12}


def test_the_order_of_orders_for_a_date_is_that_of_play():
    builder = Builder("dated").clock(periods=3).date("day", 2).parameter("precision", 1).player("a").state("x", **X["x"])
    builder.turn("a", options={"add": {"later": {"on": "day", "set": {"x": "x + 3"}}}, "triple": {"later": {"on": "day", "set": {"x": "x * 3"}}}})
    game = so.build(builder.scenario())
    assert follow(game, "add", "triple", until=2) == {"x": 12}
    assert follow(game, "triple", "add", until=2) == {"x": 6}
    assert follow(game, "add", "add", until=2) == {"x": 7}


def test_within_a_period_orders_stand_in_the_order_of_play():
    """An event at the start, a move, its outcome, an event at the end; each appends a digit to x."""

    def digit(n):  # x counts in base 3 of digits 1 and 2
        return {"later": {"after": 1, "set": {"x": f"x * 3 + {n}"}}}

    state = {"x": {"range": (0, 62), "start": 0}}
    events = {"closing": {"when": "period == 0", "outcomes": {"c": {"chance": 1} | digit(2)}},
              "opening": {"when": "period == 0", "at": "start", "outcomes": {"o": {"chance": 1} | digit(1)}}}  # fmt: skip
    game = played(2, state, [("period == 0", {"go": {"outcomes": {"after": {"chance": 1} | digit(0)}} | digit(2)})], events)
    # Digits 1, 2, 0, 2.
    assert follow(game) == {"x": 1 * 27 + 2 * 9 + 0 * 3 + 2}


def test_an_irreversible_effect_that_is_due_first_holds_against_the_one_due_after_it():
    state = {"x": {"range": (0, 9), "start": 0}}
    one = {"one": {"later": {"after": 2, "set": {"x": 1}}, "irreversible": True}}
    two = {"two": {"later": {"after": 1, "set": {"x": 2}}}}
    assert follow(played(3, state, [("period == 1", two), ("period == 0", one)])) == {"x": 1}


# --- several assignments -------------------------------------------------------------------------------------------------------------------


def test_assignments_of_one_set_are_made_in_order_and_see_those_before():
    state = {"x": {"range": (0, 9), "start": 1}, "y": {"range": (0, 9), "start": 5}}
    game = played(
        1,
        state,
        [("true", {"on": {"set": {"x": "y", "y": "x"}}, "other": {"set": {"y": "x", "x": "y"}}, "both": {"set": {"x": "x + 1", "y": "x + y"}}})],
    )
    assert follow(game, "on") == {"x": 5, "y": 5}
    assert follow(game, "other") == {"x": 1, "y": 1}
    assert follow(game, "both") == {"x": 2, "y": 7}


def test_derived_quantities_follow_each_assignment():
    builder = Builder("derived").clock(periods=2).parameter("precision", 1).player("a").derived("double", "2 * x")
    builder.state("x", range=(0, 4), start=1).state("y", range=(0, 8), start=0)
    builder.turn(
        "a", when="period == 0", options={"go": {"set": {"x": 3, "y": "double"}}, "wait": {"later": {"after": 1, "set": {"x": 2, "y": "double"}}}}
    )
    game = so.build(builder.scenario())
    assert follow(game, "go") == {"x": 3, "y": 6}
    assert follow(game, "wait") == {"x": 2, "y": 4}


def test_what_is_due_is_worked_out_when_it_is_due():
    """One is added to what there is by then; a value that does not fit is told with the effect."""
    state = {"x": {"range": (0, 2), "start": 0}}
    order = {"order": {"later": {"after": 2, "set": {"x": "x + 2"}}}}
    step = {"step": {"set": {"x": 1}}, "wait": {}}
    with pytest.raises(BuildError, match=r"turns\.0\.options\.order\.later sets x to 3"):
        played(3, state, [("period == 0", order), ("period == 1", step)])
