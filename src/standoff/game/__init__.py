"""The canonical scenario compiled into arrays: reachable public states, probabilities, payoffs."""

from standoff.game.compiled import Arrays, Game, Opening, Payoffs, StructureCache, build, medians
from standoff.game.structure import CHANCE, CLOSE, DECISION, END, Root, Structure, explore

__all__ = [
    "CHANCE", "CLOSE", "DECISION", "END", "Arrays", "Game", "Opening", "Payoffs", "Root", "Structure", "StructureCache", "build", "explore",
    "medians",
]  # fmt: skip
