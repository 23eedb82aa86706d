"""Evaluation: from a run, a folder or arrays to numbers with their protocol.

examples   what is compared: real and generated examples, from wherever they come
   |
evidence   what an extractor says of them; kept on disk for real ones
   |
measure    every metric over both sides; each value with its protocol and its uncertainty
   |
report     the table for people

`session` is a call of gan-eval, `during` the same while training, `compare` several runs in one table. People and other
GANs judge in `human` and `tournament`; `health` and `judged` look at the discriminator.
"""
