"""Compare Remote Runner with the tools that a user would run instead. Run it with `inv bench`; see README.md."""
