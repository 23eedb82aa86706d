"""Training: the step, the calls, the loop, and what they leave behind.

assemble: job -> models, optimizers, step     calls: many steps in one graph call     loop: the whole of training
step: the algorithm                           state: all that changes                 record: what is written when
"""
