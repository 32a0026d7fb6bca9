"""Players with secrets who choose at the same moment, on the belief grid: against pen and paper, and against the exact engine's histories."""

from __future__ import annotations

import datetime as dt
import importlib
import math
from math import log, log2

import numpy as np
import pytest

from games import ways
from one_shot import behaviour_of, judge
from random_scenarios import random_scenario
from standoff.claims.functionals import Evaluation, of_components, of_ends, of_moves
from standoff.explain import explain
from standoff.game import END, build
from standoff.record import Event, Record
from standoff.replay import replay
from standoff.scenario import Builder, resolve
from standoff.scenario.models import Intervention
from standoff.simulate import simulate
from standoff.simulate.interventions import overrides
from standoff.solve import exact, solve
from standoff.solve.grid import box, to_beliefs
from standoff.worlds import Task, sample
from standoff.worlds.world import measured, structures_of

CERTIFYING = importlib.import_module("standoff.solve.certification")  # the package has a function `solve`
START = dt.date(2020, 1, 1)
FINE = 1e-6
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


@pytest.fixture(scope="module")
def played():
    game = build(rivals())
    return exact(game), solve(game, engine="grid", levels=box((4, 4)), workers=1)


@pytest.fixture(scope="module", params=[1, 7])
def drawn(request):
    game = build(random_scenario(request.param, axes=2, propensities=True, together=0.6))
    return exact(game), solve(game, engine="grid", tolerance=FINE, workers=1)


# --- the moment itself ---------------------------------------------------------------------------------------------------------------------


def duel(gains, costs, *, at_once=True, precision=0.5):
    """Two players act or not, once; acting gains by own type, and costs where the other acts as well. One type means no secret."""
    builder = Builder("duel").clock(periods=1).parameter("precision", precision)
    for (name, other), gain, cost in zip((("ann", "bob"), ("bob", "ann")), gains, costs, strict=True):
        builder.player(name, types={"meek": 0.3, "bold": "rest"} if len(gain) > 1 else None)
        own = f"({gain[0]} if type == meek else {gain[1]})" if len(gain) > 1 else str(gain[0])
        builder.payoff(name, "gain", on={f"{name}.act": own}).state(f"{name}_acted", values=[False, True], start=False)
        builder.payoff(name, "clash", ends={"time_up": f"-{cost} if {name}_acted and {other}_acted else 0"})
    for i, name in enumerate(("ann", "bob")):
        builder.turn(name, options={"act": {"set": {f"{name}_acted": True}}, "rest": {}}, at_once=bool(i) and at_once)
    return build(builder.scenario())


def fixed_point(gains, costs, beliefs, precision):
    """Chance to act by player and type: `p = 1 / (1 + exp(-precision (gain - cost E[p of the other])))`, a contraction where that is flat."""
    p = [np.full(len(gain), 0.5) for gain in gains]
    for _ in range(200):
        p = [1 / (1 + np.exp(-precision * (np.array(gains[i]) - costs[i] * beliefs[1 - i] @ p[1 - i]))) for i in range(2)]
    return p


@pytest.mark.paper
@pytest.mark.parametrize("belief", [0.3, 0.05, 1.0])
@pytest.mark.parametrize(
    ("gains", "costs"),
    [(((-0.5, 1.0), (-0.5, 1.0)), (2.0, 2.0)), (((-0.5, 1.5), (0.2, 0.8)), (1.0, 3.0)), (((-0.5, 1.5), (0.7,)), (1.5, 2.5))],
)
def test_a_duel_is_the_fixed_point_of_both_logits(gains, costs, belief):
    game = duel(gains, costs)
    solved = solve(game, engine="grid", levels=box((2,) * sum(len(gain) - 1 for gain in gains)), workers=1)
    assert solved.certificate.met
    assert solved.certificate.policy_distance < 1e-9
    head = int(game.structure.heads[0])
    x = np.array([belief if i == 0 else 0.3 for i, gain in enumerate(gains) if len(gain) > 1])
    beliefs = to_beliefs(x, game.n_types)
    wanted = fixed_point(gains, costs, beliefs, 0.5)
    for i, node in enumerate(game.structure.members(head)):
        probe = solved.probe(node, x)
        assert probe.policy[:, 0] == pytest.approx(wanted[i], abs=1e-9)
        worth = np.array(gains[i]) - costs[i] * beliefs[1 - i] @ wanted[1 - i]
        assert probe.action_values[:, 0] == pytest.approx(worth, abs=1e-9)
        assert probe.action_values[:, 1] == pytest.approx(np.zeros(len(gains[i])), abs=1e-12)


