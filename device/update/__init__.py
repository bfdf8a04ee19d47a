"""Update over the air: receives a new version into the free slot. Loaded only for an update."""
