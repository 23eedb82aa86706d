"""GANs judging GANs: every generator against every discriminator, and what that says of their strength.

players    which checkpoints of which runs play, and whether they may
   |
judging    what each discriminator says of each generator's examples, and of real ones
   |
matches    who wins how often, and ratings with intervals; `rating` has the model
   |
report     tables and JSON; `picture` draws them
"""
