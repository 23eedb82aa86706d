"""Run directories: the files of a run, and how a run is found, read and resumed.

    outputs/20261120-101502_dcgan_wgan_mnist_seed0/
      config.yaml        the whole configuration; with it alone the run can be repeated
      overrides.yaml     what the user typed
      environment.json   command line, versions, devices, cores, git commit, was it dirty; one entry a start
      status.json        {"state": running | finished | interrupted | failed, "step": N, "error": ...}
      train.log          what the console showed
      metrics.jsonl      one object a line, each step once, in order
      tensorboard/
      samples/           real.png, step_00000000.png, step_00000250.png, ...: the same latents every time
      checkpoints/       step_00000500.npz, ...: everything that an exact resume needs; the newest few
      generator.keras    averaged generator, what people share

Small files are written to a temporary name and renamed, so a kill at any moment leaves the old or the new one. Names
sort by time. Nothing in a run directory holds its own path: it may be moved or copied and still works.
"""
