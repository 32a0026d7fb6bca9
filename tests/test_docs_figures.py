"""Every figure in the prose of the pages for beginners is computed anew.

A sentence is written here as a template; what is computed is filled in, and the page must say just that. Figures of the long runs about
Baghdad stand in parts that are marked, up to the next heading, with `<!-- figures of a run -->`.
"""

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

import standoff as so

ROOT = Path(__file__).parent.parent
PAGES = {name: ROOT / name for name in ("README.md", "docs/tutorial.md", "docs/why.md", "docs/what-if.md", "docs/language.md")}

FIGURE = re.compile(r"(?<![\w.:/-])[-+]?\d[\d,]*(?:\.\d+)?\s%|(?<![\w.:/])[-+]?\d+\.\d+(?![\w.]*\d)")
"""A percentage or a decimal; whole numbers mostly count what stands beside them."""

SETTINGS = {
    "README.md": ["Python 3.11", "License 2.0"],
    "docs/tutorial.md": ["With a `prior_resolute` of 0.2"],
    "docs/why.md": ["0.7 doubles the odds", "to 0.001 of prior probability"],
    "docs/what-if.md": ["The 90 % interval is that", "noise of its futures (at 90 %)"],
    "docs/language.md": ["one YAML 1.2 file", "the 1 and 99 % quantiles"],
}
"""What is no result: a definition, or a value that the reader is told to give."""


def prose(page):
    """Give the text of a page without its code and what is marked as figures of a run, on one line."""
    text = re.sub(r"(?ms)^```.*?^```$", "", PAGES[page].read_text(encoding="utf-8"))
    text = re.sub(r"(?ms)^<!-- figures of a run -->.*?(?=^#|\Z)", "", text)
    return " ".join(text.split())


def block(page, language, start=""):
    """Give the code block of a page in a language that begins so."""
    found = re.findall(rf"(?ms)^```{language}\n(.*?)^```", PAGES[page].read_text(encoding="utf-8"))
    return next(text for text in found if start in text)


# What the pages speak of


@cache
def starter(**parameters):
    return so.solve(so.build(so.load(str(files("standoff.cli") / "starter.yaml")), parameters), workers=1)


def threats(eq):
    return [float(p) for p in eq.policy().sel(option="threaten")]


def after_threat(eq):
    """Give the belief that the challenger is resolute after its first threat, and how often the defender yields to it."""
    start = eq.probe(*eq.first_decision())
    belief = eq.beliefs(start.posteriors[0])
    answer = eq.policy(turn="defender", state={"demand": "made"}, beliefs=belief)
    return belief["challenger"]["resolute"], float(answer.sel(option="yield")[0])


@cache
def border(folder):
    """Do what `standoff run border.yaml` and `standoff explain border.yaml --event E1` do with the scenario of the tutorial."""
    (folder / "border.yaml").write_text(block("docs/tutorial.md", "yaml", "name: border"))
    (folder / "border.csv").write_text(block("docs/tutorial.md", "csv"))
    scenario = so.load(folder / "border.yaml")
    record = so.read_record(folder / "border.csv")
    verdicts = so.settle(so.sample(scenario, 64, 0, record=record, workers=1), most=96, step=16, workers=1)
    eq = verdicts.worlds.median
    return verdicts, so.score(verdicts, record), so.explain(eq, event="E1", trail=so.replay(eq, record, whole=True), workers=1)


@cache
def one_shot():
    return so.explain(so.solve(so.build(so.load("one-shot-threat")), workers=1), "challenger", workers=1)


@cache
def blows():
    """Compare as the example of the page does."""
    scenario = so.load("patron-and-proxy").model_copy(update={"claims": {}})
    worlds = so.sample(scenario, 32, 0, workers=1)
    return so.compare(worlds, {"spared": ["forbid target.hit_proxy"], "unpunished": ["set punishment=0"]}, runs=2000, workers=1)


def line(arm, *of):
    """Give base, arm and difference of a line."""
    table = blows().table
    kind, name, component = (*of, "")[:3]
    table = table.rename(columns={"value": "arm_value"})
    row = table[(table.arm == arm) & (table.kind == kind) & (table.name == name) & (table.component == component) & table.period.isna()]
    return row.iloc[0]


