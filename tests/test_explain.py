"""Why a player would do what, and what would change its mind."""

import dataclasses
import itertools
import json

import numpy as np
import pytest

import standoff as so
from games import dilemma, histories, random_scenario
from standoff.cli.app import run_app
from standoff.cli.explain import beliefs_of, states_of
from standoff.cli.terminal import WIDTH, as_text
from standoff.errors import ScenarioError, SolveError, StandoffError
from standoff.explain import flips as flips_module
from standoff.explain.flips import quantile
from standoff.explain.split import take_apart
from standoff.explain.spot import Spot
from standoff.game import Root
from standoff.report.explained import explain_content, show_explained
from standoff.report.explained_words import change_text
from standoff.scenario import Builder
from standoff.solve.grid import to_beliefs
from toys import START, chooser, going, watched


def solved(scenario, **values):
    return so.solve(so.build(scenario, values), engine="grid", workers=1)


@pytest.fixture(scope="module")
def threat():
    return solved(so.load("one-shot-threat"))


@pytest.fixture(scope="module")
def proxy():
    return solved(so.load("patron-and-proxy"))


@pytest.fixture(scope="module")
def path():
    """A mover that goes in the first and in the third week."""
    eq = solved(watched())
    return so.replay(eq, going(0, 2))


SCENARIOS = {
    "one-shot-threat": lambda: so.load("one-shot-threat"),
    "repeated-signalling": lambda: so.load("repeated-signalling"),
    "covert-moves": lambda: so.load("patron-and-proxy"),
    "three-types-chance-and-discount": lambda: random_scenario(5, types=(3, 2), discount=0.9),
    "public-mover": lambda: random_scenario(8, types=(1, 2)),
}


