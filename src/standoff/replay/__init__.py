"""Replaying a dated record through a solved game."""

from standoff.replay.mapping import MappedEvent, map_record
from standoff.replay.trail import Step, Trail, replay

__all__ = ["MappedEvent", "Step", "Trail", "map_record", "replay"]
