"""Sweeps: runs each job of `gan-train -m ...` in a new process.

TensorFlow keeps devices, seeds, policies and memory in a process, so a job that shares one could not be repeated
alone. A job that crashes does not stop the others. Hydra composes the jobs and calls the launcher in this package.
Other launchers and sweepers for Hydra (for a cluster, for a search) can replace it.
"""
