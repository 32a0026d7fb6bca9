"""Whole-process times of the commands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

STANDOFF = str(Path(sys.executable).with_name("standoff"))


@pytest.mark.parametrize("words", [["--help"], ["check", "baghdad-closure"]], ids=["help", "check"])
def test_command(benchmark, words):
    done = benchmark.pedantic(subprocess.run, args=([STANDOFF, *words],), kwargs={"capture_output": True, "check": True}, rounds=5, warmup_rounds=1)
    assert done.stdout


def test_run_from_cold(benchmark, tmp_path):
    """The main job with its default numbers of worlds, compilation included."""
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    words = [STANDOFF, "run", "baghdad", "--out", str(tmp_path / "run")]
    done = benchmark.pedantic(subprocess.run, args=(words,), kwargs={"capture_output": True, "check": True, "env": env}, rounds=1)
    assert b"The claims" in done.stdout
