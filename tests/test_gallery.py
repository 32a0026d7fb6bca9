"""Published games: what is known of them, what another solver says, and what comes out."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import pairwise
from math import inf, sqrt

import numpy as np
import pygambit
import pytest
from rich.console import Console
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

import standoff as so
from standoff.cli.app import run_app
from standoff.cli.terminal import as_text
from standoff.errors import BuildError, ExportError, ScenarioError, SolveError
from standoff.export import export, information_sets
from standoff.gallery import FIGURES, LIMIT_PRECISION, CrisisSignalling, Figure, Gallery, equilibria
from standoff.gallery.crisis_signalling import KNOWN
from standoff.gallery.exhibition import FIXED_POINT, names
from standoff.gallery.figures import MIXING
from standoff.gallery.measure import read
from standoff.report.gallery import gallery_content, short_citation, show_gallery
from standoff.scenario.find import bundled, published

exhibit = cache(lambda name: so.gallery(name).exhibits[0])
"""One game of the gallery, solved once."""


def path_of(name):
    return name if name in bundled() else f"gallery/{name}"


def scenario_of(name, setting=(), precision=1.0):
    return so.load(path_of(name), {**dict(setting), "precision": precision})


# -- what is known ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.published
@pytest.mark.parametrize("name", names())
def test_every_known_figure_comes_out(name):
    """Each figure is met to its last digit; a limit as nearly as the noise that is left allows."""
    missed = [(line.figure.what, line.figure.known, line.ours) for line in exhibit(name).lines if not line.agrees]
    assert missed == []
    assert all(0 < line.figure.within <= MIXING for line in exhibit(name).lines)


def is_tree(name):
    scenario = scenario_of(name)
    return not scenario.clock.open_ended and not any(player.believes for player in scenario.players.values())


TREES = [name for name in FIGURES if is_tree(name)]


@cache
def gambit_says(name, setting, precision, folder):
    """Return Gambit's choice probabilities by player, type and history of moves, the states there, and the beliefs of those who have no secret."""
    game = so.build(scenario_of(name, setting, precision))
    tree = pygambit.read_efg(str(export(game, folder / f"{name}.efg", scaled=True)))
    (answer,) = pygambit.qre.logit_solve_lambda(tree, lam=[1.0])
    players = game.canonical.players
    beliefs = [(list(node.actions), p) for node, p in answer.profile.beliefs if node.actions]
    chosen, states, believed = {}, {}, {}
    for place in information_sets(game):
        player = players[place.player]
        infoset, mixed = list(answer.profile[player.name])[place.number - 1]
        chosen[player.name, player.types[place.kind], place.seen] = dict(mixed)
        states[player.name, player.types[place.kind], place.seen] = game.structure.labels(int(game.structure.head[place.node]))
        if len(player.types) == 1:
            # The first move of all is chance's, which draws the type; the rest of its information set differs in nothing else.
            believed[place.seen] = {first: p for (first, *rest), p in beliefs if rest == list(infoset.actions)[1:]} if infoset.actions else {}
    return chosen, states, believed


def gambit_reads(figure, name, precision, folder):
    """Return a figure as Gambit has it; a belief is that of whoever moves there."""
    chosen, states, believed = gambit_says(name, tuple(sorted(figure.setting.items())), precision, folder)
    player, option = figure.of.split(".")
    types = next(spec.types for spec in so.build(scenario_of(name)).canonical.players if spec.name == player)
    if figure.belief:
        assert set(believed[figure.after]) == set(types)
        return believed[figure.after][option]
    if figure.state:
        (where,) = (key for key, state in states.items() if option in chosen[key] and state == {**state, **figure.state})
        assert where[0] == player
        return chosen[where][option]
    return chosen[player, figure.type or types[0], figure.after][option]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("trees")


@pytest.mark.solver
@pytest.mark.parametrize("name", TREES)
def test_gambit_says_the_same(name, folder):
    """On the exported tree another solver finds the known figures too, and ours."""
    for line in exhibit(name).lines:
        figure = line.figure
        theirs = gambit_reads(figure, name, line.precision, folder)
        assert theirs == pytest.approx(figure.known, abs=figure.within), figure.what
        assert line.ours == pytest.approx(theirs, abs=MIXING if figure.precision == inf else 1e-6), figure.what


