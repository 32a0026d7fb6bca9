"""A scenario of one player with a secret, whose record has two events: a run of it takes next to no time."""

import sys

STANDOFF = [sys.executable, "-m", "standoff"]

SCENARIO = """
standoff: 1
name: small
title: "Überfall ≤ Кризис 危機 \\U0001F54A"
clock: {start: 2020-01-01, step: 1 week, end: 2020-01-15}
parameters:
  precision: {value: 1}
  eagerness: {prior: {uniform: [-1, 3]}}
  early: {prior: {uniform: [0.1, 0.9]}}
players:
  mover:
    types: {hawk: early, dove: rest}
    payoffs: {taste: {on: {mover.go: "eagerness if type == hawk else 0"}}}
turns: [{player: mover, options: {go: {}, stay: {}}, silent: stay}]
record: {file: record.csv, map: {mover.go: [{action: go}]}}
claims:
  likes: {text: A hawk likes going., test: {left: {choice: mover.go, type: hawk}, is: above, right: 0.5}}
  tells: {text: Going tells nothing., test: {nil: {bits: {move: mover.go, about: mover}}, within: 0.05}}
"""

RECORD = "id,date,actor,action\none,2020-01-02,mover,go\n"
OTHER_RECORD = "id,date,actor,action\none,2020-01-02,mover,go\ntwo,2020-01-09,mover,go\n"

SIZES = ["--worlds", "10", "--most", "10", "--workers", "1"]
RUN = ["run", "small.yaml", *SIZES, "--runs", "50"]
CLAIMS = ["claims", "small.yaml", *SIZES]


def write(folder):
    """Write the scenario and its record into a folder."""
    (folder / "small.yaml").write_text(SCENARIO, encoding="utf-8")
    (folder / "record.csv").write_text(RECORD, encoding="utf-8")
