"""Scenarios: what the analyst writes, checked and brought into canonical form."""

from standoff.scenario.builder import Builder
from standoff.scenario.canonical import Calendar, Canonical
from standoff.scenario.check import check, resolve
from standoff.scenario.load import bundled, load, read_declared
from standoff.scenario.models import Scenario
from standoff.scenario.phrases import PHRASES
from standoff.scenario.priors import Distribution
from standoff.scenario.scopes import state_scope

__all__ = [
    "PHRASES",
    "Builder",
    "Calendar",
    "Canonical",
    "Distribution",
    "Scenario",
    "bundled",
    "check",
    "load",
    "read_declared",
    "resolve",
    "state_scope",
]
