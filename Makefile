# Makes .venv when it is missing. Without make: python3 dev.py test
PYTHON ?= python3
# make test PACKAGE=retry: the tests of one package, its types and its pages.
export PACKAGE
.PHONY: demo test fast test-oldest test-wheels check screenshots bench bench-quick release
demo test fast test-oldest test-wheels check screenshots bench bench-quick release:
	@$(PYTHON) dev.py $@ $(ARGS)
