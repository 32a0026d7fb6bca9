"""Where the program begins. Nothing is imported before Ctrl-C is looked after."""

from __future__ import annotations

import sys

from standoff.cli import interrupt, streams


def main() -> None:
    """Run the command line: exit code 0, or 2 for what the user can mend, 1 for what is unexpected, 130 after Ctrl-C."""
    try:
        interrupt.watch()
        streams.prepare()
        from standoff.cli.app import run_app

        code = run_app(sys.argv[1:])
        interrupt.ignore()
    except BaseException:
        if not interrupt.asked():
            raise
        interrupt.ignore()
        sys.stderr.write("stopped.\n")
        code = 130
    sys.exit(code)