# -- the split -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_components_of_every_option_sum_to_its_value(name):
    """The value is the one by which the choice was solved, found without taking it apart."""
    eq = solved(SCENARIOS[name]())
    game = eq.game
    choices = [(node, x) for node, x, *_ in histories(eq) if np.diff(game.arrays.option_start)[node] > 1]
    of = {owner: [choice for choice in choices if game.arrays.owner[choice[0]] == owner] for owner in {game.arrays.owner[n] for n, _ in choices}}
    picked = [choice for own in of.values() for choice in own[:: max(len(own) // 3, 1)]]
    for node, x in picked:
        spot = Spot(eq, node, x, "")
        split = take_apart(spot)
        total, value = split.values.sum(axis=2), split.probe.action_values
        assert np.all(np.abs(total - value) <= 1e-9 * np.maximum(np.abs(value), np.abs(split.values).max(axis=2)))


def test_components_are_what_the_scenario_pays():
    """Pen and paper: one choice, one period, two motives."""
    builder = Builder("two-motives").clock(periods=1).parameter("precision", 2).player("me")
    builder.payoff("me", "gold", on={"me.work": 3, "me.rest": 1}).payoff("me", "sleep", on={"me.work": -1.5, "me.rest": 1})
    builder.turn("me", options={"work": {"propensity": 4}, "rest": {}})
    why = so.explain(solved(builder.scenario()), "me", flips=False)
    assert why.payoffs.sel(option="work").values.tolist() == [[3, -1.5]]
    assert why.payoffs.sel(option="rest").values.tolist() == [[1, 1]]
    assert (why.choice, why.rival) == ("work", "rest")
    parts = why.log_odds.sel(type="public", option="rest")
    assert parts.values == pytest.approx([-np.log(4), 2 * -2, 2 * 2.5])
    assert why.probabilities["work"] == pytest.approx(4 * np.e**3 / (4 * np.e**3 + np.e**4))


def test_a_threat_is_worth_what_its_consequences_are(threat):
    """By hand from the probabilities of what follows: yielded to, carried out, or taken back."""
    why = so.explain(threat, "challenger", flips=False)
    later = so.explain(threat, "challenger", turn="moment_of_truth", flips=False)
    answer = so.explain(threat, "defender", flips=False).probabilities
    p = threat.game.parameters
    for k, fight in enumerate([p["fight_cost"], p["fight_cost"] + p["resolve_gap"]]):
        strike = later.policy[k, later.options.index("strike")]
        paid = why.payoffs[k].sel(option="threaten")
        assert float(paid.sel(component="gain")) == pytest.approx(p["prize"] * (answer["yield"] + answer["hold"] * strike), abs=1e-4)
        assert float(paid.sel(component="fighting")) == pytest.approx(-fight * answer["hold"] * strike, abs=1e-4)
        assert float(paid.sel(component="audience")) == pytest.approx(-p["audience_cost"] * answer["hold"] * (1 - strike), abs=1e-4)


@pytest.mark.parametrize("player", ["patron", "proxy", "target"])
def test_parts_of_log_odds_sum_to_the_log_of_the_odds(proxy, player):
    why = so.explain(proxy, player, flips=False)
    best = why.options.index(why.choice)
    assert why.log_odds.sum("part").values == pytest.approx(np.log(why.policy / why.policy[:, [best]]), abs=1e-7)


def test_the_table_holds_every_option_of_every_type(proxy):
    table = so.explain(proxy, "proxy", flips=False).table
    assert list(table.index) == [(kind, option) for kind in ("eager", "reluctant") for option in ("attack", "hold")]
    assert table[["cause", "punished"]].sum(axis=1).to_numpy() == pytest.approx(table["value"].to_numpy(), rel=1e-12)


def test_a_solution_whose_values_do_not_fit_its_behaviour_is_refused(threat):
    wrong = dataclasses.replace(threat, values=threat.values + 1.0)
    with pytest.raises(SolveError, match="miss the value of a choice"):
        so.explain(wrong, "challenger", flips=False)


# -- what the others do next ---------------------------------------------------------------------------------------


def followed(eq, node, x, kinds, waiting, last, chance, found):
    """Add up, over the game tree with everybody's type known, the chance of each player's next choice."""
    game, g, s = eq.game, eq.game.arrays, eq.game.structure
    if s.period[node] > last or not waiting or g.observation_start[node] == g.observation_start[node + 1]:
        return
    owner, first = int(g.owner[node]), int(g.option_start[node])
    n_options = int(g.option_start[node + 1]) - first
    probe = eq.probe(node, x)
    kind = kinds[owner] if owner >= 0 else 0
    if n_options > 1 and owner in waiting:
        for a in range(n_options):
            name = game.option_address(first + a)
            found[name] = found.get(name, 0.0) + chance * probe.policy[kind, a]
        waiting = waiting - {owner}
    for y, p in enumerate(probe.likelihood[:, kind]):
        if p > 0:
            followed(eq, int(g.target[g.observation_start[node] + y]), probe.posteriors[y], kinds, waiting, last, chance * p, found)


@pytest.mark.parametrize(("name", "player"), [("covert-moves", "patron"), ("three-types-in-one-period", "a")])
def test_what_the_others_do_next_agrees_with_the_game_tree(name, player):
    """Another method: every history from every observation, types known, weighted by how likely the mover is of each type given its option."""
    eq = so.solve(so.build(SCENARIOS[name]() if name in SCENARIOS else random_scenario(5, types=(3, 2), periods=1)), workers=1)
    why = so.explain(eq, player, flips=False)
    game, g, spot = eq.game, eq.game.arrays, why.spot
    beliefs = to_beliefs(spot.x, game.n_types)
    probe = eq.probe(spot.node, spot.x)
    like = game.likelihoods(spot.node)
    others = frozenset(range(len(game.n_types))) - {spot.mover}
    for a, option in enumerate(why.options):
        found = {}
        given = beliefs[spot.mover] * why.policy[:, a]
        given = given / given.sum()
        for kinds in itertools.product(*map(range, game.n_types)):
            weight = np.prod([beliefs[i][kinds[i]] for i in others]) * given[kinds[spot.mover]]
            for y in range(like.shape[1]):
                p = like[a, y, kinds[spot.mover]]
                if p > 0:
                    to = int(g.target[g.observation_start[spot.node] + y])
                    followed(eq, to, probe.posteriors[y], kinds, others, spot.period + 1, weight * p, found)
        for (_, move), chance in why.next_moves[option].items():
            assert chance == pytest.approx(found.get(move, 0.0), abs=2e-3)
        assert set(found) <= {move for _, move in why.next_moves.index}


def test_nobody_answers_silence(threat):
    after = so.explain(threat, "challenger", flips=False).next_moves
    assert after["stay_silent"].abs().max() < 1e-12
    assert after["threaten"].sum() == pytest.approx(1.0)


# -- what would change its mind ------------------------------------------------------------------------------------


def test_a_flip_is_found_where_two_options_are_worth_the_same():
    """Pen and paper: going pays `gain`, uniform on 0 to 1, and staying 0.3; the median is 0.5."""
    flips = so.explain(solved(chooser({}, noise=2)), "me").flips
    assert flips.tried == 3
    assert [flip.parameter for flip in flips.found] == ["gain"]
    flip = flips.smallest
    assert (flip.value, flip.before, flip.option) == (0.5, 0.5, "stay")
    assert flip.to == pytest.approx(0.3, abs=2e-3)
    assert flip.distance == pytest.approx(0.2, abs=2e-3)


@pytest.mark.parametrize("value", [0.6, 0.9])
def test_the_distance_is_from_the_value_that_a_parameter_has(value):
    flip = so.explain(solved(chooser({}), gain=value), "me").flips.smallest
    assert flip.before == pytest.approx(value, abs=1e-6)
    assert flip.distance == pytest.approx(value - 0.3, abs=2e-3)


def test_a_flip_does_what_it_says(proxy):
    """Property: solved anew at the reported value another option leads; a little nearer to the present value it does not."""
    scenario = so.load("patron-and-proxy")
    why = so.explain(proxy, "proxy")
    assert len(why.flips.found) > 1
    assert [flip.distance for flip in why.flips.found] == sorted(flip.distance for flip in why.flips.found)
    for flip in why.flips.found:
        back = flip.to + 0.02 * (flip.value - flip.to)
        for value, leads in ((flip.to, flip.option), (back, why.choice)):
            eq = so.solve(so.build(scenario, {flip.parameter: value}), levels=proxy.grid.levels, certify=False, workers=1)
            policy = why.belief @ eq.probe(why.spot.node, why.spot.x).policy
            assert why.options[int(np.argmax(policy))] == leads


def test_when_nothing_flips_the_nearest_is_named():
    flips = so.explain(solved(chooser({}, stay=-1.0, noise=1)), "me").flips
    assert flips.found == ()
    assert flips.nearest.parameter == "gain"
    assert flips.nearest.to == pytest.approx(0.01)
    assert 0.0 < flips.nearest.lead < flips.lead


def test_against_an_option_the_search_asks_what_would_make_it_lead():
    """Three options: b overtakes a where `b` passes 2, c never leads alone."""
    builder = Builder("three").clock(periods=1).parameter("precision", 1).parameter("b", prior={"uniform": [0, 4]}).player("me")
    builder.parameter("c", prior={"uniform": [-2, 1]}).payoff("me", "taste", on={"me.a": 2.5, "me.b": "b", "me.c": "c"})
    eq = solved(builder.turn("me", options={"a": {}, "b": {}, "c": {}}).scenario())
    why = so.explain(eq, "me", against="b")
    assert (why.choice, why.rival, why.flips.gains) == ("a", "b", True)
    assert why.flips.smallest.parameter == "b"
    assert why.flips.smallest.to == pytest.approx(2.5, abs=0.01)
    never = so.explain(eq, "me", against="me.c").flips
    assert never.found == ()
    assert never.nearest.parameter == "c"


def test_the_belief_is_held_while_parameters_move(threat):
    """A prior is only where beliefs begin, so moving it changes nothing at a given belief."""
    assert so.explain(threat, "challenger").flips.idle == ("prior_resolute",)


def test_parameters_without_a_prior_are_not_moved():
    flips = so.explain(solved(dilemma([1.0, 0.0])), "me").flips
    assert (flips.tried, flips.found, flips.nearest) == (0, (), None)


def test_values_at_which_the_game_fails_are_reported():
    builder = Builder("risky").clock(periods=1).parameter("precision", 1).parameter("chance", prior={"uniform": [0, 2]}).player("me")
    builder.payoff("me", "luck", on={"me.go/good": 1})
    builder.turn("me", options={"go": {"outcomes": {"good": {"chance": "chance * 0.6"}, "bad": {"chance": "rest"}}}, "stay": {}})
    ((parameter, problem),) = so.explain(solved(builder.scenario()), "me").flips.problems
    assert parameter == "chance"
    assert "sum" in problem


def test_flips_do_not_depend_on_the_number_of_workers(proxy, monkeypatch):
    alone = so.explain(proxy, "target", against="wait", workers=1).flips
    monkeypatch.setattr(flips_module, "SMALL", 0)
    seen = []
    shared = so.explain(proxy, "target", against="wait", workers=2, progress=lambda what, share: seen.append((what, share))).flips
    assert shared == alone
    assert seen[-1][1] == 1.0


@pytest.mark.parametrize("prior", [{"uniform": [-1, 3]}, {"lognormal": [3, 0.5]}, {"normal": [0, 1]}, {"beta": [2, 5]}, {"triangular": [0, 1, 4]}])
@pytest.mark.parametrize("u", [0.05, 0.5, 0.8])
def test_the_quantile_of_a_value_is_found_back(prior, u):
    spec = Builder("any").clock(periods=1).parameter("p", prior=prior).parameter("precision", 1).player("me")
    spec = spec.payoff("me", "taste", on={"me.a": "p"}).turn("me", options={"a": {}, "b": {}})
    distribution = so.build(spec.scenario()).canonical.parameters[0].prior
    assert quantile(distribution, distribution.ppf(u)) == pytest.approx(u, abs=1e-6)


# -- which decision ------------------------------------------------------------------------------------------------


def explained(path, **asked):
    return so.explain(path.equilibrium, trail=path, flips=False, **asked)


def test_an_event_is_explained_at_the_belief_just_before_it(path):
    eq = path.equilibrium
    first, third = explained(path, event="w0"), explained(path, event="w2")
    assert (first.player, first.period, third.period) == ("mover", 0, 2)
    assert eq.beliefs(first.spot.x) == eq.beliefs(eq.prior)
    assert np.array_equal(third.spot.x, path.steps[2].before)
    assert third.spot.step is path.steps[2]
    assert "before w2" in third.spot.origin


def test_what_was_done_is_held_against_what_was_likelier():
    """Going costs 2 and staying is the quieter of two ways not to go; the record says that the mover went."""
    builder = Builder("rare").clock(start=START, step="1 week", end=START.replace(day=15)).parameter("precision", 1).player("mover")
    builder.payoff("mover", "taste", on={"mover.go": -2}).turn("mover", options={"go": {}, "wait": {}, "stay": {"propensity": 2}}, silent="stay")
    trail = so.replay(solved(builder.record({"mover.go": [{"action": "go"}]}).scenario()), going(1))
    why = explained(trail, event="w1")
    assert (why.choice, why.rival) == ("stay", "go")
    assert explained(trail, event="w1", against="wait").rival == "wait"
    assert explained(trail, at=0).rival == "wait"


def test_a_date_with_a_record_means_the_turn_on_its_path(path):
    second = explained(path, player="mover", at=START.replace(day=10))
    assert second.period == 1
    assert second.spot.step.silent
    assert np.array_equal(second.spot.x, path.steps[0].after)


def test_a_date_may_be_given_as_text_or_as_a_period(path):
    assert explained(path, at="2020-01-10").spot.node == explained(path, at="1").spot.node == explained(path, at=1).spot.node


def test_beliefs_may_be_replaced_at_any_point(path):
    sure = explained(path, event="w2", beliefs={"mover": {"hawk": 0.9}})
    assert sure.spot.solved.beliefs(sure.spot.x)["mover"] == pytest.approx({"hawk": 0.9, "dove": 0.1})
    assert sure.probabilities["go"] > explained(path, event="w2").probabilities["go"]


def test_without_a_date_the_next_choice_after_an_open_record_is_taken(path):
    cut = dataclasses.replace(path, node=path.steps[1].node, x=path.steps[1].before)
    why = explained(cut)
    assert why.period == 1
    assert "where the record leaves the game" in why.spot.origin


def test_without_a_date_and_with_a_finished_record_the_first_told_move_is_taken(path):
    assert explained(path).spot.step is path.steps[0]


def test_a_player_that_is_not_first_is_found_on_the_likeliest_way(threat):
    why = so.explain(threat, "defender", flips=False)
    assert why.spot.structure.labels(why.spot.node)["threat"] == "made"
    assert "likeliest way" in why.spot.origin


def test_a_type_asked_for_stands_alone(threat):
    both, one = (so.explain(threat, "challenger", type=kind, flips=False) for kind in (None, "bluffing"))
    assert one.types == ("bluffing",)
    assert np.array_equal(one.policy[0], both.policy[1])
    assert both.probabilities["threaten"] == pytest.approx(both.belief @ both.policy[:, 0])


def test_a_declared_state_that_the_game_holds_is_read_from_it(threat):
    why = so.explain(threat, "defender", state={"threat": "made"}, beliefs={"challenger": {"resolute": 0.9}}, flips=False)
    assert why.spot.solved is threat
    assert why.probabilities["yield"] == pytest.approx(float(threat.policy_at(why.spot.node, why.spot.x)["public"]["yield"]))


def test_a_declared_state_that_the_game_never_reaches_is_solved_from_there(proxy):
    """Another method: the same state as a further root of the whole game, on the same grid."""
    why = so.explain(proxy, "patron", state={"arms": "delivered"}, flips=False)
    assert why.spot.solved is not proxy
    game = so.build(so.load("patron-and-proxy"), roots=(Root(0, "patron", (("arms", 1),)),))
    eq = so.solve(game, levels=proxy.grid.levels, certify=False, workers=1)
    assert why.policy == pytest.approx(eq.probe(int(game.structure.roots[1])).policy, abs=1e-12)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"player": "defendr"}, "did you mean defender"),
        ({"player": "challenger", "type": "resolut"}, "did you mean resolute"),
        ({"player": "challenger", "against": "threatn"}, "did you mean threaten"),
        ({"player": "challenger", "against": "threaten"}, "is the likeliest option itself"),
        ({"player": "defender", "state": {"thraet": "made"}}, "did you mean threat"),
        ({"player": "defender", "state": {"threat": "mad"}}, "did you mean made"),
        ({"player": "defender", "at": 3}, "outside the clock"),
        ({"player": "defender", "at": "someday"}, "no date"),
        ({"player": "defender", "at": "2020-01-01"}, "abstract periods"),
        ({"player": "defender", "at": 0}, r"defender does not decide .* give a state"),
        ({"player": "challenger", "state": {"answer": "yielded"}}, r"the game is over \(concession\)"),
        ({"player": "defender", "turn": "moment_of_truth"}, "is a turn of challenger"),
        ({"turn": "moment"}, "no turn is named moment"),
        ({"player": "challenger", "beliefs": {"defender": {"soft": 1.0}}}, "has no secret"),
        ({"player": "challenger", "beliefs": {"chalenger": {"resolute": 1.0}}}, "did you mean challenger"),
        ({"player": "challenger", "beliefs": {"challenger": {"bluff": 1.0}}}, "did you mean bluffing"),
        ({"player": "challenger", "beliefs": {"challenger": {"resolute": 1.5}}}, "between 0 and 1"),
        (
            {"player": "challenger", "beliefs": {"challenger": {"resolute": 0.7, "bluffing": 0.7}}},
            r"sum to 1\.4; they must sum to 1\. The last type may",
        ),
        ({"player": "challenger", "beliefs": {"challenger": {"resolute": 0.2, "bluffing": 0.2}}}, r"sum to 0\.4; .* bluffing then gets what"),
        ({"event": "E1"}, r"none was given; give one with `--record FILE`"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(str(part) for part in value),
)
def test_a_wrong_question_is_answered_with_what_is_wrong(threat, asked, message):
    with pytest.raises(SolveError, match=message):
        so.explain(threat, flips=False, **asked)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"event": "w9"}, "events that stand for moves are w0, w2"),
        ({"event": "w2", "at": 1}, "is a point by itself"),
        ({"event": "far"}, "stands for no move"),
    ],
    ids=["unknown", "twice", "unmapped"],
)
def test_a_wrong_event_is_answered_with_those_that_are_there(asked, message):
    record = going(0, 2)
    stray = record.events[0].model_copy(update={"id": "far", "action": "shout"})
    trail = so.replay(solved(watched()), dataclasses.replace(record, events=(*record.events, stray)))
    with pytest.raises(SolveError, match=message):
        explained(trail, **asked)


