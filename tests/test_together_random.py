"""Random scenarios in which two always choose at the same moment (`random_scenarios.py`): the exact solution against the equations, written anew."""

from __future__ import annotations

import pytest

from one_shot import behaviour_of, logit_gap
from random_scenarios import random_scenario
from standoff.game import build
from standoff.solve import exact


@pytest.mark.property
@pytest.mark.parametrize("sharpness", [(0.5, 2.0), (3.0, 8.0)], ids=["soft", "sharp"])
@pytest.mark.parametrize("seed", range(10))
def test_random_choices_at_once_satisfy_the_equations(seed, sharpness):
    game = build(random_scenario(seed, plays=(20, 300), together=1.0, sharpness=sharpness, propensities=bool(seed % 2)))
    assert game.structure.at_once
    solved = exact(game, selection="principal", workers=1)
    assert logit_gap(game, solved.tree, behaviour_of(solved)) < 1e-7
