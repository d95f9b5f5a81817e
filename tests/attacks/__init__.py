"""Attacks on a populated copy, each with a twin that takes the guard away and shows that the attack succeeds then."""
