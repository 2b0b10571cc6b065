# Makes .venv when it is missing. Without make: python3 dev.py test
PYTHON ?= python3
# make test PACKAGE=retry: the tests of one package, its types and its pages.
export PACKAGE
.PHONY: demo test fast test-oldest check bench bench-quick
demo test fast test-oldest check bench bench-quick:
	@$(PYTHON) dev.py $@ $(ARGS)
