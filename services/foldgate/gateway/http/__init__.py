"""The door over HTTP: routes, who is calling, what a body may be, and the answers that are problems."""