def test_a_record_replayed_elsewhere_is_refused(path):
    with pytest.raises(SolveError, match="another solution"):
        so.explain(solved(watched()), trail=path)


def test_a_player_without_a_choice_is_told_so():
    scenario = Builder("one-way").clock(periods=1).parameter("precision", 1).player("me").turn("me", options={"go": {}}).scenario()
    with pytest.raises(StandoffError, match="declare a state"):
        so.explain(solved(scenario), "me")
    with pytest.raises(SolveError, match="no choice to explain"):
        so.explain(solved(scenario), "me", at=0)


# -- what is shown -------------------------------------------------------------------------------------------------


def content_of(eq, scenario, **asked):
    return explain_content(scenario.name, scenario, so.explain(eq, **asked))


def test_the_answer_is_in_words_first(threat):
    content = content_of(threat, so.load("one-shot-threat"), player="challenger")
    likely, resolute, bluffing, flip = content["words"]
    assert likely.startswith("It most likely chooses threaten (")
    alone = content_of(threat, so.load("one-shot-threat"), player="challenger", type="bluffing", flips=False)
    assert alone["words"][0].startswith("As bluffing it most likely chooses threaten (")
    assert "for threaten rather than stay_silent: gain (+" in resolute
    assert "against: fighting (-" in resolute
    assert bluffing.startswith("If bluffing (believed 50 %)")
    assert "smallest change of one parameter that makes another option the likeliest: prize from 2.5 to" in flip


