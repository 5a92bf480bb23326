"""`python -m longlag` is `longlag`."""

from longlag.bench.cli.app import main

if __name__ == "__main__":
    main()
