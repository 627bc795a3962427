"""python -m tstream"""

from tstream.cli import main

if __name__ == "__main__":
    main()
