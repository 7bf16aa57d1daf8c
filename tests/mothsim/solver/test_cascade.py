"""How the engine shares rows out among threads."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import mothsim
from mothsim.segments import draw
from mothsim.solver.cascade import SHARES, share_out


@given(rows=st.integers(SHARES[0] + 1, 300_000), threads=st.integers(2, 64))
def test_every_row_is_in_one_part_and_no_thread_waits_long(rows, threads):
    parts = share_out(rows, threads)
    assert [part.stop for part in parts[:-1]] == [part.start for part in parts[1:]]
    assert (parts[0].start, parts[-1].stop) == (0, rows)
    first, *others = (part.stop - part.start for part in parts)
    assert len(set(others)) == 1
    assert 0 < others[0] <= SHARES[1]
    assert others[0] <= first <= 1.1 * others[0] + len(parts) + 1
    assert len(parts) <= threads or len(parts) % threads == 0


def test_rows_that_fail_on_any_thread_are_flagged_and_no_others():
    states, controls = draw(4 * SHARES[0], 0)
    bad = np.random.default_rng(0).choice(len(states), 40, replace=False)
    states[bad, np.arange(40) % 8] = np.nan
    for threads in (1, 2, 3):
        result = mothsim.propagate(states, controls, rtol=1e-4, threads=threads)
        assert np.array_equal(np.flatnonzero(~result.success), np.sort(bad))
        assert np.array_equal(np.isnan(result.states), np.repeat(~result.success[:, None], 8, axis=1))
