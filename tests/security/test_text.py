"""What others wrote is shown, and does nothing else: no escape reaches the terminal, a message or a text file."""

import json
import re
import unicodedata

import pytest
from dare import dare, write

from standoff.cli.app import run_app
from standoff.errors import Fault, SolveError
from standoff.report.words import to_json
from standoff.text import visible

# Clear the screen, put words onto the clipboard, a link, C1 colours, a carriage return, writing from right to left, no width, a new line.
HOSTILE = [
    r"\e[2J", r"\e]52;c;cm0gLXJmIH4K\a", r"\e]8;;http://evil.example\e\\here\e]8;;\e\\", r"\x9b31m", r"over\rwritten", r"\u202eesrever",
    r"\u2066isolated\u2069", r"\u200bthin\ufeff", r"\u2028next\u2029", r"\x7f\b\v\f\0"[:-2], r"\U000e0041\U000e0042", r"\u061c\u200e\u200f",
]  # fmt: skip


def unseen(text):
    """List the characters of a text that act or hide, by what Unicode says of them; line feeds belong to every text."""
    return sorted({f"U+{ord(one):04X}" for one in text if one != "\n" and unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")})


def from_yaml(text):
    """Return what a double-quoted scalar of YAML holds."""
    names = {"e": "\x1b", "a": "\a", "r": "\r", "b": "\b", "v": "\v", "f": "\f", "\\": "\\"}
    number = r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))"
    return re.sub(number, lambda found: names[found[4]] if found[4] else chr(int(found[1] or found[2] or found[3], 16)), text)


@pytest.fixture
def standoff(tmp_path, monkeypatch, capsys):
    """Run a command in an empty folder; give exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")

    def call(*arguments):
        code = run_app([str(one) for one in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F), 0x2060,
                                  *range(0x2066, 0x206A), 0xFEFF, 0xD800, 0xDFFF, 0xE0001, 0x3164])  # fmt: skip
def test_each_character_that_is_not_seen_is_written_out(code):
    shown = visible(f"a{chr(code)}b")
    assert shown == f"a{chr(code)}b" if chr(code) in "\t\n" else (shown.isascii() and shown.isprintable() and f"{code:x}" in shown)


def test_what_is_seen_stays_as_it_is():
    for text in ("Zürich, 3 €", "重慶 \N{GRINNING FACE}", "a\\x1b", "«ça» — ‘so’", "\N{HEBREW LETTER ALEF}\N{ARABIC LETTER BEH}"):
        assert visible(text) == text


def test_json_carries_the_data_and_no_escapes():
    data = {"title": "".join(map(from_yaml, HOSTILE)) + "\ud83d \N{GRINNING FACE}"}
    text = to_json(data)
    assert json.loads(text) == data
    assert unseen(text) == []
    assert "\N{GRINNING FACE}" in text


def test_a_run_shows_hostile_titles_and_keeps_them_as_data(standoff, tmp_path):
    title, option, end, claim = (f'"{"".join(HOSTILE[number::4])}"' for number in range(4))
    path = write(tmp_path, dare(title=title, option=option, end=end, claim=claim))
    code, out, err = standoff("run", path, "--worlds", 4, "--most", 4, "--runs", 50, "--workers", 1, "--no-search", "--out", "kept")
    assert (code, unseen(out + err)) == (0, [])
    assert r"\x1b[2J" in out
    kept = {file.name: file.read_bytes().decode() for file in (tmp_path / "kept").iterdir() if file.suffix in (".txt", ".json")}
    assert {"report.txt", "report.json", "manifest.json"} <= set(kept)
    assert {name: unseen(text) for name, text in kept.items() if unseen(text)} == {}
    assert json.loads(kept["report.json"])["title"] == from_yaml(title[1:-1])


@pytest.mark.parametrize("command", [["check"], ["solve"], ["solve", "--json"], ["solve", "--branches"], ["explain", "--no-flips"]])
def test_every_command_shows_hostile_titles(standoff, tmp_path, command):
    title = f'"{"".join(HOSTILE)}"'
    path = write(tmp_path, dare(title=title, option=title, end=title, claim=title), "re\u202eversed.yaml")
    _, out, err = standoff(command[0], path, *command[1:])
    assert out
    assert unseen(out + err) == []


def test_an_export_shows_them_too(standoff, tmp_path):
    path = write(tmp_path, dare(title=f'"{"".join(HOSTILE)}"'))
    assert standoff("export", path)[0] == 0
    written = (tmp_path / "dare.efg").read_text(encoding="utf-8")
    assert r"\\x1b[2J" in written or r"\x1b[2J" in written
    assert unseen(written) == []


def test_faults_show_what_they_speak_of(standoff, tmp_path):
    path = write(tmp_path, dare().replace("prize: {on", r'"pri\e[2Jze": {on').replace("start: open", r'start: "op\x9ben"'), "b\x1b[31mad\n1. x.yaml")
    for arguments in ((path,), (path, "--json"), (path, "--set", "\x1b[2J=1"), ("\x1b[2J",), (path, "--\x1b[2J")):
        code, out, err = standoff("check", *arguments)
        assert code == 2
        assert unseen(out + err) == []


def test_a_fault_is_one_line_and_an_error_can_be_printed():
    fault = Fault(problem="unknown name", file="a\nb.yaml", found="x\n2. all is well\x1b[2J")
    assert str(fault) == r"a\nb.yaml: unknown name; found x\n2. all is well\x1b[2J"
    assert str(SolveError("no turn \x1b[2J")) == r"no turn \x1b[2J"


def test_progress_is_shown_as_text(monkeypatch, capsys):
    from standoff.cli import terminal

    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with terminal.progress_bar() as progress:
        progress("solving \x1b]52;c;AAAA\a[bold]x[/nothing]", 0.5)
    shown = capsys.readouterr().err
    assert r"solving \x1b]52;c;AAAA\x07" in shown
    assert "\x1b]52" not in shown
