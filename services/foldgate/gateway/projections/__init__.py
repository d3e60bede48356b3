"""What the gateway shows: read models of the streams."""
