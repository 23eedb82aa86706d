"""gan-sample: parses the arguments, reports errors and writes images."""

from __future__ import annotations

import sys

from gan_cli.commands.command_line import composed, isolate_child_processes, os_errors_as_mistakes, report_errors
from gan_cli.commands.help import sample_help
from gan_cli.config.job_builder import build_section
from gan_cli.output_streams import print_result
from gan_cli.sampling.sample_job import SampleJob
from gan_cli.sampling.sample_output import check_output
from gan_cli.sampling.sample_runner import run_sample_job
from gan_cli.sampling.sampling_methods import PLAIN
from gan_cli.trained_models.find_generator_file import find_source
from gan_cli.trained_models.load_generator import load_source
from gan_cli.trained_models.load_guide import check_guide_source, load_guide


def main() -> None:
    """The console script. Exits with 0, or 2 for a wrong argument or an unreadable file."""
    isolate_child_processes()
    with report_errors("gan-sample"):
        sys.exit(gan_sample(sys.argv[1:]))


def gan_sample(arguments: list[str]) -> int:
    """Runs the command with these arguments. Returns the exit code."""
    composition = composed("gan-sample", "sample", arguments, sample_help, "Run it once for each setting.")
    if composition is None:
        return 0
    settings = dict(composition.config)
    settings["label"] = settings.pop("class", None)  # `class` is a word of Python
    job = build_section("", settings, SampleJob)
    with os_errors_as_mistakes(arguments):
        source = find_source(job.run, job.checkpoint, job.step)
        check_guide_source(source, job)
        check_output(job, source)

    from gan_cli.devices import load_for_inference  # here, since it loads TensorFlow

    load_for_inference()
    guide = None if job.method == PLAIN else load_guide(source, job)
    generator = load_source(source, job.weights, job.trust) if guide is None else guide.generator
    print_result(str(run_sample_job(generator, job, source, guide)))
    return 0


if __name__ == "__main__":
    main()
