"""What users import: workers and clients."""