@pytest.mark.paper
def test_players_alike_behave_alike():
    game = duel(((-0.5, 1.0), (-0.5, 1.0)), (2.0, 2.0))
    solved = solve(game, engine="grid", levels=box((2, 2)), workers=1)
    one, two = (solved.probe(node, solved.prior).policy for node in game.structure.members(int(game.structure.heads[0])))
    assert one == pytest.approx(two, abs=1e-12)


@pytest.mark.paper
def test_a_choice_known_is_another_than_one_made_at_once():
    """Where the second knows the first's choice its behaviour hangs on it; at once it cannot."""
    gains, costs = ((-0.5, 1.0), (-0.5, 1.0)), (2.0, 2.0)
    together, after = (solve(duel(gains, costs, at_once=flag), engine="grid", levels=box((2, 2)), workers=1) for flag in (True, False))
    for solved, same in ((together, True), (after, False)):
        nodes = solved.game.structure.nodes_at("turn:bob")
        one, two = (solved.probe(int(node), solved.prior).policy for node in nodes)
        assert (np.abs(one - two).max() < 1e-12) == same


@pytest.mark.paper
def test_beliefs_move_when_the_last_has_chosen():
    game = duel(((-0.5, 1.0), (-0.5, 1.0)), (2.0, 2.0))
    solved = solve(game, engine="grid", levels=box((2, 2)), workers=1)
    x, head = np.array([0.3, 0.6]), int(game.structure.heads[0])
    first = solved.probe(head, x)
    assert first.posteriors == pytest.approx(np.tile(x, (2, 1)), abs=0.0)
    for a in range(2):
        last = solved.probe(int(game.arrays.target[game.arrays.observation_start[head] + a]), x)
        for b in range(2):
            for axis, policy, option in ((0, first.policy, a), (1, last.policy, b)):
                meek, bold = x[axis] * policy[0, option], (1 - x[axis]) * policy[1, option]
                assert last.posteriors[b, axis] == pytest.approx(meek / (meek + bold), abs=1e-12)


def trio(*, secrets=True, **clock):
    """Three act or rest at the same moment, two of them with secrets and wrong about each other; then the third replies to the noise."""
    builder = Builder("trio").clock(**clock).parameter("precision", 1.5).state("noise", range=(0, 3), start=0, resets=True)
    for name, other, low in (("ann", "bob", 0.4), ("bob", "ann", 0.3)):
        types = {"low": low, "top": "rest"} if secrets else None
        builder.player(name, types=types, believes={other: {"low": 0.8 * low + 0.4, "top": "rest"}} if secrets else None)
        builder.payoff(name, "act", on={f"{name}.act": "1.5 if type == top else 0" if secrets else 1})
        builder.payoff(name, "hurt", on={"cem.fight": "-2 if type == low else -0.5" if secrets else -1})
    builder.player("cem").payoff("cem", "act", on={"cem.act": 0.5}).payoff("cem", "reply", on={"cem.fight": "noise - 1.2"})
    for i, name in enumerate(("ann", "bob", "cem")):
        builder.payoff(name, "noise", each_period="-0.3 * noise * noise")
        builder.turn(name, options={"act": {"set": {"noise": "min(noise + 1, 3)"}}, "rest": {}}, at_once=i > 0)
    return build(builder.turn("cem", name="reply", options={"yield": {}, "fight": {}}).scenario())


