# Two commands: `make run` and `make test`. Each sets up what is missing first.
.PHONY: run test lint bench setup lock clean help
VENV := .venv/bin
BROWSER = BROWSER_EXECUTABLE="$$(cat .venv/browser)"
# A newcomer sees a day in 24 minutes. SPEED=1 is real time.
SPEED ?= 60

run: setup ## run Roost on its embedded servers and the sandbox site
	@$(BROWSER) SPEED=$(SPEED) exec $(VENV)/python main.py

test: setup ## the whole suite, against a real Postgres, Redis and Chromium
	$(BROWSER) $(VENV)/python -m pytest -n 3 --dist loadgroup

lint: setup ## style, types, who may import whom, and who may make a pool, a browser or a client
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/lint-imports
	$(VENV)/python -m pytest -q tests/lint

bench: setup ## every benchmark; `make bench NAME=boot` for one
	$(BROWSER) $(VENV)/python -m bench $(NAME)

setup: ## what the others need and is missing: the virtual environment, a browser
	@sh deploy/setup.sh

lock: ## write the lock files anew from pyproject.toml
	$(VENV)/uv pip compile -q pyproject.toml --all-extras --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 -o requirements.lock
	$(VENV)/uv pip compile -q pyproject.toml --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 -o deploy/requirements.lock

clean: ## forget the virtual environment and all data
	rm -rf .venv var

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1 \2/p' Makefile | while read -r target about; do printf '%-8s%s\n' "$$target" "$$about"; done
