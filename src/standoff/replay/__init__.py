"""Replaying a dated record through a solved game."""

from standoff.replay.trail import Step, Trail, replay
from standoff.scenario.mapping import LATER, MappedEvent, known_by, known_periods, map_record

__all__ = ["LATER", "MappedEvent", "Step", "Trail", "known_by", "known_periods", "map_record", "replay"]
