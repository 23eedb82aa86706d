"""GANs judging GANs: every generator against every discriminator, and what that says of their strength."""
