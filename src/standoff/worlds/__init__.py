"""Worlds: draws of all parameters, each solved, replayed and measured."""

from standoff.worlds.sample import Worlds, compute, extend, redraw, sample
from standoff.worlds.weights import Weights, weigh
from standoff.worlds.world import Task, World, run_world

__all__ = ["Task", "Weights", "World", "Worlds", "compute", "extend", "redraw", "run_world", "sample", "weigh"]