@pytest.mark.solver
def test_three_who_are_wrong_about_each_other_behave_as_on_all_histories():
    game = trio(periods=2)
    truth, solved = exact(game), solve(game, engine="grid", levels=box((5, 5)), workers=1, certify=False)
    assert game.arrays.tilted.any()
    for h in truth.choices.tolist():
        probe = solved.probe(int(truth.tree.node[h]), truth.known[h])
        assert np.abs(probe.policy - truth.at(h)).max() < 1e-5
        assert np.abs(probe.action_values - truth.action_values(h)).max() < 1e-4


@pytest.mark.solver
def test_a_game_without_end_is_that_of_many_periods():
    endless, long = (
        solve(trio(**clock), levels=box((2, 2)), workers=1, certify=False, engine="grid")
        for clock in ({"open_ended": True, "discount": 0.5}, {"periods": 25, "discount": 0.5})
    )
    for one, other in zip(*(solved.game.structure.members(int(solved.game.structure.heads[0])) for solved in (endless, long)), strict=True):
        assert np.abs(endless.probe(one, endless.prior).policy - long.probe(other, long.prior).policy).max() < 1e-6


@pytest.mark.property
def test_without_secrets_reasons_add_up_as_well():
    solved = solve(trio(secrets=False, periods=2))
    for name in ("ann", "bob", "cem"):
        why = explain(solved, name, flips=False)
        assert why.gap < 1e-9


# --- against all public histories ----------------------------------------------------------------------------------------------------------


@pytest.mark.solver
def test_the_grid_agrees_with_the_exact_engine_about_all_who_choose(drawn, played):
    for truth, solved in (drawn, played):
        game = truth.game
        together = [h for h in truth.choices.tolist() if game.structure.together[truth.tree.node[h]]]
        assert any(game.structure.head[truth.tree.node[h]] != truth.tree.node[h] for h in together)
        judged = judge(game, truth.tree, behaviour_of(truth))
        for h in (h for h in together if judged.reach[h] > 0.0):
            probe = solved.probe(int(truth.tree.node[h]), truth.known[h])
            assert np.abs(probe.policy - truth.at(h)).max() < 1e-4
            assert np.abs(probe.action_values - truth.action_values(h)).max() < 1e-3
            assert np.abs(probe.values - judged.values[h]).max() < 1e-3


@pytest.mark.solver
def test_both_engines_answer_with_the_exact_one_where_it_knows(played):
    truth, _ = played
    solved = solve(truth.game, levels=box((2, 2)), workers=1)
    for h in truth.choices.tolist():
        probe = solved.probe(int(truth.tree.node[h]), truth.known[h])
        assert probe.residual == truth.certificate.residual
        assert probe.policy == pytest.approx(truth.at(h), abs=1e-12)


@pytest.mark.property
def test_coarse_grids_are_certified_alike_with_and_without_the_exact_engine(monkeypatch):
    """What the certificate says of a grid that is too coarse: against the exact solution, on all histories, and on drawn ones."""
    game = build(random_scenario(1, axes=2, propensities=True, together=0.6))
    solved = solve(game, engine="grid", levels=box((1, 1)), workers=1)
    everywhere = solved.certificate
    against = CERTIFYING.certify(solved, tolerance=1e-4, oracle=exact(game))
    monkeypatch.setattr(CERTIFYING, "_every_history", lambda _: None)
    drawn = CERTIFYING.certify(solved, tolerance=1e-4, draws=(100,))
    assert everywhere.every_history
    assert not drawn.every_history
    assert against.policy_distance > 1e-3
    for one in (everywhere, drawn):
        assert one.policy_distance == pytest.approx(against.policy_distance, rel=0.5)
        assert one.regret == pytest.approx(against.regret, rel=0.5)


