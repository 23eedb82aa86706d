"""Hydra's launcher `process_each`: runs jobs one after the other, each in a new process.

Installed as `hydra_plugins.gan_cli`, since Hydra finds launchers only in modules below `hydra_plugins`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus, filter_overrides
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict


@dataclass
class ProcessEachConfig:
    _target_: str = "hydra_plugins.gan_cli.ProcessEachLauncher"


class ProcessEachLauncher(Launcher):
    """Runs the jobs of a sweep one after the other, each in its own process."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Runs the jobs. A job that fails does not stop the others; the table at the end of the sweep shows it."""
        total = initial_job_idx + len(job_overrides)
        return [
            self.launch_one(list(overrides), index, total)
            for index, overrides in enumerate(job_overrides, start=initial_job_idx)
        ]

    def launch_one(self, overrides: list[str], index: int, total: int) -> JobReturn:
        config = self.hydra_context.config_loader.load_sweep_config(self.config, overrides)
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = index
        directory = Path(str(config.hydra.sweep.dir)) / str(config.hydra.sweep.subdir)
        words = list(filter_overrides(overrides))
        # Imported here: every Hydra program imports this file at its start.
        from gan_cli.sweeps.sweep_jobs import SweepJob, run_job

        result = run_job(SweepJob(words, directory, index, total))
        returned = JobReturn(overrides=overrides, status=JobStatus.COMPLETED)
        returned.return_value = result
        return returned


ConfigStore.instance().store(group="hydra/launcher", name="process_each", node=ProcessEachConfig, provider="gan_cli")
