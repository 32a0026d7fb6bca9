"""What some worlds push beyond what is allowed is warned of by `check`, with the place, the value and where it is reached."""

import pytest

from standoff.chain import build
from standoff.errors import BuildError
from standoff.scenario import Builder, check
from standoff.solve import solve


def scenario(*, prior=None, outcomes=None, propensity=1, precision=1, discount=1, signals=None, **parameters):
    """Make a scenario whose parameter `p` has a prior."""
    builder = Builder("bounds").clock(periods=2, discount=discount).parameter("precision", 1)
    builder = builder.parameter("p", prior=prior or {"uniform": [0, 1.5]})
    for name, given in parameters.items():
        builder = builder.parameter(name, prior=given)
    builder = builder.state("level", values=["low", "high"], start="low").state("n", range=[0, 4], start=0)
    builder = builder.player("one", precision=precision).player("two", types={"keen": 0.5, "idle": "rest"})
    go = {"propensity": propensity, **({"outcomes": outcomes} if outcomes else {})}
    builder = builder.turn("one", options={"go": go, "stay": {}})
    hide = {"covert": signals or {"noise": 0.5, "calm": "rest"}}
    shown = {name: {} for name in hide["covert"]}
    return builder.turn("two", options={"hide": hide, "wait": {}}, signals=shown).scenario()


def either(chance, other="rest"):
    return {"up": {"chance": chance}, "down": {"chance": other}}


CHANCE = "at least 0, at most 1"
GO, HIDE = "turns.0.options.go", "turns.1.options.hide.covert"


@pytest.mark.parametrize(
    ("given", "field", "found", "allowed"),
    [
        ({"outcomes": either("p")}, f"{GO}.outcomes.up.chance", "1.5, where p = 1.5", CHANCE),
        ({"outcomes": either("p - 0.2")}, f"{GO}.outcomes.up.chance", "-0.2, where p = 0", CHANCE),
        ({"outcomes": either("p if level == high else 0.5")}, f"{GO}.outcomes.up.chance", "1.5, where p = 1.5, level = high", CHANCE),
        ({"outcomes": either("p * n / 4")}, f"{GO}.outcomes.up.chance", "1.125, where p = 1.5, n = 3", CHANCE),
        ({"outcomes": either("p", "1 - p")}, f"{GO}.outcomes.down.chance", "-0.5, where p = 1.5", CHANCE),
        ({"prior": {"choice": [0.2, 1.1]}, "outcomes": either("p")}, f"{GO}.outcomes.up.chance", "1.1, where p = 1.1", CHANCE),
        ({"prior": {"normal": [0.5, 0.3]}, "outcomes": either("p")}, f"{GO}.outcomes.up.chance", "-0.1979, where p = -0.1979", CHANCE),
        ({"signals": {"noise": "p if type == keen else 0.1", "calm": "rest"}}, f"{HIDE}.noise", "1.5, where p = 1.5, type(two) = keen", CHANCE),
        ({"propensity": "p"}, f"{GO}.propensity", "0, where p = 0", "above 0"),
        ({"prior": {"uniform": [-1, 3]}, "precision": "p"}, "players.one.precision", "-1, where p = -1", "at least 0"),
        ({"discount": "p"}, "clock.discount", "0, where p = 0", "above 0, at most 1"),
        ({"prior": {"fixed": 0.6}, "outcomes": either("2 * p")}, f"{GO}.outcomes.up.chance", "1.2, where p = 0.6", CHANCE),
        (
            {"prior": {"uniform": [0.1, 0.7]}, "outcomes": {**either("p"), "aside": {"chance": "p"}}},
            f"{GO}.outcomes", "1.4, where p = 0.7", None,
        ),
        ({"prior": {"uniform": [0.1, 0.7]}, "outcomes": either("p", "0.6")}, f"{GO}.outcomes", "0.7, where p = 0.1", None),
    ],
)  # fmt: skip
def test_a_value_beyond_what_is_allowed_is_warned_of(given, field, found, allowed):
    faults = check(scenario(**given))
    (fault,) = (one for one in faults if one.field == field)
    assert fault.severity == "warning"
    assert (fault.found, fault.allowed) == (found, allowed)
    assert fault.suggestion


@pytest.mark.parametrize(
    "given",
    [
        {"outcomes": either("clip(p, 0, 1)")},
        {"outcomes": either("p / 1.5")},
        {"prior": {"uniform": [0, 1]}, "outcomes": either("p", "1 - p")},
        {"prior": {"beta": [2, 2]}, "outcomes": either("p")},
        {
            "prior": {"uniform": [1, 2]},
            "outcomes": either("p / 2 if n == 0 else p * n"),
        },  # above 0 no world would do
        {"propensity": "0.1 + p", "precision": "p"},
    ],
)
def test_a_value_that_is_allowed_in_all_worlds_is_not(given):
    assert not [fault for fault in check(scenario(**given)) if "cannot be computed" in fault.problem]


def test_what_is_warned_of_is_what_a_world_is_refused_for():
    wanting = scenario(outcomes=either("p"))
    assert solve(build(wanting, {"p": 1.0}), workers=1).certificate.met
    with pytest.raises(BuildError, match=r"1\.5"):
        build(wanting, {"p": 1.5})
