"""The rules of shared resources: who may hold what, for how long, and what follows when it fails."""
