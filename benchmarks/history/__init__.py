"""What asv follows from commit to commit: the kernels of the table, and the recipe.

``cd benchmarks; asv run``; ``asv continuous main HEAD`` compares a branch. The table itself is that
of this checkout, whatever commit is measured.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # asv knows this folder alone