@pytest.mark.solver
@pytest.mark.parametrize("name", TREES)
def test_the_commands_that_are_shown_give_the_numbers_that_are_shown(name, folder, capsys):
    """Every choice of the game, not only those of which a figure is known, in the order in which Gambit prints them."""
    (shown,) = gallery_content(Gallery((exhibit(name),)))["games"]
    export_it, solve_it = (command.split() for command in shown["gambit"]["commands"])
    tree = folder / f"{name}-as-shown.efg"
    assert solve_it[0] == "gambit-logit"
    assert solve_it[-1] == f"{so.load(path_of(name)).name}.efg"
    assert run_app([*export_it[1:], "--out", str(tree)]) == 0
    capsys.readouterr()
    program = [sys.executable, "-c", "from pygambit.cli.logit import main; main()"]
    printed = subprocess.run([*program, *solve_it[1:-1], "-d", "9", str(tree)], capture_output=True, text=True, check=True).stdout
    (line,) = printed.split()
    precision, *theirs = map(float, line.split(","))
    assert precision == pytest.approx(1.0, abs=1e-8)
    ours = [p for choice in exhibit(name).choices for p in choice.probabilities]
    assert theirs == pytest.approx(ours, abs=1e-6)


@pytest.mark.parametrize("name", sorted(set(FIGURES) - set(TREES)))
def test_what_is_no_tree_is_not_offered_to_gambit(name, tmp_path):
    """An endless game, or one with several priors: all choices are listed, no command is shown that would fail, and the reason is told."""
    with pytest.raises((BuildError, ExportError)):
        export(so.build(scenario_of(name)), tmp_path / "tree.efg")
    content = gallery_content(Gallery((exhibit(name),)))
    (game,) = content["games"]
    assert game["gambit"]["commands"] == []
    assert game["choices"]
    text = " ".join(as_text(show_gallery(content)).split())
    assert f"Gambit cannot solve it: {game['gambit']['why_not']}." in text
    assert "gambit-logit" not in text
    assert "standoff export" not in text
    assert ("standoff explain" in text) is not game["endless"]


# -- closed forms -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize(("prior", "share", "monopoly"), [(0.08, 0.6, 3.0), (0.15, 0.7, 2.5)])
def test_a_weak_monopolist_keeps_the_next_entrant_indifferent(prior, share, monopoly):
    """Kreps and Wilson: with n markets left it fights so often that the belief after a fight is b ** (n - 1); the next stays out with 1 / a."""
    setting = {"strong_prior": prior, "share": share, "monopoly": monopoly}
    eq = so.exact(so.build(scenario_of("reputation", setting.items(), 30.0)))
    assert eq.certificate.met
    fight = (1 - share**2) * prior / ((1 - prior) * share**2)
    fought = ("entrant_3.enter", "monopolist.fight")

    def ours(of, after, **more):
        return read(eq, Figure(what="", of=of, known=0.0, whence="closed form", within=1.0, after=after, **more))

    assert ours("monopolist.fight", fought[:1], type="weak") == pytest.approx(fight, abs=0.03)
    assert ours("monopolist.strong", fought, belief=True) == pytest.approx(share**2, abs=0.03)
    assert ours("entrant_2.enter", fought) == pytest.approx(1 - 1 / monopoly, abs=0.03)


@pytest.mark.paper
@pytest.mark.parametrize("cost", [0.5, 1.5])
def test_the_dearer_the_retreat_the_more_a_threat_is_yielded_to(cost):
    """A bluff that succeeds with probability y is worth y - (1 - y) a, which is nothing at y = a / (1 + a)."""
    eq = so.exact(so.build(scenario_of("audience-costs", {"audience_cost": cost}.items(), 30.0)))
    assert eq.certificate.met
    figure = Figure(what="", of="defender.yield", known=0.0, whence="closed form", within=1.0, after=("challenger.threaten",))
    assert read(eq, figure) == pytest.approx(cost / (1 + cost), abs=0.03)


