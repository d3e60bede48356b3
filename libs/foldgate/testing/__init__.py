"""Real servers for tests, and a pytest plugin that says loudly when there were none."""
