"""One check a file: an async function that takes the bench and returns a Check."""
