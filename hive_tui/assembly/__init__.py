"""Where the parts are made from the settings, a module for each group of them; `hive.py` puts the groups together."""
