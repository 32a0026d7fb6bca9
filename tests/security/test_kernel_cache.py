"""Compiled code is kept where only its user can have put it, and never taken for that of another version of the kernels."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import standoff

PACKAGE = Path(standoff.__file__).parent

pytestmark = pytest.mark.skipif(os.name != "posix", reason="owners and modes of files")


@pytest.fixture
def copied(tmp_path):
    """A copy of the package beside which nothing can be written, and a home and a cache that are files."""
    shutil.copytree(PACKAGE, tmp_path / "library" / "standoff", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "library" / "standoff" / "solve" / "__pycache__").write_text("no folder can be made here")
    (tmp_path / "home").write_text("nor here")
    (tmp_path / "temporary").mkdir()
    (tmp_path / "elsewhere").mkdir()
    return tmp_path


SMALL = "from standoff.solve import _jit; from standoff.solve._axis import local_place; print(_jit._FOLDER, local_place(0.3, 5))"


def run(copied, code=SMALL, **changed):
    environment = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    environment |= {
        "PYTHONPATH": str(copied / "library"),
        "HOME": str(copied / "home"),
        "TMPDIR": str(copied / "temporary"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run([sys.executable, "-c", code], cwd=copied / "elsewhere", capture_output=True, text=True, env=environment | changed)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def entries(folder):
    return sorted(path for path in folder.rglob("*.nbc"))


def test_where_nothing_can_be_written_a_temporary_folder_is_taken_and_said_once(copied):
    out, err = run(copied)
    (folder,) = (copied / "temporary").iterdir()
    assert out.startswith(f"{folder}/kernels-")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert err.count("\n") == 1
    assert f"it is kept in {folder}. Name another folder with NUMBA_CACHE_DIR." in err
    kept = entries(folder)
    assert kept
    again, _ = run(copied)
    assert (again, entries(folder)) == (out, kept)  # the next process finds it


def test_workers_do_not_say_it_again(copied):
    code = "from standoff.workers import parallel; from standoff.solve import _jit; print(len({*parallel(_jit._digest, [()] * 2, 2)}))"
    out, err = run(copied, code)
    assert out == "1\n"
    assert err.count("cannot be kept") == 1


def test_a_folder_that_others_can_write_in_and_a_link_are_not_taken(copied):
    own = copied / "elsewhere" / "own"
    own.mkdir(mode=0o700)
    decoys = [copied / "temporary" / f"standoff-kernels-{name}" for name in "abcd"]
    for decoy, mode in zip(decoys[:3], (0o770, 0o707, 0o755), strict=True):
        decoy.mkdir()
        decoy.chmod(mode)
    decoys[3].symlink_to(own)
    run(copied)
    assert len(list((copied / "temporary").iterdir())) == 5
    assert not any(entries(decoy) for decoy in decoys)


def test_a_folder_of_another_user_is_not_taken(tmp_path, monkeypatch):
    from standoff.solve import _jit

    monkeypatch.setattr(_jit.tempfile, "tempdir", str(tmp_path))
    mine = _jit._temporary()
    assert _jit._temporary() == mine
    somebody = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: somebody)
    other = _jit._temporary()
    assert other != mine
    assert other.parent == tmp_path


def test_the_users_cache_comes_before_temporary_folders(copied):
    (copied / "home").unlink()
    out, err = run(copied)
    assert out.startswith(f"{copied}/home/.cache/standoff/kernels-")
    assert err == ""


@pytest.mark.parametrize("changed", [{"NUMBA_CACHE_DIR": "here"}, {"XDG_CACHE_HOME": "here"}, {"HOME": "."}], ids=lambda changed: next(iter(changed)))
def test_a_cache_in_the_working_directory_is_not_taken(copied, changed):
    """It may have come with a scenario, and what lies in it would be executed."""
    out, _ = run(copied, **changed)
    assert out.startswith(f"{copied}/temporary/")
    assert list((copied / "elsewhere").iterdir()) == []


def test_where_the_working_directory_would_be_the_temporary_one_nothing_is_kept(copied):
    (copied / "elsewhere" / "standoff-kernels-sent").mkdir(mode=0o700)
    out, err = run(copied, TMPDIR=str(copied / "elsewhere"))
    assert out.startswith("None ")
    assert "every command compiles anew" in err
    assert [path.name for path in (copied / "elsewhere").iterdir()] == ["standoff-kernels-sent"]


@pytest.mark.parametrize("changed", [{}, {"NUMBA_CACHE_DIR": "{}/given"}], ids=["temporary", "given"])
def test_a_changed_kernel_is_not_answered_by_code_that_was_compiled_before(copied, changed):
    """The kernel called is in another file than the one that changes; Numba looks at the former only."""
    changed = {name: value.format(copied) for name, value in changed.items()}
    solve = copied / "library" / "standoff" / "solve"
    add(solve / "_held.py", "from standoff.solve._axis import added\n\n\n@kernel\ndef called(x):\n    return added(x)\n")
    add(solve / "_axis.py", "@kernel\ndef added(x):\n    return x + 1.0\n")
    code = "from standoff.solve._held import called; print(called(1.0))"
    assert run(copied, code, **changed)[0] == "2.0\n"
    file = solve / "_axis.py"
    file.write_text(file.read_text(encoding="utf-8").replace("return x + 1.0", "return x + 9.0"), encoding="utf-8")
    assert run(copied, code, **changed)[0] == "10.0\n"


def add(file, text):
    file.write_text(f"{file.read_text(encoding='utf-8')}\n\n{text}", encoding="utf-8")
