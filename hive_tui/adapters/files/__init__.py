"""Files below a root: reached without following links, compared, and written by a journal that survives a crash."""
