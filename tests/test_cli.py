"""What a user types and what comes back."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from standoff.cli import app as app_module
from standoff.cli.app import run_app
from standoff.cli.arguments import overrides
from standoff.errors import ScenarioError

STANDOFF = [sys.executable, "-c", "from standoff.cli import main; main()"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")


@pytest.fixture
def standoff(capsys):
    """Run a command; give exit code, standard output and standard error."""

    def call(*arguments):
        code = run_app(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [
        (["--help"], ["numpy", "numba", "pydantic", "pandas", "scipy"]),
        (["check", "baghdad-closure"], ["numba", "pandas", "sklearn"]),
    ],
    ids=["help", "check"],
)
def test_quick_commands_load_no_heavy_library(words, unwanted):
    """What makes them quick; how quick is for `benchmarks/` to say."""
    done = subprocess.run([sys.executable, "-X", "importtime", *STANDOFF[1:], *words], check=True, capture_output=True, text=True)
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "standoff.cli" in loaded
    assert not loaded & set(unwanted)


def test_version(standoff):
    assert standoff("--version") == (0, "standoff 0.1.0\n", "")


def test_check_prints_the_size_of_the_game(standoff):
    code, out, err = standoff("check", "baghdad-closure")
    assert code == 0
    assert "no faults" in out
    assert "5,273 decision points" in out
    assert err == ""


def test_check_lists_every_fault_with_its_place_and_a_suggestion(standoff, tmp_path):
    path = tmp_path / "wrong.yaml"
    assert standoff("new", str(path))[0] == 0
    path.write_text(path.read_text().replace("-audience_cost", "-audiance_cost").replace("defender.yield: prize", "defender.yeild: prize"))
    code, out, _ = standoff("check", str(path))
    assert code == 2
    assert "did you mean audience_cost?" in " ".join(out.split())
    assert "did you mean defender.yield?" in " ".join(out.split())
    code, out, _ = standoff("check", str(path), "--json")
    content = json.loads(out)
    assert code == 2
    assert not content["ok"]
    assert all(fault["line"] and fault["column"] for fault in content["faults"])


def test_check_warns_of_what_only_the_built_game_can_tell(standoff, tmp_path):
    path = tmp_path / "never.yaml"
    standoff("new", str(path))
    text = path.read_text().replace("yield: {title: Give in, set", "yield: {title: Give in, when: result == war, set")
    path.write_text(text)
    code, out, _ = standoff("check", str(path), "--json")
    content = json.loads(out)
    assert code == 0
    assert {fault["found"] for fault in content["faults"]} == {"yield", "concession"}
    assert all(fault["severity"] == "warning" and fault["line"] for fault in content["faults"])


def test_solve_as_json_holds_size_seconds_certificate_and_root(standoff):
    code, out, err = standoff("solve", "repeated-signalling", "--set", "clock.periods=1", "--set", "precision=1", "--tolerance", "1e-6", "--json")
    assert (code, err) == (0, "")
    content = json.loads(out)
    assert content["size"]["decision_points"] == 3
    assert content["seconds"] > 0
    assert {"policy_distance", "stage_residual", "regret", "met"} <= set(content["certificate"])
    assert content["certificate"]["met"]
    assert content["root"]["challenger"]["weak"]["press"] == pytest.approx(0.52954, abs=1e-5)
    assert content["root"]["challenger"]["strong"]["press"] == pytest.approx(0.89258, abs=1e-5)


def test_solve_prints_the_certificate_and_the_first_choice(standoff):
    code, out, _ = standoff("solve", "one-shot-threat")
    assert code == 0
    assert "exact on all 8 public histories" in out
    assert "other beliefs are solved so when they are asked for" in out
    assert "First choice: challenger" in out
    assert "What to type next" in out


def test_new_writes_a_scenario_that_passes_and_solves(standoff):
    assert standoff("new", "my-crisis.yaml", "--set", "precision=2")[0] == 0
    assert "precision: {value: 2," in Path("my-crisis.yaml").read_text()
    code, out, _ = standoff("check", "my-crisis.yaml", "--json")
    assert code == 0
    assert json.loads(out)["faults"] == []
    code, out, _ = standoff("solve", "my-crisis.yaml", "--json")
    assert json.loads(out)["certificate"]["met"]


def test_new_never_overwrites(standoff):
    Path("mine.yaml").write_text("precious")
    code, out, err = standoff("new", "mine.yaml")
    assert (code, out) == (2, "")
    assert "exists already" in err
    assert Path("mine.yaml").read_text() == "precious"


def test_export_writes_gambits_form(standoff):
    code, out, _ = standoff("export", "one-shot-threat", "--format", "efg", "--out", "threat.efg", "--json")
    assert code == 0
    assert json.loads(out)["file"] == "threat.efg"
    assert Path("threat.efg").read_text().startswith("EFG 2 R")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["solve", "one-shot-threa"], "did you mean one-shot-threat?"),
        (["solve", "nowhere/at-all.yaml"], "there is no such file"),
        (["solve", "one-shot-threat", "--set", "precsion=2"], "did you mean precision?"),
        (["solve", "one-shot-threat", "--set", "precision"], "not NAME=VALUE"),
        (["solve", "one-shot-threat", "--set", "precision=high"], "a number"),
        (["solve", "one-shot-threat", "--set", "clock.perods=2"], "did you mean clock.periods?"),
        (["solve", "one-shot-threat", "--set", "precision=-1"], "precision"),
        (["solve", "one-shot-threat", "--tolerance", "abc"], "--tolerance abc: must be a number"),
        (["solv"], "Did you mean 'solve'? See standoff --help"),
        (["replay", "one-shot-threat"], "names no record"),
        (["replay", "one-shot-threat", "--record", "none.csv"], "cannot be read"),
        (["export", "one-shot-threat", "--format", "nfg"], "allowed: efg"),
        (["export", "baghdad-closure"], "terminal nodes"),
        (["run", "one-shot-threat", "--worlds", "0"], "--worlds 0: must be at least 1. See standoff run --help"),
        (["run", "one-shot-threat", "--worlds", "9" * 20], f"--worlds {'9' * 20}: must be at most 1000000. See standoff run --help"),
        (["run", "one-shot-threat", "--most", "9" * 20], f"--most {'9' * 20}: must be at most 1000000. See standoff run --help"),
        (["run", "one-shot-threat", "--seed", "9" * 20], f"--seed {'9' * 20}: must be at most {2**63 - 1}. See standoff run --help"),
        (["compare", "one-shot-threat", "--runs", "9" * 20], f"--runs {'9' * 20}: must be at most 1000000000. See standoff compare --help"),
        (["solve", "one-shot-threat", "--workers", "9" * 20], f"--workers {'9' * 20}: must be at most 1024. See standoff solve --help"),
        (["run", "one-shot-threat", "--worlds", "1.5"], "--worlds 1.5: must be a whole number"),
        (["run", "one-shot-threat", "--worlds", "20", "--most", "10"], "--most: fewer worlds at most than to begin with; found 10"),
        (["claims", "one-shot-threat", "--most", "10"], "allowed: 64 or more"),
        (["solve", "one-shot-threat", "--tolerance", "nan"], "--tolerance nan: must be a number. See standoff solve --help"),
        (["solve", "one-shot-threat", "--tolerance", "inf"], "--tolerance inf: must be at most 1"),
        (["solve"], "See standoff solve --help"),
        (["solve", "one-shot-threat", "--set", "prize=2", "--set", "parameters.prize=3"], "--set prize: this is given twice; found 2 and 3"),
        (
            ["explain", "one-shot-threat", "--state", "result=open", "--state", "result=war"],
            "--state result: this is given twice; found open and war",
        ),
        (["explain", "one-shot-threat", "--beliefs", "a.b=0.2", "--beliefs", "a.b=0.3"], "--beliefs a.b: this is given twice; found 0.2 and 0.3"),
        (["solve", "baghdad-closure", "--set", "calendar=2"], "--set calendar: one date of the calendar is set at a time"),
        (["solve", "one-shot-threat", "--set", "clock=2"], "allowed: clock.periods"),
        (["new", "no/such/folder/x.yaml"], "cannot be written"),
    ],
    ids=" ".join,
)
def test_what_the_user_can_mend_is_said_without_a_traceback(standoff, arguments, said):
    code, out, err = standoff(*arguments)
    assert code == 2
    assert out == ""
    assert said in " ".join(err.split())
    assert "Traceback" not in err
    code, out, err = standoff(*arguments, "--json")
    content = json.loads(out)
    assert code == 2
    assert set(content) == {"error", "faults"}
    assert said in content["error"]
    assert err == ""


def test_an_option_without_its_value_points_to_the_help_of_its_command(standoff):
    code, _, err = standoff("replay", "one-shot-threat", "--record")
    assert code == 2
    assert "See standoff replay --help" in err


def test_the_unexpected_has_its_own_exit_code(standoff, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr(app_module, "app", broken)
    code, _, err = standoff("check", "one-shot-threat")
    assert code == 1
    assert "a bug" in err
    assert "Traceback" not in err


def test_overrides_read_pairs():
    assert overrides(["a=1", "b = x=y"]) == {"a": "1", "b": "x=y"}
    with pytest.raises(ScenarioError) as caught:
        overrides(["a", "=1", "b=", "c=1", "c=2", "c=3"])
    assert len(caught.value.faults) == 5


def run_files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "timing.json"}


def test_run_judges_every_claim_and_keeps_everything(standoff):
    code, out, err = standoff("run", "one-shot-threat", "--worlds", "16", "--runs", "500", "--workers", "1", "--out", "here", "--json")
    assert (code, err) == (0, "")
    content = json.loads(out)
    assert [claim["id"] for claim in content["claims"]] == ["bluff", "audience", "war_is_unlikely"]
    for claim in content["claims"]:
        assert {"id", "text", "where", "verdict", "share", "low", "high", "hinge"} <= set(claim)
        assert claim["low"] <= claim["share"] <= claim["high"]
    assert {"size", "certificate", "replay", "futures", "weights", "folder"} <= set(content)
    assert sum(end["probability"] for end in content["futures"]["ends"]) == pytest.approx(1.0)
    assert content["replay"] is None
    assert any("record" in reason for reason in content["skipped"])
    names = {path.name for path in Path("here").iterdir()}
    assert names >= {"manifest.json", "worlds.parquet", "claims.parquet", "solution.nc", "report.json", "report.txt", "timing.json"}


def test_run_prints_its_parts_in_order(standoff):
    _, out, _ = standoff("run", "one-shot-threat", "--worlds", "16", "--runs", "500", "--workers", "1", "--no-search")
    parts = [
        "One threat",
        "The game",
        "met: exact on all 8 public histories",
        "Futures",
        "The claims",
        "What goes against the authors",
        "The worlds",
        "What to type next",
    ]
    assert [out.index(part) for part in parts] == sorted(out.index(part) for part in parts)
    assert max(map(len, out.splitlines())) <= 110


def test_run_writes_the_same_bytes_with_one_worker_and_with_two(standoff):
    for workers in ("1", "2"):
        assert standoff("run", "one-shot-threat", "--worlds", "12", "--runs", "500", "--workers", workers, "--out", f"with-{workers}")[0] == 0
    one, two = run_files(Path("with-1")), run_files(Path("with-2"))
    assert list(one) == list(two)
    assert [name for name in one if one[name] != two[name]] == []


def test_run_continues_where_an_earlier_one_stopped_and_other_inputs_go_elsewhere(standoff):
    arguments = ["run", "one-shot-threat", "--runs", "100", "--workers", "1", "--no-search", "--json"]
    first = json.loads(standoff(*arguments, "--worlds", "8")[1])["folder"]
    stamp = Path(first, "worlds", "batch-000000.parquet").stat().st_mtime_ns
    assert json.loads(standoff(*arguments, "--worlds", "16")[1])["folder"] == first
    assert Path(first, "worlds", "batch-000000.parquet").stat().st_mtime_ns == stamp
    assert json.loads(standoff(*arguments, "--worlds", "8", "--set", "precision=2")[1])["folder"] != first
    code, _, err = standoff("run", "one-shot-threat", "--worlds", "8", "--runs", "100", "--workers", "1", "--seed", "1", "--out", first)
    assert code == 2
    assert "holds a run of other inputs: the seed differs" in " ".join(err.split())
    assert "--fresh" in err


@pytest.mark.parametrize("command", [["run"], ["claims"], ["claims", "--robust"], ["run", "--out", "runs"]], ids=" ".join)
def test_a_file_where_runs_should_be_is_said_before_anything_is_computed(standoff, command):
    Path("runs").write_text("in the way")
    code, out, err = standoff(*command[:1], "one-shot-threat", *command[1:], "--worlds", "2", "--workers", "1")
    assert (code, out) == (2, "")
    assert "cannot be made: runs is a file" in " ".join(err.split())
    assert "name another folder with `standoff run --out FOLDER`" in " ".join(err.split())
    assert Path("runs").read_text() == "in the way"


def test_claims_says_which_run_answers_and_why_a_new_one_is_made(standoff):
    standoff("run", "one-shot-threat", "--worlds", "4", "--most", "4", "--runs", "100", "--workers", "1", "--no-search")
    (folder,) = Path("runs").iterdir()
    code, out, err = standoff("claims", "one-shot-threat", "--worlds", "4", "--workers", "1")
    assert code == 0
    assert f"The run in {folder} was made with most 4 instead of 6, search False instead of True; a new one takes its place." in " ".join(err.split())
    assert out.startswith(f"From the run in {folder}.")
    code, out, err = standoff("claims", "one-shot-threat", "--worlds", "4", "--workers", "1")
    assert (code, err) == (0, "")
    assert out.startswith(f"From the run in {folder}.")
    assert "--worlds 4 --most 6 asks for the one that was" in " ".join(
        standoff("claims", "one-shot-threat", "--worlds", "5", "--workers", "1")[2].split()
    )


def test_what_to_type_next_can_be_typed(standoff):
    """A file name with a space is quoted."""
    _, out, _ = standoff("new", "my crisis.yaml")
    assert "standoff check 'my crisis.yaml'" in out
    assert "standoff run 'my crisis.yaml'" in standoff("solve", "my crisis.yaml")[1]


needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")


@needs_full
@pytest.mark.parametrize(
    "words", [["solve", "one-shot-threat", "--json"], ["solve", "one-shot-threat"], ["check", "none", "--json"], ["--version"]], ids=" ".join
)
def test_output_that_cannot_be_written_is_one_line_of_error(words):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*STANDOFF, *words], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr == "error: the output cannot be written: No space left on device\n"


@pytest.mark.skipif(os.name != "posix", reason="pipes")
@pytest.mark.parametrize("words", [["solve", "one-shot-threat", "--json"], ["solve", "one-shot-threat"], ["--help"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_error(words):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*STANDOFF, *words], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_run_works_without_claims(standoff):
    standoff("new", "plain.yaml")
    text = Path("plain.yaml").read_text()
    Path("plain.yaml").write_text(text[: text.index("# What somebody claims")])
    code, out, _ = standoff("run", "plain.yaml", "--runs", "200", "--workers", "1")
    assert code == 0
    assert "no claims" in out
    assert "Futures" in out


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_stops_with_a_message_and_keeps_what_is_finished(tmp_path):
    command = [*STANDOFF, "run", "one-shot-threat", "--worlds", "4096", "--workers", "1", "--out", "run"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("run/worlds/batch-*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "What was finished is kept" in err
    assert "Traceback" not in err
    assert list(tmp_path.glob("run/worlds/batch-*.parquet"))


PRESS = "import os, signal, sys; press = lambda *_: os.kill(os.getpid(), signal.SIGINT)"
WHILE_LOADING = """
class Finder:
    def find_spec(name, *_):
        name == "typer" and press()
