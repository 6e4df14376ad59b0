"""`python -m screening …` is `screening …`."""

from screening.service.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
