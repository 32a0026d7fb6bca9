"""Scenarios that come with standoff: YAML files, and the records that they replay. `standoff.load` finds them by name."""
