"""Worker processes import nothing from the working directory, are no more than there is work, and end with the process that started them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from standoff.errors import WorldsError
from standoff.workers import importable, parallel

STANDOFF = [sys.executable, "-c", "import sys; sys.path.remove(''); from standoff.cli import main; main()"]
"""The command as an installed script starts it: without the working directory on the path of the first process."""

SHADOWED = ("random", "typing", "joblib", "numpy", "encodings", "pickle", "json", "queue", "standoff", "sitecustomize", "usercustomize", "yaml")
"""Modules that Python, the libraries or standoff import."""


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """A scenario's folder in which every module, when it is executed, leaves a mark; the working directory."""
    monkeypatch.chdir(tmp_path)
    subprocess.run([*STANDOFF, "new", "crisis.yaml"], check=True, capture_output=True, cwd=tmp_path)
    for name in SHADOWED:
        mark = f"open({str(tmp_path / f'executed-{name}')!r}, 'w').close()\nraise SystemExit(9)\n"
        (tmp_path / f"{name}.py").write_text(mark)
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(mark)
    return tmp_path


def executed(folder):
    return sorted(path.name for path in folder.glob("executed-*"))


@pytest.mark.parametrize("start", [STANDOFF, [sys.executable, "-m", "standoff"]], ids=["script", "module"])
@pytest.mark.parametrize(
    "words",
    [
        ["run", "crisis.yaml", "--worlds", "4", "--runs", "50", "--workers", "2", "--no-search"],
        ["claims", "crisis.yaml", "--worlds", "4", "--workers", "2"],
        ["explain", "crisis.yaml", "--workers", "2"],
    ],
    ids=lambda words: words[0],
)
def test_no_command_executes_what_lies_beside_a_scenario(hostile, start, words):
    if start[1] == "-m":
        # The root of the package itself would be taken from the working directory before standoff has a say.
        (hostile / "standoff.py").unlink()
        (hostile / "standoff" / "__init__.py").unlink()
        (hostile / "standoff").rmdir()
    done = subprocess.run([*start, *words], cwd=hostile, capture_output=True, text=True)
    assert executed(hostile) == []
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("entry", ["", ".", "{here}", "{here}/", "{here}/."])
def test_workers_import_nothing_from_the_working_directory_however_it_got_on_the_path(hostile, entry):
    """The first process has it on its path as a notebook does; what it imports itself it has imported before."""
    code = f"""
import operator, sys
from standoff.workers import parallel
sys.path.insert(0, {entry.format(here=hostile)!r})
print(list(parallel(operator.mul, [(2, 3), (4, 5), (6, 7)], 2)))
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=hostile, capture_output=True, text=True)
    assert done.stdout == "[6, 20, 42]\n", done.stderr
    assert executed(hostile) == []


def test_workers_take_no_path_from_the_environment(hostile, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", f"{hostile}{os.pathsep}")
    code = "from standoff.workers import parallel; print(list(parallel(divmod, [(7, 2), (9, 3)], 2)))"
    # Isolated, as only the workers' own start is looked at here; they are given the same environment.
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=hostile, capture_output=True, text=True)
    assert done.stdout == "[(3, 1), (3, 0)]\n", done.stderr
    assert executed(hostile) == []


def test_numba_reads_no_settings_from_the_working_directory(tmp_path):
    """Its settings may name a folder of compiled code, which is executed."""
    (tmp_path / ".numba_config.yaml").write_text(f"cache_dir: {tmp_path / 'kernels'}\ndisable_jit: 1\n")
    reader = tmp_path / "library"
    reader.mkdir()
    # A reader of YAML that is enough for these settings stands in for PyYAML, which need not be installed.
    (reader / "yaml.py").write_text("def safe_load(stream):\n    return dict(line.strip().split(': ') for line in stream)\n")
    code = "from standoff.solve import _jit; import numba; print(numba.config.CACHE_DIR, numba.config.DISABLE_JIT)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(reader)})
    assert (done.stdout.split(), done.stderr) == (["0"], "")


def test_the_path_of_workers_has_no_working_directory_but_leads_to_standoff(tmp_path, monkeypatch):
    import standoff

    home = str(Path(standoff.__file__).parents[1])
    monkeypatch.chdir(tmp_path)
    linked = tmp_path.parent / "linked"
    linked.symlink_to(tmp_path)
    monkeypatch.setattr(sys, "path", ["", ".", "lib", str(tmp_path), f"{linked}/", "/usr/lib"])
    assert importable() == ["/usr/lib", home]
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "path", ["", home, "/usr/lib"])
    assert importable() == ["/usr/lib", home]  # last, where it hides nothing


# -- how many, and how long ----------------------------------------------------------------------------------------------------------------


def test_results_come_in_the_order_of_the_jobs():
    jobs = [(value / 1000,) for value in (30, 20, 10, 0)]
    assert list(parallel(_asleep, jobs, 4)) == [value for (value,) in jobs]


def _asleep(seconds):
    time.sleep(seconds)
    return seconds


def _identity():
    time.sleep(0.05)
    return os.getpid()


def test_no_more_processes_are_started_than_there_is_work(tmp_path):
    code = """
