"""gan-sample: parse, say what is wrong, call."""

from __future__ import annotations

import sys

from gan_cli.checks import ConfigError
from gan_cli.commands.command_line import hand_to_hydra, read_command_line, tell_errors
from gan_cli.commands.help import sample_help
from gan_cli.config.build import build_section
from gan_cli.config.compose import compose
from gan_cli.config.schema import SampleJob
from gan_cli.sampling.render import check_sample, render
from gan_cli.sampling.trained import find_source, load_source


def main() -> None:
    """The console script. Exits with 0, or 2 where something can't work as it was asked for."""
    with tell_errors("gan-sample"):
        sys.exit(gan_sample(sys.argv[1:]))


def gan_sample(arguments: list[str]) -> int:
    """Does what the arguments say and gives the exit code."""
    flags = read_command_line("gan-sample", arguments, sample_help)
    if flags.multirun:
        raise ConfigError("", "gan-sample has no sweeps", advice="Run it once for each setting.")
    if flags.cfg or flags.info or flags.shell_completion or flags.hydra_help:
        hand_to_hydra("gan-sample", flags, "sample", print)
        return 0
    job = build_section("", compose("sample", flags.overrides, flags.config_dir).config, SampleJob)
    check_sample(job)
    source = find_source(job.run, job.checkpoint, job.step)

    from gan_cli.devices import load_tensorflow, set_up_tensorflow  # here, since they load TensorFlow

    load_tensorflow()
    set_up_tensorflow(seed=0, deterministic=True)
    print(render(load_source(source, job.weights, job.trust), job, source))
    return 0


if __name__ == "__main__":
    main()