def chances(truth, reached):
    """Return the sum of the probabilities of the ends that `reached` picks by the observations that led there."""
    game, tree = truth.game, truth.tree
    judged = judge(game, tree, behaviour_of(truth))
    return sum(float(judged.reach[h]) for h, way in enumerate(ways(game, tree)) if tree.child[h] < 0 and reached(way))


RUNS = 100_000


@pytest.mark.property
def test_futures_come_as_often_as_they_should(drawn, played):
    for truth, solved in (drawn, played):
        futures = simulate(solved, RUNS, seed=3, workers=1)
        for move in futures.marks:
            wanted = min(chances(truth, lambda way, move=move: move in way), 1.0)
            if move in truth.game.structure.addresses:
                assert futures.happened(move).mean() == pytest.approx(wanted, abs=4 * math.sqrt(wanted * (1 - wanted) / RUNS) + 1e-4), move


@pytest.mark.property
def test_futures_of_both_rivals_together(played):
    """Moves of the second week after moves of the first: what is drawn later hangs on beliefs about both."""
    truth, solved = played
    futures = simulate(solved, RUNS, seed=5, workers=1)
    both = futures.happened("east.arm") & futures.happened("west.arm") & futures.happened("patron.help_east")
    wanted = chances(truth, lambda way: {"east.arm", "west.arm", "patron.help_east"} <= set(way))
    assert both.mean() == pytest.approx(wanted, abs=4 * math.sqrt(wanted * (1 - wanted) / RUNS))


def by_hand(truth, acted, payoff):
    """Return the expectation of a sum along histories, types drawn and held, where behaviour is overridden as in `acted`."""
    game, tree, g = truth.game, truth.tree, truth.game.arrays
    total = 0.0
    for types in np.ndindex(*game.n_types):
        start = math.prod(float(game.priors[i][k]) for i, k in enumerate(types))
        pending = [(0, start, 0.0)]
        while pending:
            h, chance, sofar = pending.pop()
            node, child = int(tree.node[h]), int(tree.child[h])
            if child < 0:
                total += chance * (sofar + payoff(node, None, None, types))
                continue
            owner, o0, y0 = int(g.owner[node]), int(g.option_start[node]), int(g.observation_start[node])
            if g.option_start[node + 1] == o0:
                like = truth.likelihood(h)[:, types[owner] if owner >= 0 else 0]
                steps = [(None, y, float(p)) for y, p in enumerate(like)]
            else:
                sigma = truth.at(h)[types[owner]].copy()
                for a in range(len(sigma)):
                    sigma[a] *= acted[o0 + a] != 0
                steps = [
                    (o0 + a, y, float(p * q))
                    for a, p in enumerate(sigma / sigma.sum())
                    for y, q in enumerate(game.likelihoods(node)[a, :, types[owner]])
                ]
            for option, y, p in steps:
                if p > 0.0:
                    pending.append((child + y, chance * p, sofar + payoff(node, option, y0 + y, types)))
    return total


