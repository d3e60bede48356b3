"""The log: one contract, three drivers, and the rule by which every reader reads."""
