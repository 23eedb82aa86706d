"""Runs random command lines and reports those that are not answered with one short message.

    python tools/fuzz_command_line.py --count 10000 --seed 0

Command lines are put together from the real groups, choices, keys and values, and then damaged: characters dropped or
doubled, values of other types, words that are repeated. They run in this process, in an empty folder, and stop where
training, sampling or evaluation would begin. An answer is right where the exit code is 0 or 2, an error is one short
message that names a key and holds none of Hydra's own words, and nothing was written.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import shutil
import sys
import tempfile
import traceback
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.config.compose import compose, composer
from gan_cli.config.group_choices import LISTS, choices, groups
from gan_cli.errors import ConfigError

HYDRA_WORDS = (
    "Could not override", "is not in struct", "LexerNoViable", "mismatched input", "hydra.cc", "To append to your",
    "full_key:", "object_type=", "Config group override", "no viable alternative", "token recognition", "extraneous",
    "Multiple values for", "Could not append", "Could not find", "Override ", "NoneType", "ValueError", "KeyError",
)  # fmt: skip
"""Words that only Hydra, OmegaConf or Python use."""

LONGEST_MESSAGE = 700
COMMANDS = {"gan-train": gan_train, "gan-sample": gan_sample, "gan-eval": gan_eval}
CONFIGS = {"gan-train": "train", "gan-sample": "sample", "gan-eval": "eval"}
VALUES = (
    "0", "1", "-1", "7", "1.5", "1e-4", "1e400", "nan", "inf", "true", "false", "null", "abc", "''", '""', "[]", "[1]",
    "[1,2]", "{}", "{a:1}", "1,2", "range(0,0)", "range(0,3)", "choice(1,2)", "${train.steps}", "${nope}", "~/x", "a b",
    "a,b", "100000000000000000000", "0x10", "[a,[b]]", "???", "é", "x" * 300, "a/b", "..", "/nowhere/x", "glob(*)",
    "sort(2,1)", "int(3)", "a=b", "#", "'a", "[1", "tag(x)", "\\n", "auto", "best", "$(x)", "interval(0,1)",
)  # fmt: skip
FLAGS = (
    ["--cfg", "job"], ["--cfg", "job", "--resolve"], ["--resolve"], ["--package=a"],
    ["--cfg", "job", "--package=train"], ["--cfg", "job", "--package=a.b"], ["--info", "config"],
    ["--config-name=nope"], ["--config-name", "train"],
    ["--config-dir", "nowhere"], ["--config-dir=."], ["--version"], ["--nope"], ["-x"], ["--cfg"], ["--cfg", "nope"],
    ["--config-path=x"], ["--experimental-rerun=x"], ["--run"], ["-"], ["--"],
)  # fmt: skip


class StopBeforeWork(Exception):
    """The command line was right, and work would begin."""


@dataclass(frozen=True)
class Answer:
    """How a command line was answered: its exit code and what is wrong with that; "" where nothing is."""

    code: int
    fault: str


def vocabulary(command: str) -> tuple[dict[str, list[str]], list[str]]:
    """The groups with their choices, and the keys of the default configuration."""
    with composer(None):
        names = {group: choices(group) for group in groups()}
    words = ["run=x"] if command != "gan-train" else ["penalty=[r1,lecam]", "augment=[ada]", "metric=[fid]"]
    return names, list(leaves(compose(CONFIGS[command], words).config))


def leaves(node: dict, prefix: str = "") -> Iterator[str]:
    for name, value in node.items():
        yield f"{prefix}{name}"
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{name}.")


class CommandLines:
    """Draws command lines of one command."""

    def __init__(self, command: str, draw: random.Random) -> None:
        self.command, self.draw = command, draw
        self.groups, self.keys = vocabulary(command)

    def line(self) -> list[str]:
        words = [self.word() for _ in range(self.draw.choice([1, 1, 2, 2, 3, 4]))]
        if self.draw.random() < 0.12:
            words += self.draw.choice(FLAGS)
        if self.command == "gan-train" and self.draw.random() < 0.2:
            words.append(self.draw.choice(["resume=stored", "resume=auto", "resume=nowhere", "dry_run=true"]))
        if self.command == "gan-eval" and self.draw.random() < 0.2:
            words.insert(0, self.draw.choice(["human", "tournament"]))
        if self.command != "gan-train" and self.draw.random() < 0.5:
            words.append("run=stored")
        if self.draw.random() < 0.1:
            words.append(self.draw.choice(words))
        self.draw.shuffle(words) if words[0] not in ("human", "tournament") else None
        return words

    def word(self) -> str:
        kind = self.draw.random()
        if kind < 0.4 and self.groups:
            group = self.draw.choice(sorted(self.groups))
            names = self.draw.choices(self.groups[group], k=self.draw.choice([1, 1, 1, 2, 3]))
            several = group in LISTS or self.draw.random() < 0.1
            word = f"{group}=[{','.join(names)}]" if several and len(names) > 1 else f"{group}={names[0]}"
        elif kind < 0.9:
            word = f"{self.draw.choice(self.keys)}={self.draw.choice(VALUES)}"
        else:
            key = self.draw.choice(["hydra.run.dir", "hydra.sweep.dir", "hydra/launcher", "hydra/sweeper", "hydra.x",
                                    "hydra", "train", "penalty", "experiment", "seed", "-m", ""])  # fmt: skip
            word = "-m" if key == "-m" and self.draw.random() < 0.1 else f"{key}={self.draw.choice(VALUES)}"
        return self.damage(word) if self.draw.random() < 0.25 else word

    def damage(self, word: str) -> str:
        place = self.draw.randrange(len(word) or 1)
        kind = self.draw.randrange(6)
        if kind == 0:
            return word[:place] + word[place + 1 :]
        if kind == 1:
            return word[:place] + word[place : place + 1] * 2 + word[place + 1 :]
        if kind == 2:
            return self.draw.choice("+~") + word
        if kind == 3:
            return "++" + word
        if kind == 4:
            return word.replace("=", self.draw.choice(["", "==", "@x=", ":", ".=", " = "]), 1)
        return word.replace(".", self.draw.choice(["..", "/", ""]), 1)


@contextlib.contextmanager
def stopping_before_work() -> Iterator[None]:
    """Replaces the modules that train, sample and evaluate by ones that stop."""

    def stop(*arguments: object, **keywords: object) -> None:
        raise StopBeforeWork

    replaced = {
        "gan_cli.training.run_training": "run_training",
        "gan_cli.devices": "load_for_inference",
        "gan_cli.evaluation.evaluation_runner": "run_evaluation",
        "gan_cli.human_evaluation.survey_runner": "run_human",
        "gan_cli.tournament.tournament_runner": "run_tournament",
    }
    before = {name: sys.modules.get(name) for name in replaced}
    for name, function in replaced.items():
        module = types.ModuleType(name)
        setattr(module, function, stop)
        sys.modules[name] = module
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def answer_to(command: str, words: list[str]) -> Answer:
    """Runs a command line in the working folder, which holds `stored` alone."""
    said = io.StringIO()
    before = snapshot()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = COMMANDS[command](list(words))
        fault = "" if code == 0 else f"exit code {code}"
    except StopBeforeWork:
        code, fault = 0, ""
    except ConfigError as error:
        code, fault = 2, fault_of(error)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
        fault = "" if code in (0, 2) else f"exit code {code}: {said.getvalue()[-300:]}"
    except BaseException:
        code, fault = 1, traceback.format_exc(limit=-3)
    if snapshot() != before:
        fault = fault or f"wrote {sorted(set(snapshot()) ^ set(before))}"
    return Answer(code, fault)


def fault_of(error: ConfigError) -> str:
    """What is wrong with a message."""
    text = str(error)
    typed = [str(error.value), str(error.key)]
    words = [word for word in HYDRA_WORDS if word in text and not any(word in one for one in typed)]
    if words:
        return f"Hydra's words {words}: {text}"
    if len(text) > LONGEST_MESSAGE or "\n" in text:
        return f"long message: {text}"
    if not error.key and not text.startswith(("can't read", "-", "gan-", "unrecognized", "argument", "ambiguous")):
        return f"names no key: {text}"
    return ""


def snapshot() -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in Path().rglob("*")}


def fuzz(count: int, seed: int, stored: Path) -> Iterator[tuple[str, list[str], Answer]]:
    """Each command line that was answered wrongly.

    Args:
        stored: a run directory, which is copied.
    """
    draw = random.Random(seed)
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, stopping_before_work():
        os.chdir(folder)
        try:
            shutil.copytree(stored, "stored")
            lines = {command: CommandLines(command, draw) for command in COMMANDS}
            for _ in range(count):
                command = draw.choices(list(COMMANDS), [6, 1, 2])[0]
                words = lines[command].line()
                if "-m" in words:  # sweeps start processes; their words are checked as those of single jobs
                    continue
                answer = answer_to(command, words)
                if answer.fault:
                    yield command, words, answer
        finally:
            os.chdir(home)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    stored = Path(__file__).resolve().parents[1] / "tests" / "data" / "runs_of_0_1" / "ring_mlp"
    parser.add_argument("--stored", type=Path, default=stored)
    options = parser.parse_args()
    faults = 0
    for command, words, answer in fuzz(options.count, options.seed, options.stored.resolve()):
        faults += 1
        print(f"{command} {words}\n  {answer.code}: {answer.fault}", flush=True)
    print(f"{options.count} command lines, {faults} answered wrongly")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