@pytest.mark.property
@pytest.mark.parametrize("forbidden", [None, "east.arm", "west.talk"])
def test_functionals_are_the_sums_over_histories(played, forbidden):
    truth, solved = played
    game = truth.game
    acted = overrides(game, [Intervention.model_validate({"forbid": forbidden})] if forbidden else (), now=0)
    players = tuple(sorted({int(game.arrays.owner[n]) for n in game.option_node[acted != -1] if game.n_types[int(game.arrays.owner[n])] > 1}))
    wanted, functionals = [], []
    names = np.array(game.option_addresses, dtype=object)
    for move in sorted(set(names.tolist())):
        functionals.append(of_moves(game, [move], until=5, once=False, pinned=players))
        wanted.append(by_hand(truth, acted, lambda _n, option, _y, _t, move=move: float(option is not None and names[option] == move)))
    for end in ("time_up",):
        functionals.append(of_ends(game, [end], until=0, pinned=players))
        wanted.append(by_hand(truth, acted, lambda node, _o, _y, _t: float(game.structure.kind[node] == END and game.structure.period[node] == 0)))
    pay = game.component_payoffs([(0, name) for name in MOTIVES])
    for kind in range(2):
        column = int(game.arrays.columns[0]) + kind

        def paid(node, option, row, types, column=column, kind=kind):
            if types[0] != kind:
                return 0.0
            return pay.node[node, column] + (pay.option[option, column] if option is not None else 0) + (pay.observation[row, column] if row else 0)

        functionals.append(of_components(game, 0, kind, MOTIVES, players))
        wanted.append(by_hand(truth, acted, paid) / float(game.priors[0][kind]))
    evaluation = Evaluation(solved, functionals, [acted] * len(functionals))
    root = int(game.structure.roots[0])
    for number, value in enumerate(wanted):
        assert evaluation.at(number, root, solved.prior) == pytest.approx(value, abs=2e-4), functionals[number].name


def arming(*moves):
    """A record in which players arm on these days."""
    return Record(tuple(Event(id=f"{who}{day}", date=START + dt.timedelta(days=day), actor=who, action="arm") for who, day in moves))


@pytest.mark.property
@pytest.mark.parametrize("moves", [(("west", 8),), (("east", 0),), (("west", 0),), (("east", 0), ("west", 0), ("west", 8))])
def test_records_are_as_likely_as_their_histories(played, moves):
    truth, solved = played
    trail = replay(solved, arming(*moves))
    game, tree = truth.game, truth.tree
    judged = judge(game, tree, behaviour_of(truth))
    h = 0
    by_node = {step.node: step for step in trail.steps}
    while tree.child[h] >= 0:
        node = int(tree.node[h])
        first = int(game.arrays.observation_start[node])
        labels = [game.structure.address(first + y) for y in range(int(game.arrays.observation_start[node + 1]) - first)]
        y = labels.index(by_node[node].move) if node in by_node else 0
        before = h
        h = int(tree.child[h]) + y
        if node in by_node:
            step = by_node[node]
            assert step.probability == pytest.approx(float(judged.reach[h] / judged.reach[before]), abs=1e-4)
            for about, belief in enumerate(to_beliefs(step.after, game.n_types)):
                assert belief == pytest.approx(judged.beliefs[h][about], abs=1e-4)
    assert trail.log_likelihood == pytest.approx(log(float(judged.reach[h])), abs=1e-3)


# --- what is made of it --------------------------------------------------------------------------------------------------------------------


@pytest.mark.property
@pytest.mark.parametrize("player", ["east", "west", "patron"])
def test_reasons_add_up_for_all_who_choose(played, player):
    """The split comes from sweeps by component, the values from the joint stage."""
    truth, solved = played
    why = explain(solved, player, flips=False)
    probe = solved.probe(why.spot.node, why.spot.x)
    assert why.gap < 1e-3
    assert why.values.sum(axis=2) == pytest.approx(probe.action_values, abs=1e-3)
    history = next(h for h in truth.choices.tolist() if int(truth.tree.node[h]) == why.spot.node)
    assert why.policy == pytest.approx(truth.at(history), abs=1e-3)
    for _, table in why.following.values():
        assert (np.asarray(table).sum(axis=1) < 1.0 + 1e-9).all()


@pytest.mark.property
def test_what_the_rival_does_at_the_same_moment_is_its_next_move(played):
    truth, solved = played
    game = truth.game
    for player, other, mine in (("east", "west", 0), ("west", "east", 1)):
        why = explain(solved, player, flips=False)
        them = solved.probe(game.structure.members(int(game.structure.heads[0]))[1 - mine], solved.prior).policy
        moves, table = why.following[other]
        expected = to_beliefs(solved.prior, game.n_types)[1 - mine] @ them
        assert moves[0] == f"{other}.arm"
        assert np.asarray(table)[:, 0] == pytest.approx(np.full(len(why.options), expected[0]), abs=1e-3)


