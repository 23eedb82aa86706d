"""Trains GANs from the command line."""
