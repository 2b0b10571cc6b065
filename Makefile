# Makes .venv when it is missing. Without make: python3 dev.py test
.PHONY: demo test check bench bench-quick
demo test check bench bench-quick:
	@python3 dev.py $@ $(ARGS)
