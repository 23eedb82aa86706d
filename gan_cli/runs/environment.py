"""environment.json: with what a run was made, one entry for each start."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("gan-cli", "tensorflow", "keras", "numpy", "hydra-core", "omegaconf", "tensorflow-datasets", "pillow")


def describe_environment(path: Path) -> list[dict[str, Any]]:
    """The entries of before in the file `path`, and one for this process."""
    try:
        before = json.loads(path.read_text())
    except (OSError, ValueError):
        before = []
    return [*(before if isinstance(before, list) else []), this_environment()]


def this_environment() -> dict[str, Any]:
    """Command line, versions, devices and commit of this process. TensorFlow is loaded already."""
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": sys.argv,
        "working_directory": Path.cwd().name,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
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
