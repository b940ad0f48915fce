"""Screens read a view and decide; widgets draw."""
