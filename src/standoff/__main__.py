"""`python -m standoff`: the command line."""

import sys

# Python puts the working directory first here, and a `random.py` that came with a scenario must not be taken for Python's own.
# Only what Python has loaded to get this far may be imported before that is undone.
if not sys.flags.safe_path:
    del sys.path[0]

from standoff.cli import main

main()
