"""Widgets draw rows of ready text and know no database."""
