"""Jobs: one aggregate a pool, its workers and what waits for them."""
