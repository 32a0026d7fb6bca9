"""Whatever becomes of the files of a run, it is refused with the remedy or computed again: no wrong number, and no error of a library."""

import hashlib
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from small_crisis import write

from standoff.cli.app import run_app
from standoff.errors import WorldsError
from standoff.scenario import load, own_record
from standoff.worlds import sample
from standoff.worlds.store import _BLANK, _INPUTS, _MARK, Store, sealed, to_frame, unsealed

N = 10
"""Two batches, the second of two worlds."""

DAMAGES = 2000
"""Of one file at a time, drawn from a seed."""


def drawn(folder, crisis, n=N, seed=0):
    scenario = load(crisis / "small.yaml")
    return sample(scenario, n, seed, record=own_record(scenario), workers=1, folder=folder)


def as_bytes(worlds):
    buffer = io.BytesIO()
    to_frame(worlds.worlds).to_parquet(buffer, index=False)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def crisis(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crisis")
    write(folder)
    return folder


@pytest.fixture(scope="module")
def kept(crisis, tmp_path_factory):
    """A folder with finished worlds, what they are, and what tells that they are of this run."""
    folder = tmp_path_factory.mktemp("kept") / "run"
    worlds = drawn(folder, crisis)
    return folder, as_bytes(worlds), worlds.store


def read(folder, kept):
    """Read the worlds back, as a run does first; nothing is computed."""
    store = Store(folder, kept[2].fingerprint, kept[2].parameters, kept[2].claims)
    buffer = io.BytesIO()
    to_frame(world for _, world in sorted(store.load().items())).to_parquet(buffer, index=False)
    return buffer.getvalue()


@pytest.fixture
def folder(kept, tmp_path):
    """A copy of that folder, to be damaged."""
    shutil.copytree(kept[0], tmp_path / "run")
    return tmp_path / "run"


def first(folder):
    return folder / "worlds" / "batch-000000.parquet"


def test_a_batch_says_what_it_is_of_and_reads_as_any_parquet_file(folder):
    data = first(folder).read_bytes()
    inputs = hashlib.sha256((folder / "inputs.json").read_bytes()).hexdigest()
    metadata = pq.read_metadata(first(folder)).metadata
    assert metadata[_INPUTS] == inputs.encode()
    head, _, tail = data.rpartition(_MARK)
    assert hashlib.sha256(head + _MARK + _BLANK + tail[64:]).hexdigest().encode() == tail[:64]
    assert list(pd.read_parquet(first(folder))["index"]) == list(range(8))


def test_worlds_of_another_seed_are_not_mixed_in(folder, crisis):
    """Nothing says any more what the folder was a run of; its worlds do."""
    (folder / "inputs.json").unlink()
    with pytest.raises(WorldsError, match=r"batch-000000\.parquet cannot be read \(it is of a run of other inputs\); remove it and run again"):
        drawn(folder, crisis, seed=1)
    shutil.rmtree(folder / "worlds")
    (folder / "inputs.json").unlink()
    assert as_bytes(drawn(folder, crisis, seed=1)) == as_bytes(drawn(None, crisis, seed=1))


def test_a_batch_of_another_run_is_refused_where_it_is_put(folder, crisis, tmp_path):
    drawn(tmp_path / "other", crisis, seed=1)
    shutil.copy(first(tmp_path / "other"), first(folder))
    with pytest.raises(WorldsError, match="it is of a run of other inputs"):
        drawn(folder, crisis)


def test_without_the_inputs_the_worlds_of_the_same_run_are_taken(folder, crisis, kept):
    (folder / "inputs.json").unlink()
    stamp = first(folder).stat().st_mtime_ns
    assert as_bytes(drawn(folder, crisis)) == kept[1]
    assert first(folder).stat().st_mtime_ns == stamp
    assert (folder / "inputs.json").read_bytes() == (kept[0] / "inputs.json").read_bytes()


def without(name):
    return lambda frame: frame.drop(columns=[name])


def with_column(name, value):
    return lambda frame: frame.assign(**{name: value})


SHAPES = {
    "no index": without("index"),
    "no problem": without("problem"),
    "no parameter": without("p:eagerness"),
    "no margin": without("margin:likes"),
    "no numbers": without("numbers:likes"),
    "no claim": lambda frame: frame.drop(columns=[name for name in frame if name.endswith(":likes")]),
    "other parameter": lambda frame: frame.rename(columns={"p:eagerness": "p:eager"}),
    "more claims": with_column("margin:more", 0.0),
    "texts for numbers": with_column("p:eagerness", "a"),
    "texts for margins": with_column("margin:likes", "a"),
    "lists for numbers": lambda frame: frame.assign(index=[[1]] * len(frame)),
    "numbers for lists": with_column("numbers:likes", 1.0),
    "numbers for problems": with_column("problem", 1.0),
    "endless numbers": with_column("index", float("inf")),
    "negative numbers": with_column("index", -1),
    "same number": with_column("index", 1),
    "nothing": lambda frame: frame.iloc[:0],
    "too much": lambda frame: pd.concat([frame] * 2),
    "no columns": lambda frame: frame[[]],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_batch_of_another_shape_is_refused_though_its_checksum_holds(folder, crisis, shape):
    inputs = hashlib.sha256((folder / "inputs.json").read_bytes()).hexdigest()
    first(folder).write_bytes(sealed(SHAPES[shape](unsealed(first(folder).read_bytes(), inputs)), inputs))
    with pytest.raises(WorldsError, match=r"batch-000000\.parquet cannot be read \(.+\); remove it and run again"):
        drawn(folder, crisis)


def resealed(data):
    """Put the right checksum on whatever these bytes are."""
    head, _, tail = data.rpartition(_MARK)
    return head + _MARK + hashlib.sha256(head + _MARK + _BLANK + tail[64:]).hexdigest().encode() + tail[64:]


@pytest.mark.property
def test_a_parquet_file_that_is_wrong_within_is_refused_or_read_as_worlds(folder, kept):
    """Somebody may put a right checksum on a file that is damaged on purpose: no error of the library, no crash, may come of it."""
    data = first(folder).read_bytes()
    place = data.rindex(_MARK)
    random = np.random.default_rng(18)
    refused = 0
    for _ in range(DAMAGES):
        damaged = bytearray(data)
        for position in random.integers(0, place, size=random.integers(1, 4)):
            damaged[position] ^= 1 << random.integers(8)
        first(folder).write_bytes(resealed(bytes(damaged)))
        try:
            read(folder, kept)
        except WorldsError as error:
            refused += "remove it and run again" in str(error)
    assert refused > DAMAGES / 10


def damage(data, random):
    """Change a file: one bit, a piece of it lost, doubled or of zeros, or another text."""
    kind = random.integers(6)
    place = int(random.integers(len(data) + 1))
    if kind <= 2 and data:
        flipped = bytearray(data)
        flipped[place % len(data)] ^= 1 << random.integers(8)
        return bytes(flipped)
    if kind == 3:
        return data[:place]
    if kind == 4:
        return data[:place] + bytes(int(random.integers(1, 40))) + data[place + int(random.integers(40)) :]
    return [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 5000, b'{"claims": 1}', b"PAR1PAR1", data * 2][random.integers(9)]


@pytest.mark.property
def test_damaged_worlds_are_refused(folder, kept):
    random = np.random.default_rng(2026)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    outcomes = {"refused": 0, "right": 0}
    for _ in range(DAMAGES):
        path = files[random.integers(len(files))]
        good = path.read_bytes()
        path.write_bytes(damage(good, random))
        try:
            found, said = read(folder, kept), ""
        except WorldsError as error:
            found, said = b"", str(error)
        outcomes["refused" if said else "right"] += 1
        assert found == kept[1] or "remove it and run again" in said or "begin anew with --fresh" in said
        path.write_bytes(good)
    assert outcomes["refused"] > DAMAGES / 2


NEXT = """
standoff: 1
name: next
clock: {start: 2020-03-01, step: 1 week, end: 2020-03-15}
parameters:
  precision: {value: 1}
  eagerness: {prior: {uniform: [-1, 3]}}
  memory: {prior: {uniform: [0, 1]}}
players:
  mover:
    types: {hawk: 0.5, dove: rest}
    payoffs: {taste: {on: {mover.go: "eagerness if type == hawk else 0"}}}
turns: [{player: mover, options: {go: {}, stay: {}}, silent: stay}]
record: {file: next.csv, map: {mover.go: [{action: go}]}}
beliefs: {from: small.yaml, memory: memory}
claims:
  likes: {text: Going is likelier than not., test: {left: {choice: mover.go}, is: above, right: 0.5}}
"""


def test_the_runs_of_a_chain_are_read_back(tmp_path, monkeypatch, capsys):
    """Worlds of a later scenario have the parameters of the one before it, too."""
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "next.yaml").write_text(NEXT, encoding="utf-8")
    (tmp_path / "next.csv").write_text("id,date,actor,action\nlater,2020-03-03,mover,go\n", encoding="utf-8")
    (tmp_path / "both.yaml").write_text("standoff: 1\nname: both\nchain: [small.yaml, next.yaml]\n", encoding="utf-8")
    words = ["both.yaml", "next:likes", "--worlds", "10", "--most", "10", "--workers", "1", "--json"]
    answers = []
    for _ in range(2):
        assert run_app(["claims", *words]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0]["claims"] == answers[1]["claims"]
    stamps = [path.stat().st_mtime_ns for path in sorted(tmp_path.glob("runs/*/manifest.json"))]
    assert run_app(["claims", *words]) == 0
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.glob("runs/*/manifest.json"))] == stamps
    assert len(stamps) == 2