def test_what_the_record_tells_of_the_point_is_said(path):
    scenario = watched()
    told = content_of(path.equilibrium, scenario, trail=path, event="w2", flips=False)
    assert told["observed"]["bits"] == path.steps[2].bits
    assert "What happened" in told["words"][-1]
    assert "(w2)" in told["words"][-1]
    silent = content_of(path.equilibrium, scenario, trail=path, at=1, flips=False)
    assert "silent" in silent["words"][-1]


def test_the_report_fits_a_terminal(proxy):
    scenario = so.load("patron-and-proxy")
    text = as_text(show_explained(content_of(proxy, scenario, player="proxy"), full=True))
    assert max(len(line) for line in text.split("\n")) <= WIDTH
    for part in (
        "The options",
        "Why: attack rather than hold",
        "Every option by motive, if eager",
        "do next",
        "change its mind",
        "What to type next",
    ):
        assert part in text
    assert text.count("period 0") == 1, "when and who stand in the heading"
    assert "war false." in text, "as in the file"
    assert "of which" not in text
    assert "(arms_factor changes nothing from here on)" in " ".join(text.split())


def test_an_option_has_one_name_in_tables_and_one_in_sentences():
    """Its name, as it is typed, in tables; its title in sentences, or the name where it has none."""
    builder = Builder("named").clock(periods=2).parameter("precision", 1).parameter("gain", prior={"uniform": [0, 2]})
    builder.player("me", types={"keen": 0.5, "cool": 0.5}).player("you").payoff("me", "taste", on={"me.go_out": "gain if type == keen else 0"})
    builder.turn("me", options={"go_out": {"title": "Leave the house"}, "stay_in": {}})
    builder.turn("you", options={"wave_back": {"title": "Greet"}, "look_away": {}})
    scenario = builder.scenario()
    content = content_of(solved(scenario), scenario, player="me", at=0)
    words, text = " ".join(content["words"]), as_text(show_explained(content))
    assert "“Leave the house”" in words
    assert "go_out" not in words
    assert "stay_in" in words
    assert "stay in" not in text
    assert "me: " not in text
    assert "you: " not in text
    assert "wave_back" in text
    assert [line.split() for line in text.splitlines()].count(["keen", "cool"]) == 2, "each type once over its columns, in both tables"


