"""Games in other tools' formats."""

from standoff.export.efg import InformationSet, export, information_sets

__all__ = ["InformationSet", "export", "information_sets"]
