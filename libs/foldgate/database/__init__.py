"""What everything that keeps something in PostgreSQL shares: connections, and migrations."""
