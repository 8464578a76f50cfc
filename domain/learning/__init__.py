"""What works, learned from outcomes: bandit arms, rewards, predictors. The only part of `domain` that uses numpy."""
