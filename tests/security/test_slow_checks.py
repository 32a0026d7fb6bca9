"""What a check does is bounded by counts: of names compared, of values, of periods. Work is counted here, never timed."""

import difflib

import pytest
from dare import DARE, dare, write

from standoff import names
from standoff.cli.examine import examine
from standoff.errors import ScenarioError
from standoff.names import closest
from standoff.scenario import load, resolve


@pytest.fixture
def compared(monkeypatch):
    """Count the pairs of names that are compared letter by letter."""
    counts = []
    matches = difflib.get_close_matches

    def counted(word, among, **keywords):
        counts.append(len(among))
        return matches(word, among, **keywords)

    monkeypatch.setattr(names.difflib, "get_close_matches", counted)
    return counts


def test_many_unknown_names_among_many_known_ones_are_each_compared_with_few(tmp_path, compared):
    known = "".join(f"  common_prefix_{i:04}: {{value: 1}}\n" for i in range(300))
    derived = "derived:\n" + "".join(f"  d{i}: common_prefix_x{i:04}\n" for i in range(300))
    with pytest.raises(ScenarioError) as caught:
        load(write(tmp_path, dare().replace("  precision: {value: 1}\n", f"  precision: {{value: 1}}\n{known}") + derived))
    assert len(caught.value.faults) >= 300
    assert sum(counts for counts in compared) <= names._COMPARED * len(compared)
    assert sum(fault.suggestion is not None for fault in caught.value.faults) >= 300


def test_names_of_any_length_are_not_compared(compared):
    assert closest("a" * 100_000, ["a" * 99_999, "abc"]) is None
    assert closest("abd", ["a" * 99_999, "abc"]) == "abc"
    assert compared == [1]


@pytest.mark.parametrize("seed", range(5))
def test_a_misspelt_name_is_found_among_hundreds(seed):
    """A letter left out, doubled, exchanged or swapped with its neighbour: the search over few names finds what the search over all does."""
    import random

    draw = random.Random(seed)  # noqa: S311 - no secret
    letters = "abcdefghijklmnopqrstuvwxyz_"
    known = ["".join(draw.choices(letters, k=draw.randint(4, 24))) for _ in range(400)]
    for name in draw.sample(known, 60):
        at = draw.randrange(len(name) - 1)
        for wrong in (name[:at] + name[at + 1 :], name[:at] + name[at] + name[at:], name[:at] + "x" + name[at + 1 :],
                      name[:at] + name[at + 1] + name[at] + name[at + 2 :]):  # fmt: skip
            (best,) = difflib.get_close_matches(wrong, known, n=1, cutoff=0.6)
            found = closest(wrong, known)
            ratio = difflib.SequenceMatcher(None, found, wrong).ratio()
            assert ratio == pytest.approx(difflib.SequenceMatcher(None, best, wrong).ratio())


def test_a_bomb_of_aliases_is_refused_before_it_grows(tmp_path):
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 20))
    with pytest.raises(ScenarioError, match="too many values"):
        load(write(tmp_path, text))


def test_long_clocks_have_a_limit_and_are_built_below_it(tmp_path):
    faults, game = examine(load(write(tmp_path, dare().replace("periods: 1}", "periods: 300}"))))
    assert faults == []
    assert game.size()["periods"] == 300
    with pytest.raises(ScenarioError):
        load(write(tmp_path, DARE.replace("periods: 1}", "periods: 100000}")))


def test_turns_and_events_are_counted_over_all_periods(tmp_path):
    turns = "".join(f"  - {{player: rival, name: again{i}, options: {{wait{i}: {{}}, stay{i}: {{}}}}}}\n" for i in range(20))
    with pytest.raises(ScenarioError, match="too many steps"):
        load(write(tmp_path, DARE.replace("periods: 1}", "periods: 9999}").replace("ends:", f"{turns}ends:")))


def test_quantities_in_a_long_chain_are_bound_in_any_order(tmp_path):
    names = [f"d{i}" for i in range(400)]
    lines = [f"  {name}: {before} + 0 * prize\n" for before, name in zip(["prize", *names], names, strict=False)]
    scenario = load(write(tmp_path, DARE + "derived:\n" + "".join(reversed(lines))))
    assert list(resolve(scenario).derived) == names
