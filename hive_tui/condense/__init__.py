"""Condenses conversations: reads transcripts, and tells what matters in them, from the text alone."""
