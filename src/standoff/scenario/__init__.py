"""Scenarios: what the analyst writes, checked and brought into canonical form."""

from standoff.scenario.builder import Builder
from standoff.scenario.canonical import Calendar, Canonical
from standoff.scenario.chain import Crisis, own_record
from standoff.scenario.check import check, resolve
from standoff.scenario.find import bundled
from standoff.scenario.inputs import inputs_of
from standoff.scenario.load import holds_chain, load, load_chain, read_declared
from standoff.scenario.models import Scenario
from standoff.scenario.phrases import PHRASES
from standoff.scenario.priors import Distribution
from standoff.scenario.scopes import state_scope

__all__ = [
    "PHRASES",
    "Builder",
    "Calendar",
    "Canonical",
    "Crisis",
    "Distribution",
    "Scenario",
    "bundled",
    "check",
    "holds_chain",
    "inputs_of",
    "load",
    "load_chain",
    "own_record",
    "read_declared",
    "resolve",
    "state_scope",
]
