"""The dated record of what happened; knows nothing of games."""

from standoff.record.events import Event, Record, read_record

__all__ = ["Event", "Record", "read_record"]
