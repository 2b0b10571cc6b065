# Makes .venv when it is missing. Without make: python3 dev.py test
.PHONY: demo test check bench
demo test check bench:
	@python3 dev.py $@ $(ARGS)
