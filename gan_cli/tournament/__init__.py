"""A tournament of GANs: every generator against every discriminator, and the ratings that follow.

players               which checkpoints of which runs take part, and whether they may
   |
discriminator_scores  the outputs of each discriminator for each generator's examples and for real ones
   |
win_rates             who wins how often (`round_robin` plays); `bradley_terry` fits ratings with intervals
   |
tournament_tables     tables and JSON; `tournament_plot` draws them, placed by `tournament_layout`
"""
