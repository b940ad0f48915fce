"""The checkpoint file: a standard tar in zstd, with a manifest that knows the hash of every member."""
