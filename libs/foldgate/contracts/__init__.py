"""What crosses a service boundary: events, ids, streams, and their bytes."""
