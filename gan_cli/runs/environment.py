"""environment.json: with what a run was made, one entry for each start."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gan_cli.devices import usable_cores
from gan_cli.regular_files import read_regular

PACKAGES = ("gan-cli", "tensorflow", "keras", "numpy", "hydra-core", "omegaconf", "tensorflow-datasets", "pillow")


def describe_environment(path: Path, start: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The entries of before in the file `path`, and one for this process.

    `start` describes the other run whose weights this process begins with; None where it does not.
    """
    return [*read_starts(path), this_environment() | ({} if start is None else {"start_from": dict(start)})]


def read_starts(path: Path) -> list[dict[str, Any]]:
    """The entries of the file `path`, none where there are none or they can't be read."""
    try:
        starts = json.loads(read_regular(path))
    except (OSError, ValueError, RecursionError):
        return []
    return [entry for entry in starts if isinstance(entry, dict)] if isinstance(starts, list) else []


def describe_rounding_changes(path: Path) -> list[str]:
    """Lines where a run on a CPU began on another number of cores or with other kernels, which round otherwise.

    `path` is environment.json with the entry of this start. What older releases did not record is left out.
    """
    starts = read_starts(path)
    if not starts or set(starts[-1].get("devices", ())) != {"CPU"}:
        return []
    lines = []
    began, now = (starts[place].get("usable_cpus") for place in (0, -1))
    if isinstance(began, int) and isinstance(now, int) and began != now:  # sums are split otherwise
        lines.append(f"The run was begun on {count_cores(began)}, this is {count_cores(now)}: rounding may differ.")
    began, now = (starts[place].get("onednn") for place in (0, -1))
    if isinstance(began, bool) and isinstance(now, bool) and began != now:
        how = "with" if began else "without"
        lines.append(f"The run was begun {how} oneDNN (TF_ENABLE_ONEDNN_OPTS={began:d}): rounding may differ.")
    return lines


def count_cores(count: int) -> str:
    return "1 core" if count == 1 else f"{count} cores"


def this_environment() -> dict[str, Any]:
    """Command line, versions, devices and commit of this process. TensorFlow is loaded already."""
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": sys.argv,
        "working_directory": Path.cwd().name,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "usable_cpus": usable_cores(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0",
        "packages": {name: installed_version(name) for name in PACKAGES},
        "devices": devices(),
        "git": git_state(Path(__file__).resolve().parents[2]),
    }


def installed_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def devices() -> list[str]:
    """The devices that TensorFlow sees, GPUs by their names."""
    from gan_cli.lazy import tf

    names = []
    for device in tf.config.list_physical_devices():
        details = tf.config.experimental.get_device_details(device) if device.device_type == "GPU" else {}
        names.append(details.get("device_name", device.device_type))
    return names


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit of the checkout in `folder` and whether files were changed since; None where it is no checkout."""
    if not (folder / ".git").exists():
        return None
    try:
        commit = ask_git(folder, "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(ask_git(folder, "status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return None


def ask_git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
