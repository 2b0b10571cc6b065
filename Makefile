# Makes .venv when it is missing. Without make: python3 dev.py test
PYTHON ?= python3
.PHONY: demo test test-oldest check bench bench-quick
demo test test-oldest check bench bench-quick:
	@$(PYTHON) dev.py $@ $(ARGS)