def opposition(blame, *, prior=0.25, cost=1.0, war=2.0, insight=0.8):
    """Return by docs/gallery.md how often the opposition speaks, one that is not resolved bluffs, and an opposed threat is yielded to."""
    bluffs = prior * (war - 1) / (1 - prior)
    yields = (cost - (1 - insight) / insight) / (1 + cost)
    if blame <= (1 - yields) * (war - 1) / (1 + (war - 1) * yields):
        return 1.0, bluffs * (1 - insight) / insight, yields
    if blame <= war - 1:
        yields = (war - 1 - blame) / ((war - 1) * (1 + blame))
        return 1 / (insight * (1 + cost) * (1 - yields)), bluffs * (1 - insight) / insight, yields
    if blame <= (war - 1) * insight / (1 - insight):
        return 1 / (insight * (1 + cost)), blame * prior * (1 - insight) / ((1 - prior) * insight), 0.0
    return 0.0, bluffs, 0.0


def play_of_opposition(setting):
    """Return the same from our solution, and how often a resolved government comes to strike."""
    eq = so.exact(so.build(scenario_of("domestic-opposition", setting.items(), LIMIT_PRECISION)))
    assert eq.certificate.met

    def ours(of, *after, **more):
        return read(eq, Figure(what="", of=of, known=0.0, whence="closed form", within=1.0, after=after, **more))

    threat, word = "government.threaten", "opposition.speak"
    yields = {said: ours("rival.yield", threat, word, f"{word}/{said}") for said in ("support", "dissent")}
    speaks, insight = ours(word, threat), setting.get("insight", 0.8)
    heard = insight * (1 - yields["support"]) + (1 - insight) * (1 - yields["dissent"])
    war = speaks * heard + (1 - speaks) * (1 - ours("rival.yield", threat, "opposition.rally"))
    return (speaks, ours(threat, type="bluffing"), yields["dissent"]), war * ours(threat, type="resolved")


@pytest.mark.paper
@pytest.mark.parametrize("blame", [0.1, 0.7, 3.0, 4.5])
@pytest.mark.parametrize("more", [{}, {"insight": 0.75, "audience_cost": 1.5, "war_loss": 1.8, "resolved_prior": 0.3}])
def test_the_opposition_speaks_and_is_believed_as_far_as_its_motives_let_it(blame, more):
    keys = {"insight": "insight", "audience_cost": "cost", "war_loss": "war", "resolved_prior": "prior"}
    ours, _ = play_of_opposition({"blame": blame, **more})
    assert ours == pytest.approx(opposition(blame, **{keys[name]: value for name, value in more.items()}), abs=0.005)


@pytest.mark.paper
def test_an_opposition_that_speaks_makes_war_less_likely():
    """Schultz's main result: a resolved government comes to strike in one case of eight, and in every second one without an opposition's word."""
    _, heard = play_of_opposition({})
    _, silent = play_of_opposition({"blame": 5.0})
    alone = {line.figure.what: line.ours for line in exhibit("audience-costs").lines}["the threat is yielded to"]
    assert (heard, silent, 1 - alone) == pytest.approx((1 / 8, 1 / 2, 1 / 2), abs=0.005)


@pytest.mark.paper
def test_an_opposition_that_knew_would_say_the_same():
    """Of a bluff dissent is worth more than support, which is yielded to and worth nothing; of a resolved government it brings only blame."""
    (_, _, yields), _ = play_of_opposition({})
    assert (1 - yields) - 0.25 * yields > 0.5


@pytest.mark.paper
def test_backward_induction_gives_the_centipede_at_any_precision():
    """From the last move on: take with the logistic of precision times what taking gains over passing."""
    own = [(0.4, 0.2, 1.6, 0.8, 6.4), (0.1, 0.8, 0.4, 3.2, 1.6)]
    take, values = [], [own[0][4], own[1][4]]
    for move in (3, 2, 1, 0):
        mover = move % 2
        p = 1 / (1 + np.exp(-2.0 * (own[mover][move] - values[mover])))
        values = [p * own[i][move] + (1 - p) * values[i] for i in (0, 1)]
        take.insert(0, p)
    at_two = [line.ours for line in exhibit("centipede").lines if line.figure.precision == 2.0]
    assert at_two == pytest.approx(take, abs=1e-9)


# -- crisis signalling with normal shocks -----------------------------------------------------------------------------------------------------


