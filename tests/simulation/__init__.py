"""A whole suite in one thread: real services, one seed, every fault, and the same to the byte each time."""
