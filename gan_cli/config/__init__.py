"""Configuration: from the words of the command line to typed, checked objects.

    compose        words to one composed configuration, through Hydra
       |
    job_builder    configuration to typed objects; `target_allowlist` decides which classes may be named
       |
    compatibility  checks across keys: loss with penalties, model with data; `label_checks`: conditioning with labels
       |
    launch_plan    a checked job, and where it starts: a new run, or `resume_plan`

`automatic_values` replaces each `auto` on the way, by the rules of `data_rules` and `model_rules`.

Nothing outside this room uses a DictConfig, and nothing in it loads TensorFlow.
"""
