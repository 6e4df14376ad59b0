"""The project as files: its modules, and every text in it."""

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("screening", "invitations", "labs", "analytics")
TOP = {"pyproject.toml", "uv.lock", "README.md", "LICENSE", *PACKAGES, "migrations", "tests"}
DOT_FILES = {".ci", ".gitignore", ".pre-commit-config.yaml", ".readme"}


@dataclass(frozen=True)
class Module:
    """One module of the four packages."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def awaits(self):
        return any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(self.tree))

    @property
    def declares_tables(self):
        return self.path.stem.endswith("tables")


def files(folder):
    """Files below a folder of the project, or the file itself; compiled modules do not belong to it."""
    found = [folder] if folder.is_file() else folder.rglob("*")
    return sorted(path for path in found if path.is_file() and path.parent.name != "__pycache__")


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def top():
    """Names at the top of the repository."""
    return TOP | DOT_FILES


@pytest.fixture(scope="session")
def modules():
    found = {}
    for path in (path for package in PACKAGES for path in files(ROOT / package)):
        if path.suffix == ".py":
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = Module(name, path, ast.parse(path.read_text(), str(path)))
    return found


@pytest.fixture(scope="session")
def texts():
    """Every text file of the project by its path from the top."""
    contents = {path: path.read_bytes() for top in TOP | DOT_FILES for path in files(ROOT / top)}
    return {
        str(path.relative_to(ROOT)): content.decode()
        for path, content in contents.items()
        if b"\0" not in content
    }


@pytest.fixture(scope="session")
def project_files():
    """The project's files below one of its folders, by their path from the top."""
    return lambda folder: {str(path.relative_to(ROOT)) for path in files(ROOT / folder)}
