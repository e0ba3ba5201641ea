"""`python -m service.clinical.knowledge`: check the knowledge of every profile; exit status 1 with all faults."""

import sys

from service.clinical.knowledge import InvalidKnowledge, load, profiles


def main() -> int:
    """Print what is wrong, or that nothing is."""
    try:
        versions = {load(profile).version for profile in profiles()}
    except InvalidKnowledge as invalid:
        print("\n".join(invalid.faults), file=sys.stderr)
        return 1
    print(f"knowledge {', '.join(versions)}: {len(profiles())} profiles, no fault")
    return 0


if __name__ == "__main__":
    sys.exit(main())
