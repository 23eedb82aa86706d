"""Sweeps: each job of `gan-train -m ...` in a fresh process of its own.

A process in which TensorFlow has run keeps devices, seeds, policies and memory, so jobs that shared one would not be
repeatable alone. A job that crashes takes nothing with it. Hydra composes the jobs and calls the launcher here; other
launchers and sweepers of Hydra's (a cluster, a search) can take its place.
"""
