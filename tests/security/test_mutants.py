"""Bundled files, changed at random: each mutant is refused with its place, or is a scenario that can be built and shown.

Seeds are fixed, so that a mutant that fails can be made again from the number in the message.
"""

import datetime as dt
import math
import random
import unicodedata
from dataclasses import replace

import pytest

from standoff.cli.examine import examine
from standoff.cli.terminal import as_text
from standoff.errors import RecordError, ScenarioError
from standoff.record import read_record
from standoff.report.checked import check_content, show_check
from standoff.report.words import to_json
from standoff.scenario import load
from standoff.scenario.chain import Link
from standoff.scenario.files import read_tree
from standoff.scenario.find import bundled, published
from standoff.scenario.load import declare_checked
from standoff.scenarios import record_path

STRUCTURAL, BYTES, RECORDS = 2000, 500, 500
PARTS = 5

SMALL = [path for path in [*bundled().values(), *published().values()] if path.stat().st_size < 9_000 and path.stem != "baghdad"]
VALUES = [
    None, True, 0, -1, 3, 10**18, 0.5, 1e308, math.inf, math.nan, "", "rest", "a b", "[/b]", "\x1b[2J", "\u202ex", "\0", "\ud83d", "x" * 300,
    "1 if", "type == bold", "1/0", "((", "min()", "period ** 99", dt.date(1, 1, 1), dt.date(9999, 12, 31), [], {}, [[]], {"a": 1},
    ["../x", "/dev/zero"],
]  # fmt: skip


def shown_safely(scenario, name):
    """Build a scenario as `check` does, and show what there is to say about it."""
    content = check_content(name, *examine(scenario))
    text = as_text(show_check(content))
    (text + to_json(content)).encode()
    assert not [one for one in text if one != "\n" and unicodedata.category(one) in ("Cc", "Cf", "Cs")]


def placed(faults, path):
    """Assert that each fault says where it is."""
    assert faults
    for fault in faults:
        assert fault.file == str(path), fault
        assert fault.line is not None, fault
        str(fault).encode()


def outcome(load_it, path, where):
    """Load a mutant; what is refused has its place, and what is not can be shown."""
    try:
        scenario = load_it()
    except ScenarioError as error:
        placed(error.faults, path)
        return "refused"
    except Exception as error:
        raise AssertionError(f"{where}: {type(error).__name__}: {error}") from error
    try:
        shown_safely(scenario, path.stem)
    except Exception as error:
        raise AssertionError(f"{where}, though it loads: {type(error).__name__}: {error}") from error
    return "shown"


# -- structure -----------------------------------------------------------------------------------------------------------------------------


def every_part(node):
    """List each (block, key) of a tree."""
    pairs = list(node.value.items()) if isinstance(node.value, dict) else list(enumerate(node.value)) if isinstance(node.value, list) else []
    found = [(node, key) for key, _ in pairs]
    for _, part in pairs:
        found += every_part(part)
    return found


def with_value(node, value):
    """Return a node with another value where this one stands."""
    made = [with_value(node, one) for one in value] if isinstance(value, list) else value
    made = {key: replace(with_value(node, one), key_place=node.place) for key, one in value.items()} if isinstance(value, dict) else made
    return replace(node, value=made)


def renamed(block, key, name):
    """Give a part of a block another name, at the same place."""
    block.value = {name if one == key else one: part for one, part in block.value.items()}


