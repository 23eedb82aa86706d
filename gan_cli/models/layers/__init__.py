"""Keras layers and operations that several models use, one a file. All of them take channels on the last axis."""
