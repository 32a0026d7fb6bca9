"""A small crisis for the tests of this folder, in which single texts can be exchanged."""

DARE = """\
standoff: 1
name: dare
title: A dare
clock: {periods: 1}
parameters:
  prior_bold: {prior: {uniform: [0.2, 0.8]}, unit: probability, reason: Nobody knows.}
  prize: {prior: {uniform: [1, 4]}, unit: stakes, reason: It sets the scale.}
  precision: {value: 1}
state:
  result: {values: [open, dared, given], start: open}
players:
  boaster:
    types: {bold: prior_bold, timid: rest}
    payoffs: {prize: {on: {rival.give_in: prize}}, jump: {on: {boaster.jump: "1 if type == bold else -3"}}}
  rival:
    payoffs: {loss: {on: {rival.give_in: -prize, boaster.jump: -2}}}
turns:
  - {player: boaster, options: {boast: {set: {result: dared}}, keep_quiet: {}}, silent: keep_quiet}
  - {player: rival, when: result == dared, options: {give_in: {set: {result: given}}, scoff: {title: Scoff}}}
  - {player: boaster, name: proof, when: result == dared, options: {jump: {}, back_off: {}}}
ends:
  gave: {when: result == given, title: The rival gave in}
claims:
  bluff: {text: A boast tells nothing., test: {nil: {bits: {move: boaster.boast, about: boaster}}, within: 0.05}}
"""

RECORD = """\
record:
  file: events.csv
  map: {boaster.boast: [{action: boast}]}
"""


def dare(*, title="A dare", option="Scoff", end="The rival gave in", claim="A boast tells nothing."):
    """Return the crisis with these texts, each as a YAML scalar."""
    return (
        DARE.replace("title: A dare", f"title: {title}")
        .replace("title: Scoff", f"title: {option}")
        .replace("title: The rival gave in", f"title: {end}")
        .replace("text: A boast tells nothing.", f"text: {claim}")
    )


def write(folder, text, name="dare.yaml"):
    """Write a file and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
