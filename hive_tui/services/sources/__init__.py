"""What asks for wakes from outside: Redis, files that change, the reset of budgets, webhooks."""
