"""Mutation testing of the step, losses, penalties and metrics: mutmut with mutations that suit numerical code.

    python tools/mutation_testing.py                             # all mutants; hours on one core
    python tools/mutation_testing.py --sample 300 --seed 0       # 300 of them
    python tools/mutation_testing.py 'gan_cli.losses.hinge.*'    # those whose name matches
    python tools/mutation_testing.py --report                    # stored results
    mutmut show NAME                                             # the difference that a mutant makes

[tool.mutmut] in pyproject.toml names the files and their tests, which are the fast ones. Results are stored in
mutants/, and a mutant that has a result is not run again unless it is named; delete the folder to start anew.

Changes to mutmut:

- Texts are not mutated. Arguments are exchanged with their neighbour or, if they have a keyword, left out; mutmut's
  `f(None)` and `f()` for `f(x)` are two thirds of all mutants and are nearly always a TypeError. An exchange of
  operands that commute is left out, since it is equivalent.
- Mutants are forked from a process that has imported TensorFlow but has executed no operation: its thread pools do
  not survive a fork, and a child would wait for them forever. Test modules, which may execute operations, are imported
  by the child. Pytest's search for plugins, two seconds of processor time, is switched off.
- The fastest tests of a mutant run first, also with the fork server.
- A test that can't be imported counts as failed.

mutmut mutates functions and methods, but not properties, class attributes and constants.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libcst as cst
import mutmut.__main__ as mutmut
from mutmut.configuration import ForkServerWarmup, config
from mutmut.mutation import file_mutation, mutators
from mutmut.runners.harness import PytestRunner
from mutmut.state import state
from mutmut.stats import status_by_exit_code
from mutmut.workers.isolation import ForkServerRunner

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
COULD_NOT_START = 255


def exchanged_arguments(node: cst.Call) -> Iterator[cst.Call]:
    """Yields the call with each pair of neighbouring positional arguments exchanged."""
    name = node.func.attr.value if isinstance(node.func, cst.Attribute) else getattr(node.func, "value", "")
    if name in COMMUTE:
        return
    positional = [place for place, one in enumerate(node.args) if one.keyword is None and not one.star]
    for first, second in itertools.pairwise(positional):
        arguments = list(node.args)
        values = arguments[first].value, arguments[second].value
        if any(isinstance(value, TEXTS) for value in values):
            continue
        arguments[first] = arguments[first].with_changes(value=values[1])
        arguments[second] = arguments[second].with_changes(value=values[0])
        yield node.with_changes(args=arguments)


def omitted_keywords(node: cst.Call) -> Iterator[cst.Call]:
    """Yields the call without each of its keyword arguments."""
    for place, argument in enumerate(node.args):
        if argument.keyword is not None:
            yield node.with_changes(args=[*node.args[:place], *node.args[place + 1 :]])


def import_preloaded(runner: PytestRunner) -> None:
    """Imports what takes long and executes no TensorFlow operation."""
    for name in PRELOADED:
        importlib.import_module(name)


def submit_fastest_first(submit: Any) -> Any:
    """Returns `ForkServerRunner.submit` with the tests in ascending order of their duration."""

    def ordered(self: ForkServerRunner, name: str, tests: list[str], *limits: Any) -> None:
        submit(self, name, sorted(tests, key=lambda test: state().duration_by_test[test]), *limits)

    return ordered


def choose_sample(collect: Any, count: int, seed: int) -> Any:
    """Returns mutmut's `collect_source_file_mutation_data` for a random sample of `count` mutants."""

    def sampled(**more: Any) -> Any:
        mutants, by_path = collect(**more)
        by_name = {name: (data, name, result) for data, name, result in mutants}
        chosen = random.Random(seed).sample(sorted(by_name), min(count, len(by_name)))
        return [by_name[name] for name in chosen], by_path

    return sampled


def report() -> None:
    """Prints the number of mutants by folder and status, and the names of those that were not killed."""
    _, by_path = collect_all(mutant_names=())
    counts: dict[str, Counter[str]] = {}
    for path, data in by_path.items():
        statuses = [status_by_exit_code[code] for code in data.exit_code_by_key.values()]
        counts.setdefault(Path(path).parent.name, Counter()).update(statuses)
        for name, code in data.exit_code_by_key.items():
            if status_by_exit_code[code] not in ("killed", "timeout", "not checked"):
                print(f"{status_by_exit_code[code]}: {name}")
    for folder, count in counts.items():
        print(f"{folder}: {count.total()} mutants, {', '.join(f'{n} {s}' for s, n in sorted(count.items()))}")


collect_all = mutmut.collect_source_file_mutation_data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="patterns of mutants; default: all")
    parser.add_argument("--sample", type=int, help="number of mutants, drawn at random; default: all")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sample")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at a time")
    parser.add_argument("--report", action="store_true", help="print the stored results only")
    options = parser.parse_args()
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    status_by_exit_code[COULD_NOT_START] = "killed"
    if not options.report:
        kept = [(kind, change) for kind, change in mutators.mutation_operators if change not in LEFT_OUT]
        file_mutation.mutation_operators = [*kept, (cst.Call, exchanged_arguments), (cst.Call, omitted_keywords)]
        config().forkserver_warmup = ForkServerWarmup.COLLECT
        PytestRunner.warm_up = import_preloaded
        ForkServerRunner.submit = submit_fastest_first(ForkServerRunner.submit)
        if options.sample is not None:
            mutmut.collect_source_file_mutation_data = choose_sample(collect_all, options.sample, options.seed)
        mutmut._run(options.names, options.jobs)
    report()


if __name__ == "__main__":
    main()
