"""Git work trees: capture one without touching it, and put one back."""
