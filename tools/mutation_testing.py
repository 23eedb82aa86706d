"""Mutation testing of the step, losses, penalties and metrics: mutmut with mutations that suit numerical code.

    python tools/mutation_testing.py                             # all mutants; hours on one core
    python tools/mutation_testing.py --sample 300 --seed 0       # 300 of them
    python tools/mutation_testing.py 'gan_cli.losses.hinge.*'    # those whose name matches
    python tools/mutation_testing.py --survivors                 # survivors again, each in a process of its own
    python tools/mutation_testing.py --report                    # stored results
    mutmut show NAME                                             # the difference that a mutant makes

[tool.mutmut] in pyproject.toml names the files and their tests, which are the fast ones. Results are stored in
mutants/, and a mutant that has a result is not run again unless --survivors asks for it; delete the folder to start
again, also after a change of tests.

Changes to mutmut:

- Texts are not mutated. Arguments are exchanged with their neighbour or, if they have a keyword, left out; mutmut's
  `f(None)` and `f()` for `f(x)` are two thirds of all mutants and are nearly always a TypeError.
- Mutants run one after another in one process, since imports take longer than most tests. A failure counts only if the
  same test passes again without the mutant; otherwise a new process repeats it. What tests keep in caches can hide a
  mutant, so --survivors runs each survivor in a process of its own, which is forked from one that has imported
  TensorFlow but has executed no operation: its thread pools do not survive a fork.
- Pytest's search for plugins, two seconds of processor time, is switched off. The fastest tests of a mutant run first.

mutmut mutates functions and methods, but not properties, class attributes and constants.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib
import itertools
import multiprocessing
import os
import random
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import libcst as cst
import mutmut.__main__ as mutmut
from mutmut.configuration import config
from mutmut.mutation import file_mutation, mutators
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.runners.harness import PytestRunner
from mutmut.state import state
from mutmut.stats import status_by_exit_code
from mutmut.workers.isolation import ForkServerRunner, MutantResult

ENVIRONMENT = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
PRELOADED = ("tensorflow", "keras", "numpy", "scipy.linalg", "scipy.spatial", "sklearn.neural_network", "pytest")
LEFT_OUT = (
    mutators.operator_string,
    mutators.operator_arg_removal,
    mutators.operator_dict_arguments,
    mutators.operator_symmetric_string_methods_swap,
    mutators.operator_unsymmetrical_string_methods_swap,
)
COMMUTE = {"maximum", "minimum", "max", "min", "squared_difference", "isinstance"}
TEXTS = (cst.SimpleString, cst.FormattedString, cst.ConcatenatedString)
SURVIVED, KILLED, SUSPICIOUS, TIMEOUT = 0, 1, 35, 36
COULD_NOT_START = 255
"""Of a forked child whose tests could not be imported, which mutmut counts as a timeout."""
MUTANTS_OF_A_PROCESS = 150
MEMORY = 8 * 2**30
"""Bytes of address space of a process: some mutants build arrays of many gigabytes."""


def exchanged_arguments(node: cst.Call) -> Iterator[cst.Call]:
    """Yields the call with each pair of neighbouring positional arguments exchanged, unless it is equivalent."""
    name = node.func.attr.value if isinstance(node.func, cst.Attribute) else getattr(node.func, "value", "")
    if name in COMMUTE:
        return
    positional = [place for place, one in enumerate(node.args) if one.keyword is None and not one.star]
    for first, second in itertools.pairwise(positional):
        arguments = list(node.args)
        values = arguments[first].value, arguments[second].value
        if any(isinstance(value, TEXTS) for value in values) or values[0].deep_equals(values[1]):
            continue
        arguments[first] = arguments[first].with_changes(value=values[1])
        arguments[second] = arguments[second].with_changes(value=values[0])
        yield node.with_changes(args=arguments)


def omitted_keywords(node: cst.Call) -> Iterator[cst.Call]:
    """Yields the call without each of its keyword arguments."""
    for place, argument in enumerate(node.args):
        if argument.keyword is not None:
            yield node.with_changes(args=[*node.args[:place], *node.args[place + 1 :]])


class Selection:
    """A plugin of pytest that runs some tests in a given order, and records the first one that fails.

    Pytest itself takes longer to find hundreds of tests by their names than to run them.
    """

    def __init__(self, tests: list[str]) -> None:
        self.places = {name: place for place, name in enumerate(tests)}
        self.failed: str | None = None

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        chosen = [item for item in items if item.nodeid in self.places]
        items[:] = sorted(chosen, key=lambda item: self.places[item.nodeid])

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and self.failed is None:
            self.failed = report.nodeid


def run_tests(tests: list[str]) -> tuple[int, str | None]:
    """Returns the exit code of pytest, and the name of the first test that failed."""
    import pytest

    selection = Selection(tests)
    files = sorted({test.split("::")[0] for test in tests})
    code = pytest.main(["--rootdir=.", "-x", "-q", *files, *config().pytest_add_cli_args], plugins=[selection])
    return int(code), selection.failed


def test_mutants(connection: Connection) -> None:
    """Receives the names of mutants with their tests, and sends whether each survived; None asks for a new process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)
    os.chdir("mutants")
    set_mutant_under_test("")
    run_tests(config().pytest_add_cli_args_test_selection)  # imports them
    connection.send(0)
    while True:
        name, tests = connection.recv()
        set_mutant_under_test(name)
        code, failed = run_tests(tests)
        set_mutant_under_test("")
        if code == SURVIVED:
            connection.send(SURVIVED)
        else:
            connection.send(KILLED if failed is not None and run_tests([failed])[0] == 0 else None)


