"""What a program may find at its standard streams, and what a run says of itself, never ends in a traceback or in something untrue."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from small_crisis import CLAIMS, OTHER_RECORD, RUN, STANDOFF, write

import standoff as so
from standoff.errors import SolveError, WorldsError

SMALL = [*RUN, "--no-search"]


@pytest.fixture(autouse=True)
def crisis(tmp_path, monkeypatch):
    """A scenario with letters of several scripts in its title, in the working directory."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    return tmp_path


def clean(done, code=0):
    assert "Traceback" not in done.stderr
    assert "unexpected error" not in done.stderr
    assert done.returncode == code, done.stderr


@pytest.mark.skipif(os.name != "posix", reason="descriptors")
@pytest.mark.parametrize("closed", ["1", "0 2", "0 1 2"])
@pytest.mark.parametrize("words", [["check", "small.yaml", "--json"], ["--help"], SMALL], ids=lambda words: words[0])
def test_closed_streams_are_no_error(crisis, closed, words):
    """Nor are files of the run written over by what is printed: the first that is opened would have the number of a closed stream."""
    shell = f"{shlex.join([*STANDOFF, *words])} {' '.join(f'{number}>&-' for number in closed.split())}"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True)
    clean(done)
    for kept in crisis.glob("runs/*/*.json"):
        json.loads(kept.read_text(encoding="utf-8"))


@pytest.mark.skipif(os.name != "posix", reason="pipes")
@pytest.mark.parametrize("words", [SMALL, [*SMALL, "--json"], CLAIMS], ids=["run", "json", "claims"])
def test_a_reader_that_wants_one_line_only_is_no_error(words):
    reading, writing = os.pipe()
    with subprocess.Popen([*STANDOFF, *words], stdout=writing, stderr=subprocess.PIPE, text=True) as process:
        os.close(writing)
        os.read(reading, 1)
        os.close(reading)
        _, error = process.communicate()
    clean(subprocess.CompletedProcess(words, process.returncode, "", error))


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize("words", [SMALL, ["check", "Кризис.yaml"]], ids=["run", "fault"])
def test_what_an_encoding_lacks_is_escaped(encoding, words):
    environment = os.environ | {"PYTHONIOENCODING": encoding, "LANG": "C", "LC_ALL": "C"}
    done = subprocess.run([*STANDOFF, *words], capture_output=True, env=environment)
    out, error = done.stdout.decode(encoding), done.stderr.decode(encoding)
    clean(subprocess.CompletedProcess(words, done.returncode, out, error), 0 if words[0] == "run" else 2)
    assert ("К" if encoding == "utf-8" else "\\u041a") in out + error


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_json_is_the_same_in_every_encoding(encoding):
    done = subprocess.run([*STANDOFF, *SMALL, "--json"], capture_output=True, env=os.environ | {"PYTHONIOENCODING": encoding})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode(encoding))["title"] == "Überfall ≤ Кризис 危機 \U0001f54a"


@pytest.mark.skipif(sys.platform != "linux", reason="file names that are no text")
def test_a_file_name_that_is_no_text_does_no_harm(crisis):
    name = os.fsdecode(b"crise-\xe9.yaml")
    Path(name).write_bytes((crisis / "small.yaml").read_bytes())
    for flags in ([], ["--json"]):
        clean(subprocess.run([*STANDOFF, *SMALL[:1], name, *SMALL[2:], *flags], capture_output=True, text=True))
    (report,) = crisis.glob("runs/*/report.json")
    json.loads(report.read_bytes())


# -- what a run says of itself -------------------------------------------------------------------------------------------------------------


def test_the_manifest_has_the_command_that_repeats_the_run(crisis):
    """With the record, and with every digit: the files of a run from it are the same."""
    (crisis / "other record.csv").write_text(OTHER_RECORD, encoding="utf-8")
    given = ["--tolerance", "0.012345678", "--temper", "0.123456789", "--seed", "3", "--set", "precision=2.5", "--record", "other record.csv"]
    first = subprocess.run([*STANDOFF, *SMALL, *given, "--out", "first"], capture_output=True, text=True)
    clean(first)
    words = shlex.split(json.loads(Path("first", "manifest.json").read_text(encoding="utf-8"))["command"])
    assert words[:3] == ["standoff", "run", "small.yaml"]
    assert all(word in words for word in given)
    clean(subprocess.run([*STANDOFF, *words[1:], "--out", "second"], capture_output=True, text=True))
    kept = [{path.name: path.read_bytes() for path in Path(name).rglob("*.*") if path.name != "timing.json"} for name in ("first", "second")]
    assert len(kept[0]) >= 8
    assert kept[0] == kept[1]


BEYOND = [(0, 0), (-1, 0), (2**64, 0), (10**5000, 0), (2, -1), (2, 2**64), (2, 10**5000), (2.5, 0), (2, 0.5), (2, "0")]


@pytest.mark.parametrize(("n", "seed"), BEYOND, ids=range(len(BEYOND)))
def test_numbers_beyond_the_limits_are_refused_before_any_work(n, seed, monkeypatch):
    import importlib

    def never(*_arguments, **_options):
        raise AssertionError("work has begun")

    sampling = importlib.import_module("standoff.worlds.sample")
    monkeypatch.setattr(sampling, "make_task", never)
    with pytest.raises(WorldsError, match=r"the (number of worlds|seed) must be (at least|at most|a whole number)"):
        so.sample(so.load("one-shot-threat"), n=n, seed=seed)


def test_the_largest_seed_gives_worlds_and_futures():
    worlds = so.sample(so.load("one-shot-threat"), n=2, seed=2**64 - 1, workers=1)
    futures = so.simulate(worlds.median, runs=50, seed=2**64 - 1, workers=1)
    assert len(futures.story(3)) > 0
    assert worlds.seed == futures.seed == 2**64 - 1
    for number in ({"seed": 2**64}, {"seed": -1}, {"runs": -1}, {"runs": 2**64}):
        with pytest.raises(SolveError, match="must be at"):
            so.simulate(worlds.median, **{"runs": 50, "seed": 0} | number)
    for number in ({"seed": 2**64}, {"runs": 2**64}, {"runs": 0}):
        with pytest.raises(WorldsError, match="must be at"):
            so.compare(worlds, {"silence": ["forbid challenger.threaten"]}, **{"runs": 50, "seed": 0} | number)
