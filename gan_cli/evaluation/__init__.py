"""Evaluation: from a run, a folder or arrays to metrics with their protocol.

    evaluation_sides  where real and generated examples come from, found without TensorFlow
         |
    example_sets      the examples of both sides, whatever they come from
         |
    feature_store     their features; those of real examples are cached on disk
         |
    compute_metrics   every metric over both sides, each value with its protocol and its uncertainty
         |
    result_table      the printed table

`evaluation_job` is one evaluation of gan-eval and `evaluation_runner` a whole call of it. `periodic_evaluation`
evaluates during training, `run_comparison` shows several runs in one table, and the two `..._diagnostics` measure the
discriminator.
"""
