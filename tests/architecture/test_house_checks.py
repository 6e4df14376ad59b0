"""Structure, style and types are checked by the tools of the field, here, in CI and before a commit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

CHECKS = {
    "imports": "lint-imports --no-cache --no-logo",
    "style": "ruff check --no-cache .",
    "format": "ruff format --no-cache --check --diff .",
    "types": "pyright",
}
QUIET = {
    "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
    "NO_COLOR": "1",
}  # nor does pyright ask whether it is the newest


def run(command, root, **more):
    program, *arguments = command.split()
    here = Path(sys.executable).parent  # pyright asks the first Python on the path what is installed
    return subprocess.run(
        [str(here / program), *arguments],
        cwd=root,
        env={**os.environ, **QUIET, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        **more,
    )


@pytest.mark.parametrize("check", CHECKS)
def test_the_house_is_in_order(root, check):
    done = run(CHECKS[check], root)
    assert done.returncode == 0, f"{CHECKS[check]}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize(
    "line",
    [
        "from datetime import date; TODAY = date.today()",
        "from datetime import UTC, datetime; NOW = datetime.now(UTC)",
        "from time import time; NOW = time()",
        "from sqlalchemy.orm import Session",
    ],
)
def test_the_clock_and_the_orm_are_refused(root, line):
    done = run("ruff check --no-cache --stdin-filename labs/judge.py -", root, input=line)
    assert "TID251" in done.stdout


def test_the_hooks_before_a_commit_run_the_same_checks_from_the_lock_file(texts):
    repositories = yaml.safe_load(texts[".pre-commit-config.yaml"])["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    hooks = {hook["id"]: hook["entry"] for hook in repositories[0]["hooks"]}
    assert hooks == {check: f".venv/bin/uv run --locked {command}" for check, command in CHECKS.items()}


def test_ci_runs_the_test_command_of_the_readme(texts):
    readme, ci = texts["README.md"], texts[".ci/run"]
    command = readme.split("Test it:\n\n    ")[1].splitlines()[0]
    assert command.endswith("uv run --locked pytest")
    assert command in ci.splitlines()
