"""The gateway: the door for people and programs."""
