"""The dashboard. Nothing else in the program imports Textual."""
