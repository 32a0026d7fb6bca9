"""What a run writes stays in its folder, whatever lies there already, and two runs in one folder do not meet."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_crisis import CLAIMS, RUN, STANDOFF, write

from standoff.cli.app import run_app
from standoff.errors import WorldsError
from standoff.scenario import load
from standoff.worlds import sample
from standoff.worlds.folder import below, locked, make_folder, read_whole, write_whole

FILES = ["inputs.json", "manifest.json", "worlds.parquet", "claims.parquet", "solution.nc", "report.json", "report.txt", "timing.json"]

links = pytest.mark.skipif(os.name != "posix", reason="symbolic links")


@pytest.fixture
def crisis(tmp_path, monkeypatch):
    """A folder with the small scenario, the working directory, and beside it a file and a folder that are somebody's own."""
    folder = tmp_path / "crisis"
    folder.mkdir()
    write(folder)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "precious").write_text("mine")
    (tmp_path / "own" / "batch-000000.parquet").write_text("mine too")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def call(capsys):
    """The command line; what it returns and prints."""

    def called(*words):
        code = run_app(list(words))
        out, err = capsys.readouterr()
        return code, out, " ".join(err.split())

    return called


def untouched(crisis):
    own = {path.name: path.read_text() for path in (crisis.parent / "own").iterdir()}
    return own == {"precious": "mine", "batch-000000.parquet": "mine too"}


PLACES = [*FILES, *(f".{name}.part" for name in FILES), ".lock", "worlds/batch-000000.parquet", "worlds/.batch-000000.parquet.part"]


@links
@pytest.mark.parametrize("name", PLACES)
def test_a_link_in_place_of_a_file_is_not_followed(crisis, call, name):
    """Nor does it keep a run from its work, unless it is to be read."""
    link = crisis / "run" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(crisis.parent / "own" / "precious")
    code, _, err = call(*RUN, "--out", "run")
    assert untouched(crisis)
    if code:
        assert f"run/{name} is a symbolic link, which is not followed" in err
        assert name in ("inputs.json", ".lock", "worlds/batch-000000.parquet")
    else:
        assert not (crisis / "run" / name).is_symlink() or name.endswith(".part")


@links
@pytest.mark.parametrize("words", [RUN, [*RUN, "--fresh"]], ids=["run", "fresh"])
@pytest.mark.parametrize("name", ["run", "run/worlds"])
def test_a_link_in_place_of_a_folder_is_not_followed(crisis, call, name, words):
    link = crisis / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(crisis.parent / "own", target_is_directory=True)
    code, _, err = call(*words, "--out", "run")
    assert untouched(crisis)
    assert code == 2
    assert f"{name} is a symbolic link, which is not followed" in err


@links
@pytest.mark.parametrize("name", ["robust", "robust/prior-middle", "robust/prior-middle/worlds"])
def test_folders_of_robustness_are_not_left_through_a_link(tmp_path, name):
    from standoff.robust import VARIANTS, vary

    variant = next(variant for variant in VARIANTS if variant.spread != "declared")
    base = sample(load("one-shot-threat"), 2, workers=1)
    link = tmp_path / "run" / name.replace("prior-middle", variant.name)
    link.parent.mkdir(parents=True)
    (tmp_path / "own").mkdir()
    link.symlink_to(tmp_path / "own", target_is_directory=True)
    with pytest.raises(WorldsError, match="is a symbolic link, which is not followed"):
        vary(base, [variant], workers=1, folder=tmp_path / "run")
    assert list((tmp_path / "own").iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes")
@pytest.mark.parametrize("name", ["inputs.json", ".lock", "worlds/batch-000000.parquet"])
def test_what_is_no_file_is_not_read(crisis, call, name):
    """To open a pipe that nobody writes would take for ever."""
    path = crisis / "run" / name
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    code, _, err = call(*RUN, "--out", "run")
    assert code == 2
    assert "remove it and run again" in err


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    assert read_whole(tmp_path / "file", 5) == b"12345"
    with pytest.raises(WorldsError, match="file cannot be read: 5 bytes, more than the 4 allowed; remove it and run again"):
        read_whole(tmp_path / "file", 4)
    with pytest.raises(FileNotFoundError):
        read_whole(tmp_path / "none")
    if Path("/dev/zero").exists():
        with pytest.raises(WorldsError, match="it is not a file"):
            read_whole(Path("/dev/zero"))


@pytest.mark.skipif(os.name != "posix", reason="names of files")
def test_a_folder_that_no_disk_takes_is_refused_before_anything_is_computed(crisis, call):
    code, _, err = call(*RUN, "--out", "x" * 300)
    assert code == 2
    assert "cannot be made: File name too long; name another folder" in err
    assert untouched(crisis)


def test_files_are_written_under_names_that_nobody_knows_and_replace_what_was_there(tmp_path, monkeypatch):
    seen = []
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, target: seen.append(self.name) or replace(self, target))
    for data in (b"one", b"two"):
        write_whole(tmp_path / "file", data)
        assert (tmp_path / "file").read_bytes() == data
    assert len(set(seen)) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert below(tmp_path, "worlds") == tmp_path / "worlds"


