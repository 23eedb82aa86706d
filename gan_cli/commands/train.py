"""gan-train: parses the arguments, reports errors and starts training."""

from __future__ import annotations

import sys
from pathlib import Path

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict

from gan_cli.commands.command_line import (
    hand_to_hydra,
    isolate_child_processes,
    os_errors_as_mistakes,
    print_config,
    print_plain_config,
    read_command_line,
    report_errors,
)
from gan_cli.commands.help import train_help
from gan_cli.config.automatic_values import describe_pending
from gan_cli.config.compose import automatic_config, compose, own_folders
from gan_cli.config.experiment_overrides import compose_choices
from gan_cli.config.job_builder import build_job
from gan_cli.config.launch_plan import LaunchPlan, prepare
from gan_cli.config.primary_config import origin_of, read_overrides
from gan_cli.config.target_allowlist import composing
from gan_cli.config.user_modules import set_own_folders
from gan_cli.output_streams import printable
from gan_cli.sweeps.sweep_jobs import check_sweep, report_sweep


def main() -> None:
    """The console script. Exits with 0 finished, 1 failed, 2 misconfigured, 129, 130 or 143 stopped by a signal."""
    isolate_child_processes()
    with report_errors("gan-train"):
        sys.exit(gan_train(sys.argv[1:]))


def gan_train(arguments: list[str]) -> int:
    """Runs the command with these arguments. Returns the exit code."""
    flags = read_command_line("gan-train", arguments, train_help)
    config_name = flags.config_name or "train"
    if flags.multirun:
        with os_errors_as_mistakes(flags.overrides):
            check_sweep(config_name, flags.overrides, flags.config_dir)
        hand_to_hydra("gan-train", flags, config_name, train_from_launcher)
        return report_sweep()
    if flags.info:
        compose(config_name, flags.overrides, flags.config_dir)
    if flags.shell_completion or flags.info or flags.hydra_help:
        hand_to_hydra("gan-train", flags, config_name, train_from_launcher)
        return 0
    with os_errors_as_mistakes(flags.overrides):
        job, start = prepare(config_name, flags.overrides, flags.config_dir)
    if flags.cfg and start.resumes:
        print_plain_config(flags, job.config)
        return 0
    if flags.cfg == "job":
        composition = compose(config_name, flags.overrides, flags.config_dir)
        for line in describe_pending(composition.choices):
            print(f"# {line}")
        if flags.resolve:
            print_plain_config(flags, composition.choices.shown)
        else:
            print_config(flags, composition.unresolved)
        return 0
    if flags.cfg:
        hand_to_hydra("gan-train", flags, config_name, train_from_launcher)
        return 0
    if start.finished and not start.dry_run:
        steps = job.train.steps
        directory = printable(start.directory)
        print(f"{directory} has finished its {steps} steps. To train longer: train.steps={2 * steps}")
        return 0

    from gan_cli.training.run_training import run_training  # here, since it loads TensorFlow

    return run_training(job, start)


def train_from_launcher(config: DictConfig) -> None:
    """Runs one job of a sweep for another launcher than gan-cli's, such as one that submits jobs to a cluster."""
    from gan_cli.training.run_training import run_training

    hydra_config = HydraConfig.get()
    words = list(hydra_config.overrides.task)
    sources = hydra_config.runtime.config_sources
    config_dir = next((source.path for source in sources if source.provider == "command-line"), None)
    set_own_folders(own_folders(config_dir))
    origin = origin_of(str(hydra_config.job.config_name), words)
    if GlobalHydra.instance().is_initialized():  # what the launcher hands over was composed by Hydra alone
        config, _ = compose_choices(str(hydra_config.job.config_name), read_overrides(words))
    with composing(origin):
        with open_dict(config):
            config.pop("hydra", None)
        choices = automatic_config(config, origin).choose()
        job = build_job(choices.config, origin)
    code = run_training(job, LaunchPlan(Path(hydra_config.runtime.output_dir), words, choices))
    if code:
        raise RuntimeError(f"The job ended with exit code {code}; its train.log says why.")


if __name__ == "__main__":
    main()
