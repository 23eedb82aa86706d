"""Evaluation: from a run, a folder or arrays to numbers with their protocol.

examples   what is compared: real and generated examples, from wherever they come
   |
evidence   what an extractor says of them; kept on disk for real ones
   |
measure    every metric over both sides; each value with its protocol and its uncertainty
   |
report     the table, evaluations.jsonl; `during` does the same while training
"""
