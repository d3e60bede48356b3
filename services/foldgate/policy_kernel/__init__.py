"""The policy kernel: decides whether an attempt may happen, and where; issues writs."""
