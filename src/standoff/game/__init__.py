"""The canonical scenario compiled into arrays: reachable public states, probabilities, payoffs."""

from standoff.game.compiled import Arrays, Game, Opening, Payoffs, StructureCache, build, medians
from standoff.game.estimate import Estimate, estimate
from standoff.game.structure import CHANCE, CLOSE, DECISION, END, Root, Structure, explore

__all__ = [
    "CHANCE", "CLOSE", "DECISION", "END", "Arrays", "Estimate", "Game", "Opening", "Payoffs", "Root", "Structure", "StructureCache", "build",
    "estimate", "explore", "medians",
]  # fmt: skip