import os, subprocess
started = []
Popen = subprocess.Popen
class Counted(Popen):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        started.append(self.pid)
subprocess.Popen = Counted
import time
from standoff.workers import parallel
list(parallel(time.sleep, [(0.2,)] * 3, 24))
list(parallel(time.sleep, [(0.2,)] * 2, 24))
list(parallel(time.sleep, [(0.0,)], 24))
print(len(started))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "3\n"


def _refused():
    raise WorldsError("this world cannot be computed")


def _unreadable():
    class Local(Exception):  # noqa: N818 - what matters is that it cannot be pickled
        pass

    raise Local("known here only")


def test_what_a_worker_raises_is_raised():
    with pytest.raises(WorldsError, match="this world cannot be computed"):
        list(parallel(_refused, [()] * 2, 2))
    with pytest.raises(RuntimeError, match="known here only"):
        list(parallel(_unreadable, [()] * 2, 2))
    assert list(parallel(divmod, [(7, 2), (9, 3)], 2)) == [(3, 1), (3, 0)]


def _killed():
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_is_an_error_with_a_remedy_and_the_next_call_works():
    with pytest.raises(WorldsError, match=r"a worker process ended before its work was done \(exit code -9\).*--workers 1"):
        list(parallel(_killed, [()] * 2, 2))
    assert list(parallel(divmod, [(7, 2), (9, 3)], 2)) == [(3, 1), (3, 0)]


def test_what_a_worker_prints_does_not_mix_with_its_answers():
    assert list(parallel(print, [("one",), ("two",)], 2)) == [None, None]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_fork_does_not_speak_with_the_workers_of_its_parent():
    mine = set(parallel(_identity, [()] * 2, 2))
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, json.dumps(list(parallel(_identity, [()] * 2, 2))).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = set(json.loads(os.read(reading, 1000)))
    os.close(reading)
    os.close(writing)
    assert len(theirs) == 2
    assert not mine & theirs


def _gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP], ids=lambda how: how.name)
@pytest.mark.parametrize("state", ["busy", "idle"])
def test_workers_end_with_the_process_that_started_them(tmp_path, how, state):
    """Whether they are in the middle of a long computation or wait for work."""
    code = f"""
import time
from standoff.workers import parallel
list(parallel(time.sleep, [(0.2,)] * 2, 2))
print("started", flush=True)
{"list(parallel(time.sleep, [(600.0,)] * 2, 2))" if state == "busy" else "time.sleep(600)"}
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=tmp_path, text=True)
    assert process.stdout.readline() == "started\n"
    workers = [int(pid) for pid in subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True).stdout.split()]
    process.send_signal(how)
    process.wait()
    process.stdout.close()
    assert len(workers) == 2
    deadline = time.monotonic() + 20
    while not all(map(_gone, workers)):
        assert time.monotonic() < deadline, "workers live on"
        time.sleep(0.05)


def test_stopping_early_ends_what_is_at_work():
    results = parallel(_asleep, [(0.0,), (600.0,), (600.0,)], 2)
    assert next(results) == 0.0
    results.close()
    assert list(parallel(_asleep, [(0.0,), (0.0,)], 2)) == [0.0, 0.0]
