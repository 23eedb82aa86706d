"""Matrix products on one thread: pytest-xdist has a test on every core already, and threads that wait spin.

Has to be imported before NumPy, which reads the variable once. Commands in processes of their own inherit it.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
