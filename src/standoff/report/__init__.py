"""Reports: results as plain data (`..._content`, what `--json` prints) and as tables for people (`show_...`, from the same data)."""

from standoff.report.branched import branches_content, show_branches
from standoff.report.chained import chain_content, show_chain
from standoff.report.checked import check_content, show_check
from standoff.report.folder import default_folder, write_run
from standoff.report.replayed import replay_content, show_replay
from standoff.report.run import run_content, show_run
from standoff.report.solution import show_solution, solution_content
from standoff.report.words import to_json

__all__ = [
    "branches_content",
    "chain_content",
    "check_content",
    "default_folder",
    "replay_content",
    "run_content",
    "show_branches",
    "show_chain",
    "show_check",
    "show_replay",
    "show_run",
    "show_solution",
    "solution_content",
    "to_json",
    "write_run",
]