# -- the report that `claims` reads --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(crisis):
    """A finished run, as `claims` finds it, with the scenario beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(crisis)
        assert run_app(["run", "small.yaml", "--worlds", "10", "--most", "10", "--runs", "50", "--workers", "1"]) == 0
    (folder,) = crisis.glob("runs/small-*")
    return folder


@pytest.fixture
def opened(finished, crisis, tmp_path, monkeypatch, capsys):
    """A copy of that run, to be damaged; and a call of `claims` beside it."""
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / finished.relative_to(crisis)
    shutil.copytree(finished, folder)
    capsys.readouterr()

    def claims():
        code = run_app(["claims", "small.yaml", "likes", "tells", "--worlds", "10", "--most", "10", "--workers", "1", "--json"])
        return code, capsys.readouterr().out

    return folder, claims


@pytest.mark.property
def test_a_damaged_run_is_refused_or_made_again(opened):
    """Every file of the folder, those that `claims` does not read included."""
    folder, claims = opened
    code, right = claims()
    assert code == 0
    random = np.random.default_rng(11)
    good = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    names = [*good, *[folder / "report.json", folder / "manifest.json"] * 5]  # those that are read most often
    refused = 0
    for _ in range(DAMAGES // 50):
        path = names[random.integers(len(names))]
        path.write_bytes(damage(good[path], random))
        code, out = claims()
        if code == 0:
            assert out == right
        else:
            assert code == 2
            assert "run again" in json.loads(out)["error"] or "begin anew" in json.loads(out)["error"]
            refused += 1
        for other in good:
            other.write_bytes(good[other])
    assert refused > 5


def rewritten(folder, change):
    """Change the report and put the right checksums on it, as somebody may who sends a folder."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    data = json.dumps(change(report), indent=2, ensure_ascii=False).encode()
    (folder / "report.json").write_bytes(data)
    from standoff.report.folder import _digest, as_bytes

    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["report.json"] = hashlib.sha256(data).hexdigest()
    (folder / "manifest.json").write_bytes(as_bytes(manifest | {"sha256": _digest(manifest)}))