@cache
def example(folder, name, **parameters):
    """Solve a scenario of the language reference."""
    path = folder / f"{name}.yaml"
    path.write_text(block("docs/language.md", "yaml", f"name: {name}\n"))
    return so.solve(so.build(so.load(path), parameters), workers=1)


# What they say


def percent(*chances):
    return [100 * chance for chance in chances]


def first_threats(_folder):
    return percent(*threats(starter()))


def what_a_threat_tells(_folder):
    eq = starter()
    return percent(eq.beliefs(eq.prior)["challenger"]["resolute"], after_threat(eq)[0])


def dear_threats(_folder):
    return [3, *percent(*threats(starter(audience_cost=3)))]


def answers(_folder):
    return percent(after_threat(starter(audience_cost=3))[1], after_threat(starter())[1])


def last_threats(_folder):
    last = starter(audience_cost=3).policy(turn="challenger", period=1)
    return percent(*(float(p) for p in last.sel(option="threaten")))


def doubted_threats(_folder):
    return percent(*threats(starter(prior_resolute=0.2)))


def what_a_doubted_threat_tells(_folder):
    return percent(after_threat(starter(prior_resolute=0.2))[0])


def unlikely(folder):
    row = border(folder)[0]["unlikely"]
    hinge = row.hinge
    assert (row.verdict, [(one.parameter, one.above) for one in hinge.conditions]) == ("leans false", [("cost", False)])
    return [100 * row.share, 100 * hinge.density, hinge.conditions[0].threshold, 100 * hinge.elsewhere]


def improbable(_folder):
    from standoff.scenario.phrases import PHRASES

    return percent(*PHRASES["improbable"])


def scores(folder):
    row = border(folder)[1]["unlikely"]
    return [row.authors.p, row.authors.brier, row.model.p, row.model.brier]


def massing(folder):
    why = border(folder)[2]
    assert why.flips.smallest.parameter == "upkeep"
    return [100 * why.probabilities["mass"], why.flips.smallest.to]


def challenger(_folder):
    why = one_shot()
    by_type = dict(zip(why.types, why.policy[:, why.options.index("threaten")], strict=True))
    return percent(why.probabilities["threaten"], by_type["resolute"], by_type["bluffing"])


def bluffer(_folder):
    parts = one_shot().payoffs.sel(type="bluffing", option="threaten")
    return [float(parts.sum()), *(float(parts.sel(component=name)) for name in ("gain", "fighting", "audience"))]


def bluffers_odds(_folder):
    return [float(one_shot().log_odds.sel(type="bluffing", option="stay_silent").sum()) * -1]


def yields(_folder):
    return percent(one_shot().next_moves.loc[("defender", "defender.yield"), "threaten"])


def dear_prize(_folder):
    smallest = one_shot().flips.smallest
    assert smallest.parameter == "prize"
    return [smallest.to, smallest.value, 100 * smallest.distance]


def war(_folder):
    row = line("spared", "end", "war")
    return [100 * value for value in (row.base, row.arm_value, row.difference, row.low, row.high)] + [row.agree]


def losses(_folder):
    return [-line("spared", "payoff", "target").difference] + [
        line("spared", "payoff", "target", part).difference for part in ("justice", "war", "harm")
    ]


def gains(_folder):
    return [line("spared", "payoff", "proxy").difference]


def attacks(_folder):
    row = line("spared", "quantity", "attacks")
    return [row.base, row.arm_value]


def bold_attacks(_folder):
    return [line("unpunished", "quantity", "attacks").arm_value]


def sailing(folder):
    eq = example(folder, "two-fleets")
    first, second = (float(eq.policy(turn=who).sel(option="sail")[0]) for who in ("red", "blue"))
    assert first == pytest.approx(second)
    return [first]


def alarms(folder):
    found = []
    for game in (example(folder, "false-alarm"), example(folder, "false-alarm", feared=0.1)):
        start = game.probe(*game.first_decision())
        belief = game.beliefs(game.prior)["neighbour"]
        seen = [float(p) for p in game.policy().sel(option="exercise")]
        strike = float(game.policy(turn="guard", state={"seen": "exercise"}, beliefs=game.beliefs(start.posteriors[0])).sel(option="strike")[0])
        found.append(strike * sum(belief[kind] * p for kind, p in zip(("hostile", "peaceful"), seen, strict=True)))
    return percent(*found)


