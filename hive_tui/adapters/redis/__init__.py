"""Redis streams: read into checkpoints, and put back. The redis package is imported only when a server is used."""
