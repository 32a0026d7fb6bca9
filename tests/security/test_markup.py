"""Square brackets and colons in texts are square brackets and colons: no markup, no emoji, wherever a text is printed."""

import ast
from pathlib import Path

import pytest
from dare import dare, write

import standoff
from standoff.cli.app import run_app
from standoff.cli.terminal import as_text, show
from standoff.printed import Table, Text
from standoff.report.words import table

MARKED = "Peace [sic] [red]now[/red] at [/treaty] [link=http://evil.example]last[/link] :smile:"


@pytest.mark.parametrize("kind", [table, Table])
def test_cells_and_headings_of_tables_are_plain(kind):
    made = kind(MARKED) if kind is table else Table()
    if kind is Table:
        made.add_column(MARKED)
    made.add_row(MARKED)
    assert as_text([made]).count(MARKED) == 2


def test_a_console_of_another_program_reads_no_markup_in_our_tables():
    import io

    from rich.console import Console

    made = table("first")
    made.add_row(MARKED)
    stream = io.StringIO()
    Console(file=stream, width=200).print(made)
    assert MARKED in stream.getvalue()


def test_plain_strings_are_printed_plainly(capsys):
    show([MARKED, Text(MARKED), Text.assemble(MARKED, ("[b]", "bold"))])
    assert capsys.readouterr().out.split() == [*MARKED.split(), *MARKED.split(), *(MARKED + "[b]").split()]


def test_a_whole_run_keeps_brackets_in_every_title(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    quoted = f"'{MARKED}'"
    path = write(tmp_path, dare(title=quoted, option=quoted, end=quoted, claim=quoted))
    code = run_app(["run", str(path), "--worlds", "4", "--most", "4", "--runs", "200", "--workers", "1", "--no-search", "--out", "kept"])
    out = capsys.readouterr().out
    assert code == 0
    words = " ".join(out.split())
    assert words.count(MARKED) >= 3  # the claim is broken into the lines of a column
    report = " ".join((tmp_path / "kept" / "report.txt").read_text(encoding="utf-8").split())
    assert "[/treaty]" in report
    assert "[red]now[/red]" in report
    assert run_app(["claims", str(path), "--worlds", "4", "--most", "4", "--workers", "1"]) == 0
    assert "[/treaty]" in capsys.readouterr().out


def test_errors_keep_brackets(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "400")
    path = write(tmp_path, dare().replace("prize: {on", "'[red]open[/x]': {on"))
    assert run_app(["check", str(path)]) == 2
    assert "[red]open[/x]" in capsys.readouterr().out
    assert run_app(["check", "[/b]", "--[red]"]) == 2
    assert "--[red]" in capsys.readouterr().err


def test_texts_and_tables_have_one_home():
    """Whoever imports those of Rich directly prints markup."""
    root = Path(standoff.__file__).parent
    direct = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module in ("rich.text", "rich.table") or {one.name for one in node.names} & {"Panel", "print"})
        and (node.module or "").startswith("rich")
    }  # fmt: skip
    assert direct == set()
