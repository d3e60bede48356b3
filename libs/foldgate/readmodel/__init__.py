"""Read models: projections of the log into rows, each written together with the position it reflects."""
