"""What the doctor looks at, in the order of a forensic look; each module one area."""
