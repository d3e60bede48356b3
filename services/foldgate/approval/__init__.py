"""Approval: asks people, counts votes, expires questions."""
