"""Workflows: one aggregate a workflow of a tenant, with its published versions."""
