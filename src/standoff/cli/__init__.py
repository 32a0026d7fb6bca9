"""The command line: thin commands over the Python surface."""

from standoff.cli.entry import main

__all__ = ["main"]