def in_first_claim(**changed):
    def change(report):
        report["claims"][0] |= changed
        return report

    return change


def lacking(name):
    def change(report):
        del report["claims"][0][name]
        return report

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda _: [],
        lambda _: {},
        lambda report: report | {"claims": {}},
        lambda report: report | {"claims": []},
        lambda report: report | {"claims": [1, 2]},
        lambda report: report | {"claims": report["claims"] * 2},
        lambda report: report | {"forecasts": 3},
        lambda report: {name: value for name, value in report.items() if name != "weights"},
        lambda report: report | {"title": [[]] * 3, "claims": None},
        lacking("share"),
        lacking("margin"),
        lacking("counter_world"),
        in_first_claim(share="half"),
        in_first_claim(verdict=["holds"]),
        in_first_claim(low=None),
        in_first_claim(margin=[]),
        in_first_claim(hinge_rule={"conditions": 1}),
        in_first_claim(effects={"problem": ""}),
        in_first_claim(counter_world={"story": None}),
        in_first_claim(id="other"),
    ],
)
def test_a_report_of_another_shape_is_refused(opened, change):
    folder, claims = opened
    rewritten(folder, change)
    code, out = claims()
    assert code == 2
    error = json.loads(out)["error"]
    assert "of another shape" in error
    assert f"remove the folder {folder.relative_to(Path.cwd())} and run again" in error


def test_a_report_of_other_inputs_is_refused(opened):
    folder, claims = opened
    from standoff.report.folder import _digest, as_bytes

    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for change, said in (
        ({"inputs": manifest["inputs"] | {"record_sha256": "0" * 64}}, "it is of a run of other inputs"),
        ({"versions": manifest["versions"] | {"code_sha256": "0" * 64}}, "it is of another version of standoff"),
        ({"inputs": {"settings": []}}, "it is of another shape"),
        ({"inputs": manifest["inputs"] | {"settings": {}}}, "its settings are of another shape"),
        ({"files": None}, "it is of another shape"),
    ):
        changed = manifest | change
        (folder / "manifest.json").write_bytes(as_bytes(changed | {"sha256": _digest(changed)}))
        code, out = claims()
        assert code == 2
        assert said in json.loads(out)["error"]