@pytest.mark.property
def test_options_between_which_a_choice_flips_do_not_read_as_equal():
    content = {"flips": {"of": "a"}, "options": []}
    flip = {
        "parameter": "x", "from": 1.0, "to": 2.0, "unit": "", "distance": 0.1, "option": "b",
        "choice_probability": 0.2561, "option_probability": 0.2579,
    }  # fmt: skip
    assert change_text(content, flip).endswith("a 25.6 %, b 25.8 %")


@pytest.fixture
def standoff(capsys, tmp_path, monkeypatch):
    """Run a command; give exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")

    def call(*arguments):
        code = run_app(list(arguments))
        return (code, *capsys.readouterr())

    return call


def test_the_command_gives_the_same_content_as_json(standoff):
    words = ("explain", "one-shot-threat", "--player", "challenger", "--beliefs", "challenger.resolute=0.3", "--no-flips")
    code, out, _ = standoff(*words, "--json")
    content = json.loads(out)
    assert code == 0
    assert content["point"]["beliefs"]["challenger"]["resolute"] == pytest.approx(0.3)
    for option in content["options"]:
        for told in option["by_type"].values():
            assert sum(told["components"].values()) == pytest.approx(told["value"], rel=1e-9, abs=1e-12)
    code, out, _ = standoff(*words)
    assert code == 0
    assert " ".join(content["words"][0].split()) in " ".join(out.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--state", "threat"), "NAME=VALUE"),
        (("--beliefs", "challenger=0.3"), "PLAYER.TYPE=P"),
        (("--beliefs", "challenger.resolute=much"), "PLAYER.TYPE=P"),
        (("--player", "chalenger"), "did you mean challenger?"),
        (("--event", "E1"), "none was given"),
    ],
    ids=["state", "belief", "probability", "player", "event"],
)
def test_what_was_typed_wrong_is_named(standoff, words, message):
    code, _, err = standoff("explain", "one-shot-threat", *words)
    assert code == 2
    assert message in " ".join(err.split())


def test_pairs_are_read():
    assert states_of(["a=b", " c = d "]) == {"a": "b", "c": "d"}
    assert beliefs_of(["p.x=0.25", "p.y=0.5", "q.z=1"]) == {"p": {"x": 0.25, "y": 0.5}, "q": {"z": 1.0}}
    with pytest.raises(ScenarioError, match="NAME=VALUE"):
        states_of(["a="])
