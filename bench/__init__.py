"""Side-by-side measurements against what a user would run instead. `inv bench` runs them; see README.md here."""
