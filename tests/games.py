"""Scenarios for tests: small ones written out, random ones by seed, and an independent way to follow histories."""

from __future__ import annotations

import numpy as np

from standoff.game import build
from standoff.game.tree import parents, unroll, way_to
from standoff.scenario import Builder


def with_precision(builder, value=1.0):
    return builder.parameter("precision", value)


def dilemma(payoffs, propensities=None, precision=1.0):
    """One player, one choice."""
    builder = with_precision(Builder("dilemma").clock(periods=1), precision).player("me")
    weights = propensities or [1.0] * len(payoffs)
    builder.payoff("me", "taste", on={f"me.o{i}": payoff for i, payoff in enumerate(payoffs)})
    return builder.turn("me", options={f"o{i}": {"propensity": w} for i, w in enumerate(weights)}).scenario()


def message_game(quality, value, cost, prior, *, precision=1.0, receiver_precision=1.0):
    """A sender boasts or not; a receiver accepts or not; whether accepting succeeds depends on the sender's type.

    `quality`, `value`, `cost` and `prior` have one number per type: chance of success, worth of being accepted, cost of boasting.
    """
    kinds = [f"k{i}" for i in range(len(prior))]

    def by_type(numbers, who):
        text = str(numbers[-1])
        for kind, number in zip(reversed(kinds[:-1]), reversed(numbers[:-1]), strict=True):
            text = f"({number} if {who} == {kind} else {text})"
        return text

    accept = {"outcomes": {"success": {"chance": by_type(quality, "type(sender)")}, "failure": {"chance": "rest"}}}
    return (
        with_precision(Builder("message-game").clock(periods=1), precision)
        .state("word", values=["none", "boast", "silence"], start="none")
        .player("sender", types=dict(zip(kinds, prior, strict=True)))
        .player("receiver", precision=receiver_precision)
        .payoff("sender", "prize", on={"receiver.accept": by_type(value, "type")})
        .payoff("sender", "effort", on={"sender.boast": f"-{by_type(cost, 'type')}"})
        .payoff("receiver", "use", on={"receiver.accept/success": 1, "receiver.accept/failure": -1})
        .turn("sender", options={"boast": {"set": {"word": "boast"}}, "silence": {"set": {"word": "silence"}}})
        .turn("receiver", options={"accept": accept, "refuse": {}})
        .scenario()
    )


def random_scenario(seed, *, types=(2, 2), periods=2, covert=True, discount=1.0, spread=1.5, propensities=True):
    """Return a random game with open and covert options, type-dependent signals, outcomes and events, and ends."""
    random = np.random.default_rng(seed)

    def number(low=-spread, high=spread):
        return round(float(random.uniform(low, high)), 3)

    def prior(n):
        p = random.dirichlet(np.full(n, 3.0)).round(3)
        return {f"t{i}": float(p[i]) for i in range(n - 1)} | {f"t{n - 1}": "rest"}

    def by_type(n, who, low, high):
        text = str(number(low, high))
        for i in range(n - 1):
            text = f"({number(low, high)} if {who} == t{i} else {text})"
        return text

    def weight():
        return number(0.3, 2.0) if propensities else 1

    n_a, n_b = types
    secret_a, secret_b = n_a > 1, n_b > 1
    builder = with_precision(Builder(f"random-{seed}").clock(periods=periods, discount=discount, discounting="present"), number(0.5, 1.5))
    builder.state("heat", range=(0, 1), start=0).state("over", values=[False, True], start=False)
    builder.player("a", types=prior(n_a) if secret_a else None)
    builder.player("b", types=prior(n_b) if secret_b else None, precision=number(0.5, 1.5)).player("c")

    def own(n):
        return by_type(n, "type", -spread, spread) if n > 1 else number()

    builder.payoff("a", "acts", on={"a.x": own(n_a), "a.y": own(n_a), "b.u": number(), "b.v": own(n_a)}, each_period=f"heat * {number()}")
    builder.payoff("a", "finale", ends={"rupture": own(n_a)})
    builder.payoff("b", "acts", on={"b.u": own(n_b), "b.v": own(n_b), "a.x": number(), "c.left": own(n_b)}, ends={"rupture": own(n_b)})
    builder.payoff("c", "acts", on={"c.left": number(), "b.v": number(), "a.x/big": number()}, each_period=f"heat * {number()}")
    chance_a = by_type(n_a, "type(a)", 0.1, 0.9) if secret_a else str(number(0.1, 0.9))
    chance_b = by_type(n_b, "type(b)", 0.05, 0.5) if secret_b else str(number(0.05, 0.5))
    options = {
        "x": {"set": {"heat": 1}, "outcomes": {"big": {"chance": chance_a}, "small": {"chance": "rest", "set": {"heat": 0}}}, "propensity": weight()},
        "y": {"propensity": weight()},
    }
    signals = None
    if covert:
        own_chance = by_type(n_a, "type", 0.1, 0.9) if secret_a else str(number(0.1, 0.9))
        options["z"] = {"covert": {"smoke": own_chance, "clear": "rest"}, "propensity": weight()}
        signals = {"smoke": {"set": {"heat": 1}}, "clear": {}}
        builder.payoff("a", "plot", on={"a.z": own(n_a), "a.smoke": number()})
    builder.turn("a", options=options, signals=signals)
    builder.turn("b", when="heat == 1", options={"u": {"propensity": weight()}, "v": {"set": {"over": True}}, "w": {"set": {"heat": 0}}})
    builder.turn("c", when="heat == 1 and period == 0", options={"left": {}, "right": {"propensity": weight()}})
    builder.event("storm", when="heat == 1", outcomes={"hit": {"chance": chance_b, "set": {"over": True}}, "miss": {"chance": "rest"}})
    return builder.end("rupture", "over").scenario()


def made(scenario, **parameters):
    return build(scenario, parameters)


def histories(solved):
    """Yield (node, belief coordinates, probe, index, probability) of every public history that has a chance, one way after the other."""
    game = solved.game
    tree = unroll(game.structure)
    pending = [(0, solved.prior, 1.0)]
    while pending:
        history, x, probability = pending.pop()
        node = int(tree.node[history])
        probe = solved.probe(node, x)
        yield node, x, probe, history, probability
        belief = belief_of(game, node, x)
        for y in range(len(probe.likelihood)):
            chance = float(probe.likelihood[y] @ belief)
            if chance > 0.0:
                pending.append((int(tree.child[history]) + y, probe.posteriors[y], probability * chance))


def ways(game, tree):
    """Return the addresses of what has been observed before each history."""
    parent = parents(tree)
    return [tuple(filter(None, map(game.structure.address, way_to(h, game.structure, tree, parent)))) for h in range(len(tree.node))]


def gambit_policies(game, folder):
    """Return Gambit's choice probabilities on the principal branch, by player and number of the information set, and option."""
    import pygambit

    from standoff.export import export

    tree = pygambit.read_efg(str(export(game, folder / "game.efg", scaled=True)))
    (answer,) = pygambit.qre.logit_solve_lambda(tree, lam=[1.0])
    names = [player.name for player in game.canonical.players]
    # Gambit fails on a player who never has a choice.
    playing = [(i, name) for i, name in enumerate(names) if len(tree.get_infosets(name))]
    return {(i, number): dict(mixed) for i, name in playing for number, (_, mixed) in enumerate(answer.profile[name], start=1)}


def belief_of(game, node, x):
    """Return the belief about the owner of a node."""
    from standoff.solve.grid import to_beliefs

    owner = int(game.arrays.owner[node])
    return to_beliefs(x, game.n_types)[owner] if owner >= 0 else np.ones(1)
