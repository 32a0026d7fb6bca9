"""What the documentation shows runs as shown."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

import standoff as so
from standoff.cli.app import run_app

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def blocks(language):
    """Give the code blocks of a language, with the page and number of each."""
    return [
        pytest.param(text, id=f"{page.stem}-{number}")
        for page in PAGES
        for number, text in enumerate(re.findall(rf"(?ms)^```{language}\n(.*?)^```", page.read_text(encoding="utf-8")), start=1)
    ]


@pytest.mark.parametrize("text", blocks("python"))
def test_python_examples_run(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(text, "example", "exec"), {})  # noqa: S102 - our own pages


@pytest.mark.parametrize("text", blocks("yaml"))
def test_whole_scenarios_are_without_faults_and_solve(text, tmp_path):
    if not text.startswith("standoff: 1"):
        pytest.skip("a part of a scenario")
    path = tmp_path / "example.yaml"
    path.write_text(text)
    for name in re.findall(r"file: (\S+\.csv)", text):
        # The tutorial shows the record of its scenario, the only one in these pages.
        (table,) = (block.values[0] for block in blocks("csv"))
        (tmp_path / name).write_text(str(table))
    scenario = so.load(path)
    assert so.check(scenario) == []
    assert so.solve(so.build(scenario), workers=1).certificate.met


@pytest.mark.parametrize("name", sorted(set(so.__all__) - {"Intervention", "Scenario", "__version__", "bundled", "check", "load", "record_path"}))
def test_public_calls_have_an_example_that_runs(name):
    thing = getattr(so, name)
    module = importlib.import_module(thing.__module__)
    found = doctest.DocTestFinder(recurse=False).find(thing, name, module=module, globs=vars(module).copy())
    assert any(test.examples for test in found), f"{name} has no example"
    for test in found:
        assert doctest.DocTestRunner().run(test).failed == 0


def test_the_package_itself_has_an_example_that_runs():
    assert doctest.testmod(so).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_that_pages_name_exist(page, capsys):
    text = page.read_text(encoding="utf-8")
    shown = re.findall(r"`standoff ([a-z]+)", text)
    for block in re.findall(r"(?ms)^```\n(.*?)^```", text):
        shown += re.findall(r"(?m)^standoff ([a-z]+)", block)
    for command in sorted(set(shown)):
        assert run_app([command, "--help"]) == 0, command
    capsys.readouterr()
