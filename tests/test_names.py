"""A misspelt name is answered with the names there are and, if one is near, the one that was meant."""

import doctest

import pytest

from standoff import names
from standoff.names import closest, instead, listed, unknown


def test_examples_run():
    assert doctest.testmod(names).attempted >= 2
    assert doctest.testmod(names).failed == 0


@pytest.mark.parametrize(("word", "near"), [("opne", "open"), ("OPEN", "open"), ("shut", None), ("", None)])
def test_the_nearest_name_is_found_whatever_its_case(word, near):
    assert closest(word, ["open", "closed"]) == near


def test_what_there_is_is_said_whether_or_not_a_name_is_near():
    assert unknown("claim", "clam", ["claim", "other"]) == "no claim is named clam; allowed: claim, other; did you mean claim?"
    assert unknown("claim", "x", ["claim", "other"]) == "no claim is named x; allowed: claim, other"
    assert unknown("claim", "x", []) == "no claim is named x; allowed: (none)"
    assert instead("x", (name for name in ("open", "closed")), "its values are") == "its values are open, closed"


def test_names_of_several_words_stand_in_quotes_where_a_sentence_goes_on_after_them():
    assert unknown("arm", "as it si", ["as it is", "one"]) == "no arm is named 'as it si'; allowed: as it is, one; did you mean 'as it is'?"
    assert unknown("arm", "", ["one"]).startswith("no arm is named '';")


def test_the_nearest_of_many_is_named_although_not_all_are_listed():
    known = [f"place_{i}" for i in range(30)]
    assert listed(known).endswith("place_14 and 15 more")
    assert unknown("place", "plaec_29", known).endswith("and 15 more; did you mean place_29?")
