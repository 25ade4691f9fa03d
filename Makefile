.DEFAULT_GOAL := help
.venv/.stamp: requirements-dev.txt
	python3.11 -m venv .venv
	.venv/bin/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	touch $@
.PHONY: env
env: .venv/.stamp