# -- two runs at once ----------------------------------------------------------------------------------------------------------------------


@links
def test_two_runs_in_one_folder_do_not_meet_and_the_second_is_told_who_has_it(crisis, call):
    slow = ["run", "small.yaml", "--worlds", "4000", "--most", "4000", "--runs", "50", "--workers", "1", "--out", "run"]
    first = subprocess.Popen([*STANDOFF, *slow], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 100
    while not list(crisis.glob("run/worlds/batch-*.parquet")):
        assert first.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for words in (RUN, [*RUN, "--fresh"]):
        code, _, said = call(*words, "--out", "run")
        assert code == 2
        assert f"run is in use by process {first.pid} on " in said
        assert "wait until it has finished, or name another folder" in said
    assert first.poll() is None
    first.send_signal(signal.SIGKILL)  # which leaves the file of the lock, but not the lock
    first.communicate()
    assert (crisis / "run" / ".lock").exists()
    (crisis / "run" / ".report.txt.0123456789abcdef.part").write_text("half a rep")
    code, _, err = call(*RUN, "--out", "run")
    assert code == 0, err
    assert list((crisis / "run").glob(".*")) == []


def test_a_lock_is_of_one_thread_and_ends_with_it(tmp_path):
    make_folder(tmp_path)
    code = f"""
from pathlib import Path
from standoff.worlds.folder import locked
with locked(Path({str(tmp_path)!r})):
    print("free")
"""

    def other():
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    with locked(tmp_path), locked(tmp_path):
        assert f"is in use by process {os.getpid()} on" in other().stderr
    assert other().stdout == "free\n"
    assert list(tmp_path.iterdir()) == []


def test_what_a_lock_says_may_be_anything(tmp_path):
    """It may be of somebody who wants to be read."""
    import fcntl

    for text in ("", "[]", "[" * 900, '{"process": 1e999}', json.dumps({"process": 1, "host": "\x1b]0;x\x07", "since": "2020-01-01T00:00:00"})):
        (tmp_path / ".lock").write_text(text)
        with (tmp_path / ".lock").open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with pytest.raises(WorldsError, match="is in use") as caught, locked(tmp_path):
                pass
            assert str(caught.value).isprintable()


@links
def test_a_second_name_of_a_file_in_place_of_the_lock_is_not_written_to(tmp_path):
    (tmp_path / "precious").write_text("mine")
    (tmp_path / ".lock").hardlink_to(tmp_path / "precious")
    with pytest.raises(WorldsError, match="is no file of a run; remove it"), locked(tmp_path):
        pass
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_run_that_is_stopped_while_it_writes_is_not_taken_for_a_finished_one(crisis, call):
    assert call(*RUN)[0] == 0
    (manifest,) = crisis.glob("runs/*/manifest.json")
    written = manifest.read_bytes()
    manifest.unlink()
    (manifest.parent / "report.json").write_text("{}")
    code, out, err = call(*CLAIMS)
    assert code == 0, err
    assert "A hawk likes going." in out
    again = json.loads(manifest.read_bytes())
    assert again["files"].keys() == json.loads(written)["files"].keys()