class SequentialRunner(ForkServerRunner):
    """Tests mutants one after another in one process, which is replaced if a mutant does not end or leaves traces."""

    process: Any = None
    tested = 0
    result: MutantResult | None = None

    def start_process(self) -> None:
        self.stop_process()
        self.connection, other = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(target=test_mutants, args=(other,), daemon=True)
        self.process.start()
        other.close()
        self.tested = self.connection.recv()

    def stop_process(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None

    def submit(self, mutant_name: str, tests: list[str], cpu_time_limit: int, estimated_time: float) -> None:
        if self.process is None or self.tested >= MUTANTS_OF_A_PROCESS:
            self.start_process()
        ordered = sorted(tests, key=lambda test: state().duration_by_test[test])
        code = self.answer(mutant_name, ordered, cpu_time_limit)
        if code is None:
            self.start_process()
            code = self.answer(mutant_name, ordered, cpu_time_limit)
        if code in (None, TIMEOUT):
            self.stop_process()
        self.result = MutantResult(mutant_name, SUSPICIOUS if code is None else code, 0.0)

    def answer(self, name: str, tests: list[str], limit: int) -> int | None:
        """Returns the exit code of a mutant, None if the process is not fit to tell."""
        self.tested += 1
        self.connection.send((name, tests))
        try:
            return self.connection.recv() if self.connection.poll(limit) else TIMEOUT
        except EOFError:  # the mutant ended the process, for example at its limit of memory
            self.stop_process()
            return KILLED

    def startup(self) -> None: ...

    def has_capacity(self) -> bool:
        return self.result is None

    def pending_count(self) -> int:
        return int(self.result is not None)

    def wait_for_result(self, timeout: float | None = None) -> MutantResult:
        assert self.result is not None
        result, self.result = self.result, None
        return result

    def signal_work_complete(self) -> None: ...

    def stop_all_workers(self) -> None:
        self.stop_process()

    def shutdown(self) -> None:
        self.stop_process()

    def run_clean_tests(self, tests: Any) -> int:
        return 0  # the collection of durations has run them without a mutant


class ForkingRunner(ForkServerRunner):
    """Tests each mutant in a process of its own, the fastest tests first."""

    def submit(self, mutant_name: str, tests: list[str], cpu_time_limit: int, estimated_time: float) -> None:
        ordered = sorted(tests, key=lambda test: state().duration_by_test[test])
        super().submit(mutant_name, ordered, cpu_time_limit, estimated_time)

    def run_clean_tests(self, tests: Any) -> int:
        return 0


def import_preloaded(runner: PytestRunner) -> None:
    """Imports what takes long and executes no TensorFlow operation, in a process of limited memory."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for name in PRELOADED:
        importlib.import_module(name)


collect_all = mutmut.collect_source_file_mutation_data


def chosen_mutants(options: argparse.Namespace) -> Callable[..., Any]:
    """Returns mutmut's `collect_source_file_mutation_data` for the mutants that the options choose."""

    def collect(**_: Any) -> Any:
        mutants, by_path = collect_all(mutant_names=())
        patterns = options.names or ["*"]
        chosen = [one for one in mutants if any(fnmatch.fnmatch(one[1], pattern) for pattern in patterns)]
        if options.sample is not None:
            chosen = random.Random(options.seed).sample(sorted(chosen, key=lambda one: one[1]), options.sample)
        if options.survivors:
            chosen = [(data, name, None) for data, name, code in chosen if code == SURVIVED]
        return chosen, by_path

    return collect


def report() -> None:
    """Prints the number of mutants by folder and status, and the names of those that were not killed."""
    _, by_path = collect_all(mutant_names=())
    counts: dict[str, Counter[str]] = {}
    for path, data in by_path.items():
        statuses = {name: status_by_exit_code[code] for name, code in data.exit_code_by_key.items()}
        counts.setdefault(Path(path).parent.name, Counter()).update(statuses.values())
        for name, status in statuses.items():
            if status not in ("killed", "timeout", "not checked"):
                print(f"{status}: {name}")
    for folder, count in counts.items():
        print(f"{folder}: {count.total()} mutants, {', '.join(f'{n} {s}' for s, n in sorted(count.items()))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="patterns of mutants; default: all")
    parser.add_argument("--sample", type=int, help="number of mutants, drawn at random; default: all")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sample")
    parser.add_argument("--survivors", action="store_true", help="run survivors again, each in its own process")
    parser.add_argument("--report", action="store_true", help="print the stored results only")
    options = parser.parse_args()
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    status_by_exit_code[COULD_NOT_START] = "killed"
    if not options.report:
        kept = [(kind, change) for kind, change in mutators.mutation_operators if change not in LEFT_OUT]
        file_mutation.mutation_operators = [*kept, (cst.Call, exchanged_arguments), (cst.Call, omitted_keywords)]
        PytestRunner.warm_up = import_preloaded
        runner = ForkingRunner if options.survivors else SequentialRunner
        mutmut.get_mutant_runner = lambda *_: runner(1, PytestRunner, {})
        mutmut.collect_source_file_mutation_data = chosen_mutants(options)
        mutmut._run((), 1)
    report()


if __name__ == "__main__":
    main()
