"""A seal as somebody may see it: of another county it is as if it were not there."""

from sqlmodel import Session, col, select

from server.access.counties import seals_of
from server.tables import Seal


def seen_seal(session: Session, seal_id: str, counties: frozenset[str]) -> Seal | None:
    """The seal, or None where no such one is in these counties.

    Args:
        session: the transaction.
        seal_id: its number.
        counties: the codes of those that are seen; none is every county.
    """
    query = select(Seal).where(Seal.id == seal_id)
    return session.exec(query.where(col(Seal.id).in_(seals_of(counties))) if counties else query).first()