sys.meta_path.insert(0, Finder)
"""
IN_A_CALLBACK = """
import ctypes, time
from standoff.cli import app
def compiling(**_):
    ctypes.CFUNCTYPE(None)(press)()  # what is raised in there is lost
    {then}
app.app = compiling
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    "when",
    [WHILE_LOADING, IN_A_CALLBACK.format(then='raise RuntimeError("no compiled object yet")'), IN_A_CALLBACK.format(then="time.sleep(60)")],
    ids=["while loading", "what it breaks fails", "what it breaks goes on"],
)
def test_ctrl_c_says_stopped_wherever_it_falls(when):
    """Loading and compiling run through code that loses the exception or makes another of it."""
    script = f"{PRESS}\n{when}\nfrom standoff.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", script, "solve", "one-shot-threat"], capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "stopped.\n")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_after_all_is_said_changes_nothing():
    script = f"{PRESS}\nimport atexit; atexit.register(press)\nfrom standoff.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", script, "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "standoff 0.1.0\n", "")


def test_what_to_type_next_keeps_what_was_set(standoff):
    code, out, _ = standoff("solve", "one-shot-threat", "--set", "audience_cost=2.5", "--set", "prize=3")
    assert code == 0
    told = [line.split("   ")[0].strip() for line in out[out.index("What to type next") :].splitlines()[1:] if line.startswith("  standoff")]
    assert told
    assert all(line.endswith("--set audience_cost=2.5 --set prize=3") for line in told)
    assert "--set audience" not in standoff("solve", "one-shot-threat")[1]


def test_lines_in_a_pipe_end_where_their_text_does(standoff):
    for command in (["solve", "one-shot-threat"], ["check", "one-shot-threat"], ["explain", "one-shot-threat", "--no-flips"]):
        code, out, _ = standoff(*command)
        assert code == 0
        assert not [line for line in out.split("\n") if line != line.rstrip()]
