"""Who may come through the door, and what for: roles, API keys, and the tokens of an issuer."""
