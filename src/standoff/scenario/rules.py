"""Rules that pick events of a record, and which events count at all."""

from __future__ import annotations

from standoff.record import Event
from standoff.scenario.models import Rule

COUNTED = ("happened", "threatened", "promised")
"""Modalities of events that stand for acts; the others did not happen."""


def matches(rule: Rule, event: Event) -> bool:
    """Whether every field that the rule gives agrees with the event."""
    for name in ("id", "actor", "action", "plover", "mode", "target"):
        wanted = getattr(rule, name)
        if wanted is not None and getattr(event, name) not in ([wanted] if isinstance(wanted, str) else wanted):
            return False
    if rule.covert is not None and rule.covert != event.covert:
        return False
    return rule.killed_at_least is None or (event.killed or 0) >= rule.killed_at_least
