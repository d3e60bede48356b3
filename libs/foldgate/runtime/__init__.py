"""The shell: makes a service value run on a log, with settings, health, metrics and a clean end."""