def mutate(draw, root):
    """Change one part of a tree: leave it out, write something else, put another part there, rename it, or write it twice."""
    parts = every_part(root)
    block, key = draw.choice(parts)
    other_block, other_key = draw.choice(parts)
    node, other = block.value[key], other_block.value[other_key]
    kind = draw.choice(["drop", "value", "value", "graft", "rename", "again", "text", "number", "number"])
    if kind == "number":
        numbers = [(block, key) for block, key in parts if type(block.value[key].value) in (int, float)]
        block, key = draw.choice(numbers)
        block.value[key] = replace(block.value[key], value=draw.choice([0, 1, 2, 3, 0.25, -0.5, 12.5]))
        return
    if kind == "drop":
        del block.value[key]
    elif kind == "value":
        block.value[key] = with_value(node, draw.choice(VALUES))
    elif kind == "graft":
        block.value[key] = replace(other.copy(), place=node.place, key_place=node.key_place)
    elif kind == "rename" and isinstance(block.value, dict):
        renamed(block, key, draw.choice([str(other_key), "x", "a.b", "\x1b", "\ud83d", "include", "record", "rest", "__"]))
    elif kind == "text" and isinstance(node.value, str):
        at = draw.randrange(len(node.value) + 1)
        block.value[key] = replace(node, value=node.value[:at] + draw.choice(["(", "\0", " ", "1", "_", "\u202e", "\ud83d", "+"]) + node.value[at:])
    elif isinstance(block.value, list):
        block.value.append(node.copy())
    else:
        block.value[f"{key}_again"] = replace(node.copy(), key_place=node.key_place)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_mutant_in_structure_is_refused_with_its_place_or_can_be_shown(part):
    trees = {path: read_tree(path) for path in SMALL}
    counts = {"refused": 0, "shown": 0}
    for seed in range(part, STRUCTURAL, PARTS):
        draw = random.Random(seed)  # noqa: S311 - no secret
        path = draw.choice(SMALL)
        root = trees[path].copy()
        for _ in range(draw.choice([1, 1, 2, 4])):
            mutate(draw, root)
        counts[outcome(lambda root=root, path=path: declare_checked([Link(root, path)], (), {}), path, f"mutant {seed} of {path.name}")] += 1
    assert counts["refused"] > STRUCTURAL / PARTS / 10
    assert counts["shown"] > STRUCTURAL / PARTS / 10


# -- bytes ---------------------------------------------------------------------------------------------------------------------------------

PIECES = [b"\0", b"\x1b", b"\xff", b"\xc3", b"\t", b"\n", b"\r", b": ", b"- ", b"{", b"}", b"[", b"]", b"*a", b"&a ", b"!!x ", b"'", b'"', b"#", b"%",
          b"|", b"\n---\n",
          b"\xe2\x80\xae", b"\xc2\x9b", b"\xf0\x9f\x91\x8d", b"\xed\xa0\x80", b"<<: ", b"? ", b"0", b"\xd9\xa3", b"\\U99999999", b"@"]  # fmt: skip


def changed(draw, raw):
    """Change some bytes: flip a bit, cut, put in, write a stretch twice, or stop early."""
    for _ in range(draw.choice([1, 1, 2, 5])):
        at = draw.randrange(len(raw))
        to = min(at + draw.randint(1, 30), len(raw))
        kind = draw.choice(["flip", "cut", "put", "put", "twice", "stop"] if draw.random() < 0.3 else ["flip", "cut", "put", "twice"])
        if kind == "flip":
            raw = raw[:at] + bytes([raw[at] ^ 1 << draw.randrange(8)]) + raw[at + 1 :]
        elif kind == "cut":
            raw = raw[:at] + raw[to:]
        elif kind == "put":
            raw = raw[:at] + draw.choice(PIECES) + raw[at:]
        elif kind == "twice":
            raw = raw[:to] + raw[at:]
        else:
            raw = raw[: max(at, 1)]
    return raw


def test_a_mutant_in_bytes_is_refused_with_its_place_or_can_be_shown(tmp_path):
    smallest = sorted(SMALL, key=lambda path: path.stat().st_size)[:12]
    sources = {path: path.read_bytes() for path in smallest}
    counts = {"refused": 0, "shown": 0}
    for seed in range(BYTES):
        draw = random.Random(seed)  # noqa: S311 - no secret
        path = draw.choice(smallest)
        mutant = tmp_path / path.name
        mutant.write_bytes(changed(draw, sources[path]))
        counts[outcome(lambda mutant=mutant: load(mutant), mutant, f"mutant {seed} of {path.name}")] += 1
    assert min(counts.values()) > BYTES / 10


def test_a_mutant_of_a_record_is_refused_with_its_place_or_read(tmp_path):
    lines = record_path("baghdad-siege").read_bytes().splitlines(keepends=True)
    counts = {"refused": 0, "read": 0}
    for seed in range(RECORDS):
        draw = random.Random(seed)  # noqa: S311 - no secret
        mutant = tmp_path / "events.csv"
        mutant.write_bytes(changed(draw, b"".join(lines[: draw.randint(2, len(lines))])))
        try:
            record = read_record(mutant)
        except RecordError as error:
            placed(error.faults, mutant)
            counts["refused"] += 1
            continue
        except Exception as error:
            raise AssertionError(f"mutant {seed}: {type(error).__name__}: {error}") from error
        assert all(event.id and event.actor for event in record)
        to_json([event.model_dump() for event in record]).encode()
        counts["read"] += 1
    assert min(counts.values()) > RECORDS / 10