@pytest.mark.property
def test_equilibria_are_what_they_bring_about():
    game = CrisisSignalling()
    found = equilibria(game)
    assert len(found) == 3
    assert [game.resistance(r) for r in found] == pytest.approx(found, abs=1e-10)


@pytest.mark.property
@pytest.mark.parametrize("which", [0, 1, 2])
def test_players_who_draw_their_shocks_behave_as_the_map_says(which):
    """Half a million draws: each does what is best against the other's chances, and so do those chances come about."""
    game, resist = CrisisSignalling(), equilibria()[which]
    shocks = np.random.default_rng(which).standard_normal((3, 500_000))
    war, retreat = game.challenger_war + shocks[0], game.challenger_retreat + shocks[1]
    challenges = (1 - resist) * game.challenger_prize + resist * np.maximum(war, retreat) > game.challenger_status_quo
    challenge, fight = game.chances(resist)
    assert (challenge, fight) == pytest.approx((challenges.mean(), (war > retreat)[challenges].mean()), abs=0.004)
    resists = fight * (game.defender_war + shocks[2]) + (1 - fight) * game.defender_prize > game.defender_concession
    assert resists.mean() == pytest.approx(resist, abs=0.004)


@pytest.mark.property
def test_the_known_equilibria_are_the_roots_of_the_equation_as_the_papers_write_it():
    """There the chance of a fight is a bivariate normal probability: war better than retreat and than letting be, correlated by the shock to war."""
    game = CrisisSignalling()
    shocks = multivariate_normal([0, 0], [[1, sqrt(0.5)], [sqrt(0.5), 1]])

    def excess(r):
        needed = (game.challenger_status_quo - (1 - r) * game.challenger_prize) / r
        both = shocks.cdf(np.array([(game.challenger_war - game.challenger_retreat) / sqrt(2), game.challenger_war - needed]))
        fights = both / (1 - norm.cdf(needed - game.challenger_war) * norm.cdf(needed - game.challenger_retreat))
        return norm.cdf((fights * game.defender_war + (1 - fights) * game.defender_prize - game.defender_concession) / fights) - r

    for (r, _), low, high in zip(KNOWN, (0.2, 0.4, 0.7), (0.4, 0.7, 0.95), strict=True):
        assert brentq(excess, low, high, xtol=1e-12) == pytest.approx(r, abs=1e-7)
    assert game.resistance(0.4715766) == pytest.approx(0.4713015, abs=1e-7)  # what replication files list for the second is none


@pytest.mark.paper
def test_a_defender_that_loses_nothing_in_war_has_one_answer():
    """When war is worth as much as the prize, the odds of war do not matter: resist unless the shock is below what conceding gains."""
    (only,) = equilibria(CrisisSignalling(defender_war=1.0, challenger_war=5.0))
    assert only == pytest.approx(0.8413, abs=1e-3)  # the challenger nearly always fights: the standard normal at 1


@pytest.mark.property
@pytest.mark.parametrize("war", [-4.0, -2.0, -1.0, 0.0])
def test_there_is_an_odd_number_of_equilibria(war):
    """Certain resistance is never best and neither is certain concession, so the map crosses once more downwards than upwards."""
    assert len(equilibria(CrisisSignalling(defender_war=war))) % 2 == 1


def test_where_nobody_challenges_the_map_says_so():
    with pytest.raises(SolveError, match="hardly anybody challenges"):
        CrisisSignalling(challenger_status_quo=20.0).resistance(0.5)


# -- the files --------------------------------------------------------------------------------------------------------------------------------


def test_every_file_has_figures_and_every_figure_a_file():
    files = {name.removeprefix("gallery/") for name in published()}
    assert files == set(FIGURES) - set(bundled())
    assert len(names()) == 20
    assert not files & set(bundled())


@pytest.mark.parametrize("name", sorted(published()))
def test_a_published_game_is_cited_and_its_payoffs_are_reasoned(name):
    scenario = so.load(name)
    assert so.check(scenario) == []
    assert f"gallery/{scenario.name}" == name
    assert short_citation(scenario.sources["published"])
    assert all(part.reason for player in scenario.players.values() for part in player.payoffs.values())


# -- what cannot be -----------------------------------------------------------------------------------------------------------------------------


