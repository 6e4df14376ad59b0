"""What belongs to the project, what it says of itself, and what is in the wheel."""

import ast
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

SHIPPED = ("screening", "invitations", "labs", "analytics", "migrations")
DATA = {".yaml", ".typ", ".css", ".csv", ".parquet", ".xz", ".topojson"}
LINES = 400


def test_nothing_stands_beside_the_fixed_names(root, top):
    if not (root / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout: what belongs to the repository cannot be told from what lies about")
    trusting = ["git", "-c", f"safe.directory={root}"]  # the checkout may be another user's
    listed = subprocess.run([*trusting, "ls-files"], cwd=root, capture_output=True, text=True, check=True)
    assert {path.split("/")[0] for path in listed.stdout.splitlines()} == top


def test_no_module_is_longer_than_one_can_hold_in_mind(texts):
    lengths = {path: text.count("\n") for path, text in texts.items() if path.endswith(".py")}
    assert {path: lines for path, lines in lengths.items() if lines > LINES} == {}


def test_every_dependency_says_what_it_is_for(texts):
    declared = re.findall(
        r'^    ("[A-Za-z].*)$', texts["pyproject.toml"].split("[project.scripts]")[0], re.MULTILINE
    )
    groups = texts["pyproject.toml"].split("[dependency-groups]")[1].split("\n]")[0]
    declared += re.findall(r'^    ("[A-Za-z].*)$', groups, re.MULTILINE)
    assert len(declared) > 30
    assert [line for line in declared if not re.search(r'",\s+# \S+', line)] == []


def test_the_lock_file_names_the_public_index_only(texts):
    hosts = set(re.findall(r"https?://([^/\"]+)", texts["uv.lock"]))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_nothing_is_left_unfinished(texts):
    unfinished = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|NotImplemented" r"Error)\b")
    assert lines_with(unfinished, texts) == []


def test_nothing_names_a_path_of_one_machine(texts):
    assert lines_with(re.compile(r"(?<![\w.])/(?:work|root|home|Users|mnt|srv|tmp)/"), texts) == []


def lines_with(wanted, texts):
    return [
        f"{path}:{number}: {line}"
        for path, text in texts.items()
        if path != "uv.lock"
        for number, line in enumerate(text.splitlines(), 1)
        if wanted.search(line)
    ]


def test_a_test_that_is_skipped_says_why(texts):
    tests = {path: text for path, text in texts.items() if path.startswith("tests/") and path.endswith(".py")}
    assert [place for path, text in tests.items() for place in unexplained(path, ast.parse(text))] == []


def unexplained(path, tree):
    """Places of `pytest.skip`, `xfail` and their marks that give no reason."""
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and re.fullmatch(
            r"pytest(\.mark)?\.(skip|skipif|xfail)", ast.unparse(node)
        ):
            call = calls.get(id(node))
            marked = "mark" in ast.unparse(node)
            named = call is not None and any(keyword.arg == "reason" for keyword in call.keywords)
            if not named and (marked or call is None or not call.args):
                yield f"{path}:{node.lineno}"


@pytest.mark.parametrize(
    ("line", "explained"),
    [
        ("pytest.skip('no Chromium')", True),
        ("pytest.skip()", False),
        ("x = pytest.mark.skip", False),
        ("x = pytest.mark.skipif(True)", False),
        ("x = pytest.mark.xfail(reason='a bug of the driver')", True),
    ],
)
def test_a_skip_without_a_reason_is_found(line, explained):
    assert (list(unexplained("x.py", ast.parse(line))) == []) == explained


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    """Names in the wheel that users install, without those of its metadata."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as packed:
        return {name for name in packed.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_every_module_and_all_data(wheel, project_files):
    assert wheel == set().union(*map(project_files, SHIPPED))


def test_the_wheel_holds_protocols_letters_schemas_and_the_nation(wheel):
    assert {"." + name.rsplit(".", 1)[-1] for name in wheel} >= DATA