TUTORIAL, WHY, WHAT_IF, LANGUAGE = "docs/tutorial.md", "docs/why.md", "docs/what-if.md", "docs/language.md"
SENTENCES = [
    (TUTORIAL, "The resolute threaten with {:.0f} %, the bluffers with {:.0f} %. A threat tells next to nothing", first_threats),
    (TUTORIAL, "who took the challenger for resolute with {:.0f} % does so with {:.0f} % after it", what_a_threat_tells),
    (TUTORIAL, "At an `audience_cost` of {} both threaten less in the first period, and still alike: {:.0f} % and {:.0f} %.", dear_threats),
    (TUTORIAL, "The defender gives in to {:.0f} % of these threats in place of {:.0f} %", answers),
    (TUTORIAL, "the second period, the last, in which nearly all threaten: {:.0f} % and {:.0f} %.", last_threats),
    (TUTORIAL, "the resolute threaten with {:.0f} %, the bluffers with {:.0f} %: a bluff would be called", doubted_threats),
    (TUTORIAL, "After a threat the challenger counts as resolute with {:.0f} %.", what_a_doubted_threat_tells),
    (TUTORIAL, "true in {:.0f} % of the worlds, in {:.0f} % of those where `cost` is at most {:.2f}, and in {:.0f} % of the others", unlikely),
    (TUTORIAL, 'than "improbable" says ({:.0f} to {:.0f} %)', improbable),
    (TUTORIAL, "the authors' {:.2f} has a Brier score of {:.3f}, the model's {:.2f} one of {:.3f}", scores),
    (TUTORIAL, "massed with a chance of {:.0f} %, and an `upkeep` below {:.3f} would have made that the likelier move", massing),
    (WHY, "The challenger most likely threatens ({:.0f} %): {:.0f} % if resolute, {:.0f} % if bluffing.", challenger),
    (WHY, "worth {:+.2f}, of which the prize is {:+.2f} (the defender yields, or the threat is carried out), the fight {:+.2f} and the public's "
     "contempt for a climbdown {:+.2f}.", bluffer),
    (WHY, "so the log-odds for the threat are {:.2f} too", bluffers_odds),
    (WHY, "The defender yields to {:.0f} % of threats.", yields),
    (WHY, "a prize of {:.2f} in place of {:.1f}, which is far out: {:.0f} % of the prior lies between", dear_prize),
    (WHAT_IF, "War rises from {:.0f} % to {:.0f} % ({:+.1f} points, 90 % interval {:+.1f} to {:+.1f}), in {} of the 32 worlds clearly", war),
    (WHAT_IF, "The target loses {:.2f} (justice {:+.2f}, war {:+.2f}, against {:+.2f} of harm)", losses),
    (WHAT_IF, "the proxy gains {:.2f} by not being punished", gains),
    (WHAT_IF, "({:.2f} to {:.2f} attacks, as more games end early)", attacks),
    (WHAT_IF, "attacks rise to {:.2f}", bold_attacks),
    (LANGUAGE, "Here both sail with {:.2f}", sailing),
    (LANGUAGE, "Here the guard strikes in {:.0f} % of all futures; had it believed what is so (`--set feared=0.1`), in {:.0f} %.", alarms),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("figures")


@pytest.mark.parametrize(("page", "sentence", "computed"), SENTENCES, ids=lambda value: getattr(value, "__name__", None))
def test_a_page_says_what_is_computed(page, sentence, computed, folder):
    said = sentence.format(*computed(folder))
    assert said in prose(page), said


@pytest.mark.parametrize("page", PAGES)
def test_no_figure_of_a_page_goes_unchecked(page):
    text = prose(page)
    for where, sentence, _ in SENTENCES:
        if where == page:
            pieces = [re.escape(piece) for piece in re.split(r"\{[^}]*\}", sentence)]
            text = re.sub(r"[-+.\d]+".join(pieces), "", text)
    for setting in SETTINGS[page]:
        assert setting in text, setting
        text = text.replace(setting, "")
    found = [text[max(0, one.start() - 60) : one.end() + 20] for one in FIGURE.finditer(re.sub(r"`[^`]*`", "", text))]
    assert found == []
