"""Simulated futures, with moves forced or forbidden."""

from standoff.scenario.models import Intervention
from standoff.simulate.futures import Futures, simulate
from standoff.simulate.interventions import overrides

__all__ = ["Futures", "Intervention", "overrides", "simulate"]
