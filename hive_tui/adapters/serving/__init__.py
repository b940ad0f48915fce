"""What a service needs of the machine: its manager, and a place for its log."""
