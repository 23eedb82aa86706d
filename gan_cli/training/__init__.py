"""Training, from a checked job to a finished run directory.

adversarial_step: one step of the algorithm         build: models, optimizers, step and loop of a job
augmented_discriminator: packing and augmentation   training_loop: the loop, with what is written when
penalty_terms: penalties as terms of a loss         training_state: all variables, as a checkpoint stores them
generator_phases: penalties with own updates        objectives: losses with the terms of the conditioning
generator_inputs: latents, conditions and noise     forward_pass: what an update computes before any gradient
loop_schedule, time_estimate: what still comes      length_plan: the steps of `train.budget`
training_layers: normalisation layers in training   run_training: the whole run
compiled_loop: many steps in one graph call         run_writer, run_outcome: the files of a run and its status
"""
