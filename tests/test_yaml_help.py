"""Where a file is not YAML, the one message tells the place, what is most likely wrong, and what to write."""

import pytest

from standoff.cli.starter import starter_text
from standoff.errors import ScenarioError
from standoff.scenario import load

TEXT = starter_text("my-crisis")
QUOTES, COLUMN, HALVES = "put the text in quotes", "begin in the same column", "is doubled"

TITLE = "title: A crisis to begin with"
REASON = "reason: Nobody outside knows.}"
CLAIM = "    text: It will not come to war."


@pytest.mark.parametrize(
    ("old", "new", "place", "wrong", "remedy"),
    [
        (REASON, "reason: Nobody, outside, knows.}", "Nobody, ", "a comma", QUOTES),
        ("defender.yield: prize}", "defender.yield: max(prize, 0)}", "max(prize, ", "a comma", QUOTES),
        (REASON, "reason: Note: nobody knows.}", "reason: Note", "a colon", QUOTES),
        (TITLE, "title: A crisis: the beginning", "A crisis", "a colon", QUOTES),
        (TITLE, "title: Everything ends:", "Everything ends", "a colon", QUOTES),
        (TITLE, "title: @home", "title: ", "this character", QUOTES),
        (TITLE, "title: 100 %\nsummary2: %", "summary2: ", "this character", QUOTES),
        (TITLE, "title: `crisis`", "title: ", "this character", QUOTES),
        (TITLE, "title: - a crisis", "title: ", "a hyphen", QUOTES),
        (TITLE, "title: *the* crisis", "title: ", "no anchor", QUOTES),
        (TITLE, "title: !crisis", "title: ", "tags", QUOTES),
        (TITLE, "title: | a crisis", "title: | ", "next line", QUOTES),
        (TITLE, "title:A crisis", "", "a colon with a space", "name: value"),
        (TITLE, 'title: "A crisis" to begin with', 'title: "A crisis" ', "closing quote", HALVES),
        (TITLE, "title: 'It's a crisis'", "title: 'It'", "closing quote", HALVES),
        (CLAIM, CLAIM[1:], None, "where its block does", COLUMN),
        (CLAIM, " " + CLAIM, None, "where its block does", COLUMN),
        (CLAIM, "\t" + CLAIM.strip(), "", "a tab", "indent with spaces"),
        ("    options:\n      yield", "   options:\n      yield", "   ", "where its block does", COLUMN),
        ("  - player: defender\n", "   - player: defender\n", "   ", "where its block does", COLUMN),
        ("clock: {periods: 2}", "clock: {periods: 2", "clock: ", "the bracket that opens here", "close it"),
        ("values: [none, made, refused]", "values: [none, made, refused", "  demand: {values: ", "the bracket that opens here", "close it"),
        ("{uniform: [1, 4]}, unit", "{uniform: [1, 4]} unit", "{uniform: [1, 4]} ", "a comma is missing", QUOTES),
    ],
)
def test_what_is_no_yaml_is_told_with_its_remedy(tmp_path, old, new, place, wrong, remedy):
    file = tmp_path / "crisis.yaml"
    text = TEXT.replace(old, new, 1)
    assert text != TEXT
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(file)
    (fault,) = caught.value.faults
    assert wrong in fault.problem
    assert remedy in fault.suggestion
    if place is not None:
        shown = text.splitlines()[fault.line - 1][: fault.column - 1]
        assert shown.endswith(place), (fault.line, fault.column, shown)


def test_quotes_left_open_are_told_with_the_line_on_which_they_begin(tmp_path):
    file = tmp_path / "crisis.yaml"
    file.write_text(TEXT.replace(TITLE, 'title: "A crisis to begin with'), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(file)
    (fault,) = caught.value.faults
    number = TEXT.splitlines().index(TITLE) + 1
    assert f"began on line {number}" in fault.problem


def test_options_without_content_may_still_be_written_without_a_colon(tmp_path):
    """What follows a block is no rest of a text; that it is empty is told by the block itself."""
    file = tmp_path / "crisis.yaml"
    file.write_text("standoff: 1\nname: x\nclock: {periods: 1}\nparameters: {precision: {value: 1}, other}\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(file)
    assert not any("comma" in fault.problem for fault in caught.value.faults)
