"""The command line: thin commands over the Python surface."""

from standoff.cli.app import main

__all__ = ["main"]
