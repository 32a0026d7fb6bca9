"""Random scenarios by seed: the class of games that standoff solves, drawn block by block of the language.

`random_scenario(seed)` draws players with secrets, a public state, turns with open and covert options, events, ends and payoffs, and keeps the
first draw that is a small game (a few hundred terminal nodes, so that Gambit can solve it too). A new feature of the language is added in the
method of its block:

| block | method | what is drawn |
| --- | --- | --- |
| clock | `clock` | 1 to 3 periods, values discounted to the start |
| players | `players` | 2 or 3 (or 4), with 1 to 3 types, random priors and precisions |
| state | `state` | a number, a label that may return to its start, whether the crisis is over; a derived number |
| turns | `turn`, `open_option`, `covert_option` | 2 or 3 options, which the state may take off the menu; signals |
| turns | `turns_at_once` | of two players, neither of whom knows the other's choice |
| effects | `change`, `outcomes` | assignments at once or up to two periods later, for good or not; chance that may hang on somebody's type |
| events | `event` | chance at the start or the end of a period, where the state allows it |
| ends | `ends` | an early one, beside `time_up` |
| payoffs | `payoffs` | for moves, signals and outcomes; each period; at ends; by own type and state, at ends by another's type as well |
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from standoff.export.efg import count_plays
from standoff.game import Game, build
from standoff.scenario import Builder, Scenario

PLAYERS = ("ann", "bob", "cem", "dan")
TYPES = ("low", "mid", "top")
CONDITIONS = ("heat == 0", "heat >= 1", "mood == calm", "mood == cross", "period > 0", "heat >= 1 or mood == cross", "strain == 1", "strain > 2")
CHANGES = ({"heat": "min(heat + 1, 2)"}, {"heat": 0}, {"mood": "cross"}, {"mood": "calm", "heat": "max(heat - 1, 0)"}, {"over": True})


def random_scenario(
    seed: int, *, plays: tuple[int, int] = (60, 600), axes: int = 3, sharpness: tuple[float, float] = (0.5, 2.0), propensities: bool = False,
    together: float = 0.3, players: int = 3,
) -> Scenario:  # fmt: skip
    """Return a random scenario: the same for the same arguments.

    `plays`: least and most terminal nodes of its tree; `axes`: most belief axes, of which a player with K types takes K - 1; `sharpness`: least
    and greatest precision, by player (payoffs lie between -2 and 2). `propensities`: whether options differ in them, which Gambit cannot say.
    `together`: how often two players choose at once; `players`: most of them.
    """
    for attempt in count():
        scenario = _Draw(np.random.default_rng([seed, attempt]), f"random-{seed}", axes, sharpness, propensities, together, players).scenario()
        game = build(scenario)
        if plays[0] <= count_plays(game) <= plays[1] and _moments(game) >= 4:
            return scenario
    raise AssertionError("count() never ends")


def _moments(game: Game) -> int:
    """Return how many public states there are at which somebody has a choice."""
    return int((np.diff(game.arrays.option_start) > 1).sum())


class _Draw:
    """Draws one scenario."""

    def __init__(
        self, random: np.random.Generator, name: str, axes: int, sharpness: tuple[float, float], propensities: bool, together: float, players: int
    ) -> None:
        self.random = random
        self.builder = Builder(name)
        self.axes, self.sharpness, self.propensities, self.together, self.most = axes, sharpness, propensities, together, players
        self.kinds: dict[str, int] = {}
        """Number of types of each player."""
        self.moves: list[str] = []
        """Addresses that payoffs may speak of."""
        self.numbers = count()

    def scenario(self) -> Scenario:
        self.clock()
        self.players()
        self.state()
        for position in range(self.among(1, 3)):
            self.turns_at_once(position) if self.flip(self.together) else self.turn(position)
        for position in range(self.among(0, 2)):
            self.event(position)
        self.ends()
        for player in self.kinds:
            self.payoffs(player)
        return self.builder.scenario()

    # -- numbers --------------------------------------------------------------------------------------------------------------

    def among(self, low: int, high: int) -> int:
        return int(self.random.integers(low, high + 1))

    def flip(self, chance: float) -> bool:
        return bool(self.random.random() < chance)

    def one(self, things: tuple | list) -> object:
        return things[self.among(0, len(things) - 1)]

    def number(self, low: float = -2.0, high: float = 2.0) -> float:
        return round(float(self.random.uniform(low, high)), 3)

    def probability(self) -> float:
        """Now and then 0 or 1, so that an observation may rule a type out."""
        return float(self.among(0, 1)) if self.flip(0.2) else self.number(0.05, 0.95)

    def by_type(self, player: str, draw: Callable[[], float], who: str = "type") -> str:
        """Return an expression with one number per type of a player."""
        text = str(draw())
        for kind in reversed(TYPES[: self.kinds[player] - 1]):
            text = f"({draw()} if {who} == {kind} else {text})"
        return text

    def name(self, letter: str) -> str:
        return f"{letter}{next(self.numbers)}"

    # -- blocks ---------------------------------------------------------------------------------------------------------------

    def clock(self) -> None:
        # A tree can only express precision that acts on values discounted to the start.
        self.builder.clock(periods=self.among(1, 3), discount=self.one((1.0, 0.9, 0.6)), discounting="present")

    def players(self) -> None:
        names = PLAYERS[: self.among(2, self.most)]
        left = self.axes
        for name in names:
            self.kinds[name] = n = self.among(1, min(3, left + 1))
            left -= n - 1
            prior = self.random.dirichlet(np.full(n, 3.0)).round(3)
            types = {TYPES[k]: float(prior[k]) for k in range(n - 1)} | {TYPES[n - 1]: "rest"}
            self.builder.parameter(f"precision_{name}", self.number(*self.sharpness))
            self.builder.player(name, types=types if n > 1 else None, precision=f"precision_{name}")

    def state(self) -> None:
        self.builder.state("heat", range=(0, 2), start=self.among(0, 1))
        self.builder.state("mood", values=["calm", "cross"], start="calm", resets=self.flip(0.3))
        self.builder.state("over", values=[False, True], start=False)
        self.builder.derived("strain", "(1 if heat == 2 else 0) + heat")

    def turn(self, position: int) -> None:
        player = str(self.one(list(self.kinds)))
        options = [self.name("o") for _ in range(self.among(2, 3))]
        signals = [self.name("s") for _ in range(2)] if self.flip(0.4) else []
        covert = set(options[: self.among(1, len(options))]) if signals else set()
        self.builder.turn(
            player,
            name=f"turn{position}",
            options={name: self.covert_option(player, signals) if name in covert else self.open_option(player, name) for name in options},
            signals={name: self.change() for name in signals} or None,
            when=str(self.one(CONDITIONS)) if position > 0 and self.flip(0.4) else None,
        )
        self.moves += [f"{player}.{name}" for name in (*options, *signals)]

    def turns_at_once(self, position: int) -> None:
        players = self.random.permutation(list(self.kinds))[:2].tolist()
        for i, player in enumerate(players):
            options = [self.name("o") for _ in range(self.among(2, 3))]
            self.builder.turn(
                player,
                name=f"turn{position}_{i}",
                options={name: self.menu() | self.change() for name in options},
                when=str(self.one(CONDITIONS)) if self.flip(0.3) else None,
                at_once=i > 0,
            )
            self.moves += [f"{player}.{name}" for name in options]

    def open_option(self, player: str, name: str) -> dict:
        chance = {"outcomes": self.outcomes(f"{player}.{name}")} if self.flip(0.3) else {}
        return self.menu() | self.change() | chance

    def covert_option(self, player: str, signals: list[str]) -> dict:
        return self.menu() | {"covert": {signals[0]: self.by_type(player, self.probability), signals[1]: "rest"}}

    def menu(self) -> dict:
        """When an option is there, and its propensity."""
        gate = {"when": self.one(CONDITIONS)} if self.flip(0.2) else {}
        return gate | ({"propensity": self.number(0.3, 2.0)} if self.propensities else {})

    def change(self) -> dict:
        """What a move does to the state, if anything."""
        if self.flip(0.3):
            return {}
        assignments = self.one(CHANGES)
        for_good = {"irreversible": True} if self.flip(0.1) else {}
        if self.flip(0.15):
            return {"later": {"after": self.among(1, 2), "set": assignments}} | for_good
        return {"set": assignments} | for_good

    def outcomes(self, address: str) -> dict:
        """Two chance outcomes; their chances may depend on the type of one player, not only the mover."""
        names = [self.name("c") for _ in range(2)]
        self.moves += [f"{address}/{name}" for name in names]
        subject = str(self.one(list(self.kinds)))
        secret = self.kinds[subject] > 1 and self.flip(0.7)
        chance = self.by_type(subject, self.probability, f"type({subject})") if secret else self.probability()
        return {names[0]: {"chance": chance} | self.change(), names[1]: {"chance": "rest"} | self.change()}

    def event(self, position: int) -> None:
        name = f"event{position}"
        when = str(self.one(CONDITIONS)) if self.flip(0.7) else None
        self.builder.event(name, outcomes=self.outcomes(name), when=when, at=str(self.one(("start", "end"))))

    def ends(self) -> None:
        self.builder.end("rupture", "over")

    def payoffs(self, player: str) -> None:
        def own() -> str:
            return self.by_type(player, self.number) if self.flip(0.6) else str(self.number())

        self.builder.payoff(player, "acts", on={address: own() for address in self.moves if self.flip(0.6)})
        self.builder.payoff(player, "flow", each_period=f"{own()} * heat + ({self.number()} if mood == cross else 0)")
        self.builder.payoff(player, "finale", ends={"rupture": own(), "time_up": f"{own()} * heat + {self.of_another(player)}"})

    def of_another(self, player: str) -> str:
        """Return what the type of another player is worth to this one, now and then."""
        others = [name for name, n in self.kinds.items() if n > 1 and name != player]
        return self.by_type(str(other := self.one(others)), self.number, f"type({other})") if others and self.flip(0.3) else "0"


# --- the same crisis in other words --------------------------------------------------------------------------------------------------------


def reworded(scenario: Scenario, names: dict[str, str], random: np.random.Generator) -> Scenario:
    """Return the scenario with names replaced wherever they stand, and players, types, options and chance outcomes declared in another order."""
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, names))})\b")

    def say(thing: Any) -> Any:
        if isinstance(thing, dict):
            return {say(key): say(value) for key, value in thing.items()}
        if isinstance(thing, list):
            return [say(value) for value in thing]
        return pattern.sub(lambda found: names[found[0]], thing) if isinstance(thing, str) else thing

    def shuffled(block: dict) -> dict:
        return {list(block)[i]: list(block.values())[i] for i in random.permutation(len(block))}

    data = say(_data(scenario))
    data["players"] = shuffled(data["players"])
    for player in data["players"].values():
        if "types" in player:
            player["types"] = shuffled(player["types"])
    for turn in data["turns"]:
        for block in ("options", "signals"):
            turn[block] = shuffled(turn.get(block, {}))
    for block in (*(option for turn in data["turns"] for option in turn["options"].values()), *data.get("events", {}).values()):
        if "outcomes" in block:
            block["outcomes"] = shuffled(block["outcomes"])
    return Scenario.model_validate(data)


def with_constant(scenario: Scenario, player: str, amount: float) -> Scenario:
    """Return the scenario with so much more for a player at every end, in values at the start."""
    data = _data(scenario)
    later = f"{amount} / {data['clock'].get('discount', 1)} ** period"
    data["players"][player]["payoffs"]["constant"] = {"ends": dict.fromkeys((*data["ends"], "time_up"), later)}
    return Scenario.model_validate(data)


def in_units(scenario: Scenario, factor: float) -> Scenario:
    """Return the scenario with every payoff so many times as large."""
    data = _data(scenario)
    for player in data["players"].values():
        for component in player["payoffs"].values():
            if "each_period" in component:
                component["each_period"] = f"{factor} * ({component['each_period']})"
            for block in ("on", "ends"):
                component[block] = {key: f"{factor} * ({text})" for key, text in component.get(block, {}).items()}
    return Scenario.model_validate(data)


def _data(scenario: Scenario) -> Any:
    """Return the blocks of a scenario as a file holds them."""
    return scenario.model_dump(mode="json", exclude_defaults=True)