@pytest.mark.property
def test_flips_are_found_for_one_who_chooses_with_others(played):
    _, solved = played
    why = explain(solved, "west", type="hawk", workers=1)
    assert why.flips is not None
    assert not why.flips.problems
    assert why.flips.tried == 1


SECOND = {"turn": "second"}
QUANTITIES = {
    "hawk": {"choice": "west.arm", "at": SECOND, "type": "hawk"},
    "anybody": {"choice": "west.arm"},
    "arms": {"chance_of_move": "west.arm"},
    "arms_from_there": {"chance_of_move": "east.arm", "at": SECOND},
    "motive": {"motive": {"option": "west.arm", "against": "west.wait", "type": "hawk", "components": MOTIVES}, "at": SECOND},
    "told": {"bits": {"about": "west", "move": "west.arm"}, "at": SECOND},
}


def claims():
    return {name: {"left": quantity, "is": "above", "right": 0} for name, quantity in QUANTITIES.items()}


@pytest.mark.property
def test_claims_about_one_who_chooses_with_others_are_measured():
    scenario = rivals(claims())
    canonical, levels = resolve(scenario), box((4, 4))
    world = measured(Task(canonical, None, levels, levels, {}), structures_of(canonical), 0, {}, levels)
    truth = exact(build(scenario))
    h = next(h for h in truth.choices.tolist() if truth.game.structure.head[truth.tree.node[h]] != truth.tree.node[h])
    hawk, belief = truth.at(h)[1, 0], truth.game.priors[1]
    mean = float(belief @ truth.at(h)[:, 0])
    q = truth.action_values(h)[1]
    posterior = belief * truth.at(h)[:, 0] / mean
    wanted = {
        "hawk": hawk,
        "anybody": mean,
        "arms": chances(truth, lambda way: "west.arm" in way),
        "arms_from_there": chances(truth, lambda way: "east.arm" in way),
        "motive": 2.0 * (q[0] - q[1]),
        "told": sum(p * log2(p / b) for p, b in zip(posterior, belief, strict=True)),
    }
    for name, value in wanted.items():
        found = world.findings[name]
        assert found.problem == ""
        assert found.numbers[0] == pytest.approx(value, abs=2e-4), name


@pytest.mark.property
def test_a_turn_taken_at_once_that_does_not_happen_is_refused():
    claim = {"left": {"choice": "east.arm", "at": {"turn": "first", "state": {"over": True}}}, "is": "above", "right": 0}
    builder = Builder("once").clock(periods=2).parameter("precision", 1).state("over", values=[False, True], start=False)
    for name in ("west", "east"):
        builder.player(name, types={"dove": 0.5, "hawk": "rest"}).payoff(name, "arms", on={f"{name}.arm": "1 if type == hawk else 0"})
    builder.turn("west", options={"arm": {"set": {"over": True}}, "wait": {}})
    builder.turn("east", name="first", options={"arm": {}, "wait": {}}, at_once=True, when="not over").claim("late", "Late", test=claim)
    canonical, levels = resolve(builder.scenario()), box((1, 1))
    world = measured(Task(canonical, None, levels, levels, {}), structures_of(canonical), 0, {}, levels)
    assert world.findings["late"].problem == "at the turn first of period 0 in that state others move"


@pytest.mark.property
def test_worlds_are_sampled_and_judged():
    worlds = sample(rivals(claims()), n=4, seed=0, workers=1, record=arming(("east", 0), ("west", 8)))
    assert len(worlds) == 4
    assert all(np.isfinite(world.log_likelihood) for world in worlds.worlds)
    assert all(finding.problem == "" for world in worlds.worlds for finding in world.findings.values())
