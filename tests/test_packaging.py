"""What `pip install gan-cli` brings is whole: built as a wheel, installed, and used where no checkout is near."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, packages_distributions
from pathlib import Path, PurePosixPath

import pytest
from conftest import ANY_LOSS, TINY, build_once
from own_code import write_own_code
from planted import plant

ROOT = Path(__file__).resolve().parents[1]
PLACES = {"gan_cli/sweeps/launcher_plugin": "hydra_plugins/gan_cli", "configs": "gan_cli/configs"}
"""Folders of the tree that lie elsewhere in the wheel, as `package-dir` in pyproject.toml says."""
OWN = {"gan_cli", "hydra_plugins"}
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
TINIEST_OF_ANY_LOSS = [*(word for word in TINY if word != "logger=[]"), *ANY_LOSS, "train.steps=3"]
TINIEST = [*TINIEST_OF_ANY_LOSS, "loss=non_saturating"]


def tree_files() -> list[Path]:
    """The files of the project, relative to its root: what git would commit, or all where git does not know them."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    names = [Path(name) for name in listed.stdout.split("\0") if name]
    if not names:
        roots = (ROOT / "gan_cli", ROOT / "configs")
        names = [path.relative_to(ROOT) for folder in roots for path in folder.rglob("*") if path.suffix != ".pyc"]
        names += [Path(name) for name in ("pyproject.toml", "README.md", "LICENSE")]
    return [name for name in names if (ROOT / name).is_file()]


def place_in_wheel(path: Path) -> str:
    for folder, place in PLACES.items():
        if path.is_relative_to(folder):
            return str(PurePosixPath(place, path.relative_to(folder)))
    return str(path)


def run(*words: str | Path, folder: Path | None = None) -> str:
    """Standard output of a program that must succeed and must not see the checkout through PYTHONPATH."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(shared_folder: Path) -> Path:
    """The wheel, built from a copy, since setuptools leaves folders where it builds."""

    def build(folder: Path) -> None:
        for name in tree_files():
            (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / "tree" / name)
        run(*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, folder / "tree")

    (built,) = build_once(shared_folder / "wheel", build).glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, shared_folder: Path) -> Path:
    """The folder of commands of a virtual environment that has the wheel and, from here, its dependencies.

    A path in a .pth file brings modules but not the .pth files beside them, so that an editable installation of this
    project, which is one of those, stays out.
    """
    commands = "Scripts" if os.name == "nt" else "bin"

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        python = folder / commands / "python"
        run(
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--python",
            python,
            "install",
            "--no-deps",
            wheel,
        )
        purelib = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
        dependencies = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        (Path(purelib) / "dependencies.pth").write_text("\n".join(dependencies) + "\n")

    return build_once(shared_folder / "installed", install) / commands


def test_the_wheel_has_every_file_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    wanted = {place_in_wheel(path) for path in tree_files() if path.parts[0] in ("gan_cli", "configs")}
    assert {name for name in names if ".dist-info/" not in name} == wanted
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_installed_package_is_found_where_it_was_installed(installed: Path, tmp_path: Path) -> None:
    program = """
import gan_cli, hydra_plugins.gan_cli
from gan_cli.config.compose import config_directory
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
print(gan_cli.__file__, hydra_plugins.gan_cli.__file__, config_directory(), sep="\\n")
print("ProcessEachLauncher" in {found.__name__ for found in Plugins.instance().discover(Launcher)})
"""
    *places, hydra_finds_the_launcher = run(installed / "python", "-c", program, folder=tmp_path).splitlines()
    for place in places:
        assert Path(place).is_relative_to(installed.parent)
    assert hydra_finds_the_launcher == "True"


def test_the_installed_commands_answer(installed: Path, tmp_path: Path) -> None:
    for name in ("gan-train", "gan-sample"):
        assert f"{name} --cfg job" in run(installed / name, "--help", folder=tmp_path)
        assert run(installed / name, "--version", folder=tmp_path).startswith(name)
    assert "weight_clip" in run(installed / "gan-train", "--cfg", "job", "loss=wgan", folder=tmp_path)


def test_an_installed_sweep_runs_own_code_and_nothing_else_in_its_folder(
    installed: Path, working_folder: Path, marker: Path
) -> None:
    """Each job in an interpreter of its own, in a folder with modules that Python and dependencies would import."""
    write_own_code(working_folder)
    plant(working_folder, marker)
    words = ["--config-dir", "conf", "loss=exponential", "dataset=stripes", *TINIEST_OF_ANY_LOSS, "seed=7"]
    said = run(installed / "gan-train", "-m", *words, "hydra.sweep.dir=sweep", folder=working_folder)
    assert "[1/1]" in said
    assert not marker.exists(), marker.read_text()
    (job,) = (path.parent for path in Path("sweep").glob("*/status.json"))
    assert '"state": "finished"' in (job / "status.json").read_text()
    assert "my_losses.Exponential" in (job / "config.yaml").read_text()
    job.rename("run")
    run(installed / "gan-sample", "run=run", "trust=true", "n=4", "output=four.png", folder=working_folder)
    assert Path("four.png").read_bytes().startswith(b"\x89PNG")
    assert not marker.exists(), marker.read_text()


def imports(tree: ast.AST, inside_functions: bool) -> Iterator[str]:
    """The top-level names that a module imports at its start, or those that it imports inside functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            if inside_functions:
                yield from (name for below in ast.walk(node) for name in imported(below))
        else:
            if not inside_functions:
                yield from imported(node)
            yield from imports(node, inside_functions)


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [str(node.module).partition(".")[0]]
    return []


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_imported_package_is_declared(installed: Path) -> None:
    (information,) = installed.parent.rglob("gan_cli-*.dist-info")
    requires = Distribution.at(information).requires or []
    names = {line: normalized(re.split(r"[^\w.-]", line)[0]) for line in requires}
    always = {name for line, name in names.items() if "extra ==" not in line}
    sometimes = always | set(names.values())
    distributions = packages_distributions()
    undeclared = []
    for path in (path for path in tree_files() if path.parts[0] in ("gan_cli", "configs") and path.suffix == ".py"):
        tree = ast.parse((ROOT / path).read_text())
        for inside_functions, declared in ((False, always), (True, sometimes)):
            for name in set(imports(tree, inside_functions)) - OWN - sys.stdlib_module_names:
                if not {normalized(found) for found in distributions.get(name, [])} & declared:
                    undeclared.append(f"{path} imports {name}")
    assert undeclared == []