def test_an_unknown_game_is_refused_with_the_nearest():
    with pytest.raises(ScenarioError, match="did you mean poker"):
        so.gallery("pokr")
    with pytest.raises(ScenarioError, match="did you mean gallery/poker"):
        so.load("gallery/pokr")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"after": ("professor.raise",)}, r"professor\.raise cannot happen there; what can is professor\.bet, professor\.fold"),
        ({"of": "student.call", "after": ("professor.fold",)}, "it is not student that decides"),
        ({"of": "professor.bet", "type": "jack"}, r"professor\.bet is no option of jack"),
        ({"of": "professor.bet", "type": None}, r"professor\.bet is no option of a player of no given type"),
    ],
)
def test_a_figure_that_the_game_does_not_have_is_refused(change, problem):
    eq = so.exact(so.build(scenario_of("poker")))
    with pytest.raises(SolveError, match=problem):
        read(eq, replace(FIGURES["poker"][0], **change))


# -- what is shown ------------------------------------------------------------------------------------------------------------------------------


def test_the_table_has_a_row_for_every_figure():
    table = Gallery((exhibit("poker"), exhibit(FIXED_POINT))).table
    assert len(table) == len(FIGURES["poker"]) + 3
    assert (table["difference"] == table["ours"] - table["published"]).all()
    assert table["agrees"].all()


def test_a_figure_that_is_missed_is_shouted():
    good = exhibit("trust")
    lines = tuple(replace(line, ours=line.ours + 0.1) for line in good.lines)
    shown = Gallery((replace(good, lines=lines), exhibit("mini-ultimatum")))
    assert not shown.agrees
    text = as_text(show_gallery(gallery_content(shown)))
    assert "NOT ALL AGREE" in text
    assert "0 of 4" in text
    assert "4 of 4" in text


def test_one_game_is_shown_in_full_and_as_json(capsys):
    assert run_app(["gallery", "gallery/trust", "--json"]) == 0
    (game,) = json.loads(capsys.readouterr().out)["games"]
    assert game["name"] == "trust"
    assert "Kreps" in game["citation"]
    first = game["figures"][0]
    assert first["difference"] == first["ours"] - first["published"]
    assert run_app(["gallery", "trust"]) == 0
    text = capsys.readouterr().out
    assert "4 of 4 figures agree" in text
    assert "standoff solve gallery/trust" in text
    assert "gambit-logit -q -e -l 1 trust.efg" in text
    assert "honour 0.268941, abuse 0.731059" in text
    assert f"limit, at {LIMIT_PRECISION:g}" in text


def test_a_published_game_is_solved_by_its_name(capsys):
    assert run_app(["solve", "gallery/mini-ultimatum", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["root"]["proposer"]["public"]["low"] == pytest.approx(0.5481, abs=1e-4)


def test_of_a_large_game_the_first_choices_are_shown_and_json_has_all():
    content = gallery_content(Gallery((exhibit("chain-store"),)))
    assert len(content["games"][0]["choices"]) == 26
    assert "... and 14 more choices; --json has them all." in as_text(show_gallery(content))


@pytest.mark.parametrize("width", [80, 100, 110])
def test_the_overview_reads_well_in_a_terminal_of_any_width(width):
    """No row takes more than two lines; the work is named where there is room for it."""
    content = gallery_content(Gallery((exhibit("poker"), exhibit("messages"), exhibit("trust"))))
    out = Console(file=io.StringIO(), width=width, color_system=None)
    for part in show_gallery(content):
        out.print(part)
    lines = out.file.getvalue().splitlines()
    rows = [number for number, line in enumerate(lines) if line.split("  ")[0] in ("game", "poker", "messages", "trust")]
    assert len(rows) == 4
    assert max(b - a for a, b in pairwise(rows)) <= 2
    assert ("work" in lines[rows[0]], "Kreps 1990" in lines[rows[3]]) == (width == 110, width == 110)


def test_the_game_outside_the_language_is_no_scenario_but_its_place_is_told(capsys):
    assert run_app(["solve", f"gallery/{FIXED_POINT}"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "not a scenario file" in said
    assert f"see `standoff gallery {FIXED_POINT}`" in said


def test_the_command_refuses_an_unknown_game(capsys):
    assert run_app(["gallery", "pokr"]) == 2
    assert "did you mean poker?" in " ".join(capsys.readouterr().err.split())
